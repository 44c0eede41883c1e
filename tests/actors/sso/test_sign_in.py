"""Signing in with a provider that is honest: accounts, groups, and what admins keep."""

from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.identity.contract import (
    AddMember,
    Authenticate,
    ChangeTenant,
    CreateGroup,
    CreateUser,
    DeleteUser,
    RemoveMember,
)
from bitvault.actors.sso.contract import (
    AddProvider,
    BeginSignIn,
    ChangeProvider,
    GetProvider,
    ListProviders,
    ListWays,
    Provider,
    ProviderNotFound,
    ProviderTaken,
    ProviderTerms,
    RemoveProvider,
    StaleProvider,
    TooManyProviders,
    Way,
)
from bitvault.drivers.sealing.aesgcm import AesGcmSealing
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Idempotency
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.sso.conftest import BACK, ORIGIN, House
from tests.support.issuer import sha
from tests.support.rewiring import rewire


async def groups(house: House, login: str) -> dict[str, str]:
    """Return the groups that somebody is in, and by whom they were put there."""
    rows = await house.rows(
        "SELECT g.name, m.source, a.login FROM identity.membership AS m"
        " JOIN identity.user_group AS g USING (tenant_id, group_id)"
        " JOIN identity.account AS a USING (tenant_id, user_id)"
    )
    return {row["name"]: row["source"] for row in rows if row["login"] == login}


async def test_a_first_sign_in_makes_an_account_and_later_ones_find_it(house: House) -> None:
    """By issuer and subject alone; it has no password, no role, and a session as any other."""
    provider = await house.add()
    first = await house.session(await house.sign_in(provider))
    assert (first.user.login, first.user.display_name) == ("nina", "Nina")
    assert not first.user.is_admin
    house.issuer.claims = {"preferred_username": "renamed", "name": "Other"}
    again = await house.session(await house.sign_in(provider))
    assert again.user == first.user
    who = await house.identity.handle(Authenticate(again.token, ORIGIN))
    assert who.user_id == first.user.user_id
    kinds = [row["kind"] for row in await house.rows("SELECT kind FROM outbox.event ORDER BY seq")]
    assert kinds[-5:] == [
        "user.created", "provider.signed_in", "session.opened",
        "provider.signed_in", "session.opened",
    ]  # fmt: skip


async def test_who_is_not_known_is_not_made_where_admins_do_not_want_it(house: House) -> None:
    """Nor in a suspended tenant, nor beyond its number of users; who is known comes in."""
    provider = await house.add()
    await house.session(await house.sign_in(provider))
    house.issuer.claims = {"sub": "u-2", "preferred_username": "otto"}
    operator = evolve(house.admin, principal=evolve(house.admin.principal, is_operator=True))
    tenant_id = house.admin.tenant_id
    full = ChangeTenant(operator, tenant_id, max_users=2)
    await house.identity.handle(full)
    assert "error" in await house.sign_in(provider)
    await house.identity.handle(ChangeTenant(operator, tenant_id, unlimited_users=True))
    terms = evolve(provider.terms, makes_users=False)
    await house.sso.handle(ChangeProvider(house.admin, provider.provider_id, terms))
    assert "error" in await house.sign_in(provider)
    house.issuer.claims = {}
    assert "code" in await house.sign_in(provider)


async def test_who_was_deleted_comes_back_as_somebody_new(house: House) -> None:
    """The account and what it was tied to are gone; disabling is what keeps people out."""
    provider = await house.add()
    first = await house.session(await house.sign_in(provider))
    await house.identity.handle(DeleteUser(house.admin, first.user.user_id))
    again = await house.session(await house.sign_in(provider))
    assert again.user.user_id != first.user.user_id


async def test_a_provider_takes_away_only_what_it_gave(house: House) -> None:
    """What is absent changes nothing, what is empty takes its own; an admin's stays an admin's."""
    provider = await house.add(groups_claim="groups")
    source = str(provider.provider_id)
    house.issuer.claims = {"groups": ["a", "b"]}
    user = (await house.session(await house.sign_in(provider))).user
    assert await groups(house, "nina") == {"sso:a": source, "sso:b": source}
    local = await house.identity.handle(CreateGroup(house.admin, "Local"))
    await house.identity.handle(AddMember(house.admin, local.group_id, user.user_id))
    house.issuer.claims = {"groups": ["B", "Local"]}
    await house.sign_in(provider)
    assert await groups(house, "nina") == {
        "sso:b": source, "sso:Local": source, "Local": "local"
    }  # fmt: skip
    house.issuer.claims, house.issuer.userinfo = {}, {"sub": "u-1"}
    await house.sign_in(provider)
    assert len(await groups(house, "nina")) == 3
    house.issuer.claims = {"groups": []}
    await house.sign_in(provider)
    assert await groups(house, "nina") == {"Local": "local"}


