"""Providers that are broken, slow or visited by many: nobody else notices."""

from typing import Any

import pytest
import trio
from attrs import evolve

from bitvault.actors.identity.contract import ProvisionUser
from bitvault.actors.sso.actor.issuers import KEPT_SECONDS
from bitvault.actors.sso.contract import (
    AddProvider,
    BeginSignIn,
    FinishSignIn,
    ProviderTerms,
    SignInFinished,
    SignInRefused,
)
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Forbidden, Invalid, Refused, Unavailable
from tests.actors.sso.conftest import BACK, ORIGIN, House
from tests.support.issuer import sha


@pytest.mark.requirement("X4")
@pytest.mark.parametrize("word", ["jwks", "token", "userinfo", "discovery"])
async def test_bytes_that_are_no_text_are_an_outage(house: House, word: str) -> None:
    """Wherever they come; the room goes on, and lets users in once the provider is mended."""
    provider = await house.add(groups_claim="groups")
    house.issuer.userinfo = {"sub": "u-1"}
    house.issuer.garbled = {word}
    house.clock.advance(KEPT_SECONDS + 1)
    if word == "discovery":
        asked = BeginSignIn(provider.provider_id, BACK, sha("v" * 43), "client")
        assert isinstance(await house.sso.handle(asked), Unavailable)
        terms = ProviderTerms("Other", f"{house.issuer.url}/other", "bv")
        refused = await house.sso.handle(AddProvider(house.admin, terms, None))
        assert isinstance(refused, Invalid)
        assert refused.field == "issuer"
    else:
        assert (await house.sign_in(provider))["error"] == "unavailable"
    house.issuer.garbled = set()
    assert "code" in await house.sign_in(provider)


@pytest.mark.requirement("X1")
async def test_whoever_fails_again_and_again_fills_no_trail(house: House) -> None:
    """One event a minute says how many there were."""
    provider = await house.add()
    for _ in range(5):
        assert (await house.sign_in(provider, code="bad"))["error"] == "sign_in_refused"
    house.clock.advance(60)
    await house.sign_in(provider, code="bad")
    rows = await house.rows(
        "SELECT payload->>'count' AS n FROM outbox.event"
        " WHERE kind = 'provider.sign_in_refused' ORDER BY seq"
    )
    assert [row["n"] for row in rows] == ["1", "5"]


@pytest.mark.requirement("X57")
async def test_a_tenant_waits_for_its_providers_alone(house: House) -> None:
    """However many it has, and however slow: the room's handlers are everybody's."""
    acme, other = house.admin.tenant_id, TenantId(house.admin.principal.user_id)
    waiting: list[Any] = [house.sso.access.waits_for(acme, "sign-in") for _ in range(9)]
    for one in waiting[:8]:
        one.__enter__()
    with pytest.raises(Refused):
        waiting[8].__enter__()
    with house.sso.access.waits_for(other, "sign-in"), house.sso.access.waits_for(acme, "logout"):
        await trio.lowlevel.checkpoint()
    for one in waiting[:8]:
        one.__exit__(None, None, None)
    with house.sso.access.waits_for(acme, "sign-in"):
        pass


@pytest.mark.requirement("X5")
async def test_whom_a_directory_made_signs_in_by_the_claim_that_names_them(house: House) -> None:
    """By externalId, where the provider's terms say which claim has it; else nobody is let in."""
    made = await house.identity.handle(ProvisionUser(house.admin, "nina", "ext-1", "Nina"))
    plain = await house.add("/one", name="One", makes_users=False)
    named = await house.add("/two", name="Two", makes_users=False, external_id_claim="oid")

    assert (await house.sign_in(plain))["error"] == "sign_in_refused"
    for oid in ("ext-2", 7, "", None):
        house.issuer.claims = {"oid": oid}
        assert (await house.sign_in(named))["error"] == "sign_in_refused"
    house.issuer.claims = {"oid": "ext-1"}
    session = await house.session(await house.sign_in(named))
    assert session.user == made.user


@pytest.mark.requirement("X12")
async def test_no_token_says_who_may_be_whom(house: House) -> None:
    """A provider outlives the token that configured it."""
    principal = evolve(house.admin.principal, scope=Scope.ADMIN)
    terms = ProviderTerms("Acme", f"{house.issuer.url}/idp", "bv")
    refused = await house.sso.handle(
        AddProvider(evolve(house.admin, principal=principal), terms, None)
    )
    assert refused == Forbidden("configure single sign-on with an API token")


@pytest.mark.requirement("X10")
async def test_a_cookie_that_another_host_can_set_is_not_taken_over_https(house: House) -> None:
    """Nor is the sign-in used up by it."""
    provider = await house.add()
    begun = await house.begin(provider)
    state = house.issuer.grant(begun.location)
    given = {"state": state, "code": "good", "iss": provider.terms.issuer}
    asked = FinishSignIn(provider.provider_id, given, begun.browser_secret, ORIGIN, False)
    assert await house.sso.handle(asked) == SignInRefused()
    assert isinstance(await house.sso.handle(evolve(asked, is_host_bound=True)), SignInFinished)
