"""What tenants ask of links, passwords and sessions, and the bounds that operators set."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    ChangePassword,
    ChangePolicy,
    ChangeTenant,
    CreateUser,
    DescribePolicy,
    DescribeStandings,
    EnsureTenant,
    OpenSession,
    Policy,
    PolicyChange,
    SecretIssued,
    StalePolicy,
    TenantNotFound,
    TenantPolicy,
    Unauthenticated,
    User,
)
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import TenantId
from bitvault.kernel.limits import Limit
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.principal import Caller, Principal
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD, be
from tests.support.determinism import FixedClock
from tests.support.postgres import unchanged


@pytest.fixture
async def operator(identity: Identity) -> Caller:
    """Be the first start's admin, of another tenant than the fixtures'."""
    await identity.handle(EnsureTenant("default", "op", PASSWORD))
    return await be(identity, "op", "default")


async def change(
    room: Identity, caller: Caller, tenant_id: TenantId | None = None, **wanted: Any
) -> Any:
    """Change one side of a policy."""
    return await room.handle(ChangePolicy(caller, PolicyChange(**wanted), tenant_id))


async def test_a_policy_holds_from_the_next_request_on(
    identity: Identity, session: SecretIssued
) -> None:
    """Whoever comes with the token, and whatever was made in a user's name, is under the terms."""
    root = await be(identity, "root", "acme")
    assert root.principal.policy == SharingPolicy()

    made = await change(identity, root, password_required=True, longest_life=60, default_life=30)

    terms = SharingPolicy(True, True, timedelta(seconds=60), timedelta(seconds=30))
    assert (made.own.sharing, made.effective.sharing, made.revision) == (terms, terms, 1)
    again = await identity.handle(Authenticate(session.token, ORIGIN))
    assert again.policy == terms
    about = DescribeStandings(root.tenant_id, (root.principal.user_id,))
    assert (await identity.handle(about))[0].policy == terms
    lifted = await change(identity, root, password_required=False, longest_life=0, default_life=0)
    assert (lifted.effective, lifted.revision) == (Policy(), 2)


async def test_the_stricter_side_holds(
    identity: Identity, database: PostgresDatabase, operator: Caller
) -> None:
    """What an admin has set within the bounds stays; what is laxer does not hold, or is refused."""
    root = await be(identity, "root", "acme")
    await change(identity, root, longest_life=1000, min_password=10, longest_session=100)

    bound = {"longest_life": 500, "min_password": 9, "password_required": True}
    made = await change(identity, operator, root.tenant_id, **bound, links_allowed=False)

    held = SharingPolicy(False, True, timedelta(seconds=500), None)
    assert made.effective == Policy(held, 10, timedelta(seconds=100))
    assert made.own.sharing.longest_life == timedelta(seconds=1000)
    laxer: dict[str, Any] = {
        "longestLife": {"longest_life": 501},
        "minPassword": {"min_password": 8},
        "passwordRequired": {"password_required": False},
        "linksAllowed": {"links_allowed": True},
    }
    async with unchanged(database, "identity", "outbox"):
        refused = [await change(identity, root, **wanted) for wanted in laxer.values()]
        unbounded = await change(identity, root, longest_life=0)
    assert [one.field for one in refused] == list(laxer)
    assert unbounded == Invalid("longestLife", "must be from 1 to 500 seconds")
    await change(identity, operator, root.tenant_id, links_allowed=True, password_required=False)
    assert isinstance(await change(identity, root, links_allowed=True), TenantPolicy)


async def test_only_who_keeps_a_side_changes_it(
    identity: Identity, database: PostgresDatabase, operator: Caller
) -> None:
    """A user, another tenant's admin, and an operator of a tenant that is not there (X19)."""
    root = await be(identity, "root", "acme")
    await identity.handle(CreateUser(root, "ann", PASSWORD))
    ann = await be(identity, "ann", "acme")
    async with unchanged(database, "identity", "outbox"):
        assert isinstance(await change(identity, ann, links_allowed=False), Forbidden)
        for who in (ann, root):
            told = await change(identity, who, operator.tenant_id, links_allowed=False)
            assert isinstance(told, Forbidden)
            asked = await identity.handle(DescribePolicy(who, root.tenant_id))
            assert isinstance(asked, Forbidden)
        nowhere = TenantId(root.principal.user_id)
        told = await change(identity, operator, nowhere, links_allowed=False)
        assert isinstance(told, TenantNotFound)
    assert isinstance(await identity.handle(DescribePolicy(ann)), TenantPolicy)


async def test_a_policy_read_before_anothers_change_is_stale(
    identity: Identity, database: PostgresDatabase, operator: Caller
) -> None:
    """Each side counts its own changes; asking for what is there is none."""
    root = await be(identity, "root", "acme")
    wanted = ChangePolicy(root, PolicyChange(min_password=12), None, if_revision=0)
    assert (await identity.handle(wanted)).revision == 1
    bound = ChangePolicy(operator, PolicyChange(min_password=9), root.tenant_id, if_revision=0)
    assert (await identity.handle(bound)).revision == 1
    async with unchanged(database, "identity", "outbox"):
        assert await identity.handle(wanted) == StalePolicy(1)
        assert (await identity.handle(evolve(wanted, if_revision=1))).revision == 1


async def test_new_passwords_are_as_long_as_the_tenant_asks(identity: Identity) -> None:
    """Of new users, and of those who change theirs; the old ones still open the door."""
    root = await be(identity, "root", "acme")
    await change(identity, root, min_password=20)

    refused = [
        await identity.handle(CreateUser(root, "ann", "x" * 19)),
        await identity.handle(ChangePassword(root, PASSWORD, "x" * 19)),
    ]

    rule = "must be 20 to 1024 characters long"
    assert refused == [Invalid("password", rule), Invalid("newPassword", rule)]
    assert isinstance(await identity.handle(CreateUser(root, "ann", "x" * 20)), User)
    assert (await be(identity, "root", "acme")).principal.login == "root"


async def test_sessions_end_as_early_as_the_tenant_asks(
    identity: Identity, clock: FixedClock, session: SecretIssued
) -> None:
    """Those that are open already, too; a token lives on."""
    root = await be(identity, "root", "acme")
    await change(identity, root, longest_session=3600)
    opened = await identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN))
    assert opened.credential.expires_at == clock.now() + timedelta(hours=1)

    clock.advance(3600)
    identity.principals.forget_tenant(root.tenant_id)

    for one in (session, opened):
        found = await identity.handle(Authenticate(one.token, ORIGIN))
        assert isinstance(found, Unauthenticated)


async def test_a_tenant_has_the_limit_that_operators_set(
    identity: Identity, operator: Caller, session: SecretIssued
) -> None:
    """Its users carry it from the next request on; without one the settings say."""
    root = await be(identity, "root", "acme")
    seen = []
    for wanted in ({"rate": 5.0, "burst": 200}, {"burst": 300}, {"default_rate": True}):
        await identity.handle(ChangeTenant(operator, root.tenant_id, **wanted))
        principal = await identity.handle(Authenticate(session.token, ORIGIN))
        assert isinstance(principal, Principal)
        seen.append(principal.limit)
    assert seen == [Limit("tenant", 5.0, 200), Limit("tenant", 5.0, 300), None]
    half = await identity.handle(ChangeTenant(operator, root.tenant_id, rate=5.0))
    assert half == Invalid("burst", "is required with the other")