async def test_an_admin_makes_theirs_what_a_provider_gave(house: House) -> None:
    """And the other way round: what an admin gave, a provider that gives it too does not own."""
    provider = await house.add(groups_claim="groups", group_map={"x": "Staff", "y": "Crew"})
    staff = await house.identity.handle(CreateGroup(house.admin, "Staff"))
    house.issuer.claims = {"groups": ["x", "y", "unknown"]}
    user = (await house.session(await house.sign_in(provider))).user
    source = str(provider.provider_id)
    assert await groups(house, "nina") == {"Staff": source, "Crew": source}
    await house.identity.handle(AddMember(house.admin, staff.group_id, user.user_id))
    house.issuer.claims = {"groups": []}
    await house.sign_in(provider)
    assert await groups(house, "nina") == {"Staff": "local"}
    house.issuer.claims = {"groups": ["x"]}
    await house.sign_in(provider)
    assert await groups(house, "nina") == {"Staff": "local"}
    await house.identity.handle(RemoveMember(house.admin, staff.group_id, user.user_id))
    await house.sign_in(provider)
    assert await groups(house, "nina") == {"Staff": source}


async def test_two_providers_leave_each_others_groups_alone(house: House) -> None:
    """And groups that a session has are those of the moment."""
    one = await house.add("/one", groups_claim="groups")
    two = await house.add("/two", name="Two", groups_claim="groups")
    house.issuer.claims = {"groups": ["a"]}
    await house.sign_in(one)
    house.issuer.claims = {"groups": ["a"], "preferred_username": "nina-two"}
    await house.sign_in(two)
    house.issuer.claims = {"groups": []}
    opened = await house.session(await house.sign_in(one))
    who = await house.identity.handle(Authenticate(opened.token, ORIGIN))
    assert who.groups == ()
    assert await groups(house, "nina-two") == {"sso:a": str(two.provider_id)}


@pytest.mark.parametrize("wrong", [5, {"a": 1}, ["a", 5], ["\u202ex"], ["x" * 200], ["g"] * 600])
async def test_groups_that_are_none_let_nobody_in(house: House, wrong: Any) -> None:
    """A claim that cannot be read is no reason to take groups away, nor to guess."""
    provider = await house.add(groups_claim="groups")
    house.issuer.claims = {"groups": ["a"]}
    await house.sign_in(provider)
    given = [f"g{i}" for i in range(600)] if wrong == ["g"] * 600 else wrong
    house.issuer.claims = {"groups": given}
    assert "error" in await house.sign_in(provider)
    assert list(await groups(house, "nina")) == ["sso:a"]


async def test_what_the_id_token_leaves_out_is_asked_of_userinfo(house: House) -> None:
    """As providers that keep to the specification have it; what the token says stands."""
    provider = await house.add(groups_claim="groups")
    house.issuer.claims = {"preferred_username": None}
    house.issuer.userinfo = {"sub": "u-1", "preferred_username": "uma", "groups": ["a"]}
    opened = await house.session(await house.sign_in(provider))
    assert opened.user.login == "uma"
    assert list(await groups(house, "uma")) == ["sso:a"]
    assert house.issuer.authorizations[-1] == "Bearer at"


# What admins keep


async def test_a_client_secret_is_sealed_and_never_shown(house: House) -> None:
    """Under another key it does not open, and the sign-in says that it cannot be done now."""
    provider = await house.add()
    assert "s3cret" not in repr(provider)
    [row] = await house.rows("SELECT sealed_secret FROM sso.provider")
    assert b"s3cret" not in row["sealed_secret"]
    rewire(house.sso, sealing=AesGcmSealing(b"x" * 32))
    assert (await house.sign_in(provider))["error"] == "unavailable"


async def test_a_provider_is_changed_removed_and_listed(house: House) -> None:
    """By its admins; a stale look changes nothing; its issuer stays what it is."""
    provider = await house.add()
    changed = await house.sso.handle(
        ChangeProvider(
            house.admin, provider.provider_id, evolve(provider.terms, name="Other"), if_revision=1
        )
    )
    assert (changed.terms.name, changed.revision, changed.has_secret) == ("Other", 2, True)
    stale = ChangeProvider(house.admin, provider.provider_id, provider.terms, if_revision=1)
    assert await house.sso.handle(stale) == StaleProvider(2)
    moved = evolve(provider.terms, issuer="https://example.org")
    refusal = await house.sso.handle(ChangeProvider(house.admin, provider.provider_id, moved))
    assert isinstance(refusal, Invalid)
    assert await house.sso.handle(ListProviders(house.admin)) == (changed,)
    assert await house.sso.handle(ListWays("ACME")) == (Way(provider.provider_id, "Other"),)
    assert await house.sso.handle(ListWays("nobody")) == ()
    assert await house.sso.handle(RemoveProvider(house.admin, provider.provider_id)) is None
    gone = ProviderNotFound(str(provider.provider_id))
    assert await house.sso.handle(GetProvider(house.admin, provider.provider_id)) == gone
    begin = BeginSignIn(provider.provider_id, BACK, sha("v"), "")
    assert await house.sso.handle(begin) == gone


async def test_names_of_providers_are_the_tenants_own_and_bounded(house: House) -> None:
    """A repeat under an Idempotency-Key answers the first; another of the name is refused."""
    provider = await house.add()
    asked = AddProvider(house.admin, evolve(provider.terms, name="ACME"))
    assert await house.sso.handle(asked) == ProviderTaken("ACME")
    repeat = evolve(house.admin, idempotency=Idempotency("k", b""))
    assert await house.sso.handle(AddProvider(repeat, provider.terms, "s3cret")) == provider
    for n in range(19):
        await house.add(name=f"P{n}")
    too_many = AddProvider(house.admin, evolve(provider.terms, name="last"))
    assert await house.sso.handle(too_many) == TooManyProviders(20)


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("name", {"name": " x"}),
        ("name", {"name": "a\u202eb"}),
        ("clientId", {"client_id": ""}),
        ("scopes", {"scopes": ("profile",)}),
        ("scopes", {"scopes": ("openid", "a b")}),
        ("issuer", {"issuer": "https://e.org/#x"}),
        ("emailDomains", {"email_domains": ("@example.org",)}),
        ("groupMap", {"group_map": {"a": ""}}),
        ("groupsClaim", {"groups_claim": ""}),
        ("loginClaim", {"login_claim": "x" * 200}),
    ],
)
async def test_terms_that_break_a_rule_are_refused_by_name(
    house: House, field: str, terms: dict[str, Any]
) -> None:
    """Before the provider is asked."""
    whole = {"name": "Acme", "issuer": f"{house.issuer.url}/idp", "client_id": "bv", **terms}
    refusal = await house.sso.handle(AddProvider(house.admin, ProviderTerms(**whole)))
    assert isinstance(refusal, Invalid)
    assert refusal.field == field
    assert house.issuer.asked["discovery"] == 0


async def test_only_admins_say_who_may_be_whom(house: House) -> None:
    """And no other tenant's: a provider of one is none of another's."""
    provider = await house.add()
    user = await house.identity.handle(CreateUser(house.admin, "ann", "correct horse"))
    who = evolve(house.admin.principal, user_id=user.user_id, is_admin=False)
    member = Caller(who, ORIGIN)
    for asked in (
        AddProvider(member, provider.terms),
        ListProviders(member),
        GetProvider(member, provider.provider_id),
        ChangeProvider(member, provider.provider_id, provider.terms),
        RemoveProvider(member, provider.provider_id),
    ):
        assert isinstance(await house.sso.handle(asked), Forbidden)
    foreign = evolve(house.admin.principal, tenant_id=UUID(int=7), user_id=UserId(UUID(int=8)))
    stranger = Caller(foreign, ORIGIN)
    gone = ProviderNotFound(str(provider.provider_id))
    assert await house.sso.handle(GetProvider(stranger, provider.provider_id)) == gone
    assert await house.sso.handle(RemoveProvider(stranger, provider.provider_id)) == gone
    change = ChangeProvider(stranger, provider.provider_id, provider.terms)
    assert await house.sso.handle(change) == gone
    found = await house.sso.handle(GetProvider(house.admin, provider.provider_id))
    assert isinstance(found, Provider)
