"""Tenants, and the operators who keep them from outside."""

from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.actor.tenants.tenants import Tenants
from bitvault.actors.identity.contract import (
    AddTenant,
    Authenticate,
    ChangeTenant,
    ChangeUser,
    CloseSessionsOf,
    CreateToken,
    CreateUser,
    DeleteUser,
    EnsureTenant,
    FindTenants,
    FindUsers,
    LastOperator,
    ListTenants,
    ListUsers,
    SecretIssued,
    Tenant,
    TenantNotFound,
    TenantTaken,
    TooManyUsers,
    User,
    UserNotFound,
)
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, Idempotency, Scope
from bitvault.kernel.refusal import Failed, Forbidden, IdempotencyConflict, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD, be
from tests.support.postgres import unchanged

_OPERATED = Query(
    "operated",
    "SELECT payload->>'what' AS what, payload->>'name' AS name FROM outbox.event"
    " WHERE tenant_id = $1 AND kind = 'tenant.operated' ORDER BY seq",
    ("tenant",),
)


@pytest.fixture
async def operator(identity: Identity) -> Caller:
    """Be the first start's admin, who is an operator."""
    await identity.handle(EnsureTenant("default", "op", PASSWORD))
    return await be(identity, "op", "default")


@pytest.fixture
async def acme(identity: Identity, operator: Caller) -> Tenant:
    """Return the tenant that the fixtures of the room have made."""
    [found] = await identity.handle(FindTenants(operator, names=("ACME",)))
    assert isinstance(found, Tenant)
    return found


async def test_a_tenant_is_made_with_its_admin_who_operates_nothing(
    identity: Identity, operator: Caller
) -> None:
    """The admin of the one made administers it; who made it sees none of its users."""
    made = await identity.handle(AddTenant(operator, "globex", "gale", PASSWORD))
    gale = await be(identity, "gale", "globex")

    assert (gale.tenant_id, gale.principal.is_admin, gale.principal.is_operator) == (
        made.tenant_id, True, False,
    )  # fmt: skip
    assert operator.principal.is_operator is True
    assert [user.login for user in (await identity.handle(ListUsers(operator))).items] == ["op"]
    assert await identity.handle(FindUsers(operator, (gale.principal.user_id,))) == ()
    disable = ChangeUser(operator, gale.principal.user_id, is_disabled=True)
    assert isinstance(await identity.handle(disable), UserNotFound)


async def test_tenants_are_listed_by_name_page_by_page(
    identity: Identity, operator: Caller, acme: Tenant
) -> None:
    """All there are."""
    first = await identity.handle(ListTenants(operator, limit=1))
    rest = await identity.handle(ListTenants(operator, first.next_cursor))
    assert [one.name for one in (*first.items, *rest.items)] == ["acme", "default"]
    assert first.items == (acme,)


async def test_a_suspended_tenant_is_known_for_one_at_once(
    identity: Identity, operator: Caller, acme: Tenant, session: SecretIssued
) -> None:
    """Its users still enter; their principals say that nothing is to be changed, until it ends."""
    seen = []
    for suspended in (None, True, False):
        change = ChangeTenant(operator, acme.tenant_id, is_suspended=suspended)
        changed = await identity.handle(change)
        principal = await identity.handle(Authenticate(session.token, ORIGIN))
        seen.append((changed.is_suspended, principal.is_suspended))
    assert seen == [(False, False), (True, True), (False, False)]


async def test_a_tenant_has_so_many_users_and_no_more(
    identity: Identity, database: PostgresDatabase, operator: Caller, acme: Tenant
) -> None:
    """The limit counts who is there; who is deleted makes room, and without a limit all have."""
    root = await be(identity, "root", "acme")
    await identity.handle(ChangeTenant(operator, acme.tenant_id, max_users=2))
    ann = await identity.handle(CreateUser(root, "ann", PASSWORD))
    async with unchanged(database, "identity"):
        assert await identity.handle(CreateUser(root, "bob", PASSWORD)) == TooManyUsers(2)
    await identity.handle(DeleteUser(root, ann.user_id))
    assert isinstance(await identity.handle(CreateUser(root, "bob", PASSWORD)), User)
    await identity.handle(ChangeTenant(operator, acme.tenant_id, unlimited_users=True))
    assert isinstance(await identity.handle(CreateUser(root, "cleo", PASSWORD)), User)


async def test_a_tenant_is_made_once_under_a_key(identity: Identity, operator: Caller) -> None:
    """The repeat answers the same; other words under the key are refused."""
    keyed = evolve(operator, idempotency=Idempotency("k", b""))
    wanted = AddTenant(keyed, "globex", "gale", PASSWORD)
    first, again = [await identity.handle(wanted) for _ in range(2)]

    assert isinstance(first, Tenant)
    assert first == again
    for change in ({"name": "initech"}, {"login": "bill"}, {"password": "battery staple"}):
        assert await identity.handle(evolve(wanted, **change)) == IdempotencyConflict()
    assert await identity.handle(evolve(wanted, caller=operator)) == TenantTaken("globex")


async def test_a_key_whose_tenant_was_not_finished_finishes_it(
    identity: Identity, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the key and the tenant is mended by the repeat, with the same id."""
    keyed = evolve(operator, idempotency=Idempotency("k", b""))

    async def crash(_tenants: Tenants, _account: Any) -> None:
        raise RuntimeError("out of cheese")

    with monkeypatch.context() as patch:
        patch.setattr(Tenants, "_settle", crash)
        assert await identity.handle(AddTenant(keyed, "globex", "gale", PASSWORD)) == Failed()

    made = await identity.handle(AddTenant(keyed, "globex", "gale", PASSWORD))

    assert isinstance(made, Tenant)
    assert (await be(identity, "gale", "globex")).tenant_id == made.tenant_id


@pytest.mark.requirement("X19")
async def test_operators_come_from_operators(
    identity: Identity, database: PostgresDatabase, operator: Caller
) -> None:
    """An admin makes none, changes none and gets no token of one; the last one stays."""
    made = await identity.handle(CreateUser(operator, "adam", PASSWORD, is_admin=True))
    robot = await identity.handle(CreateUser(operator, "robot", None, kind="service"))
    await identity.handle(ChangeUser(operator, robot.user_id, is_operator=True))
    adam, op = await be(identity, "adam", "default"), operator.principal.user_id
    async with unchanged(database, "identity"):
        refused = [
            await identity.handle(request)
            for request in (
                ChangeUser(adam, made.user_id, is_operator=True),
                ChangeUser(adam, op, is_disabled=True),
                ChangeUser(adam, op, is_operator=False),
                DeleteUser(adam, op),
                CreateToken(adam, "x", None, Scope.ADMIN, robot.user_id),
            )
        ]
        last = [
            await identity.handle(request)
            for request in (
                ChangeUser(operator, op, is_operator=False),
                ChangeUser(operator, op, is_disabled=True),
                DeleteUser(operator, op),
            )
        ]
    assert {type(one) for one in refused} == {Forbidden}
    assert last == [LastOperator("op")] * 3
    await identity.handle(ChangeUser(operator, made.user_id, is_operator=True))
    assert isinstance(await identity.handle(ChangeUser(operator, op, is_operator=False)), User)
    assert (await be(identity, "adam", "default")).principal.is_operator is True


@pytest.mark.requirement("X12", "X19")
async def test_an_operators_token_operates_only_when_made_for_it(
    identity: Identity, operator: Caller
) -> None:
    """A lesser scope is nothing special."""
    seen = {}
    for scope in (Scope.READ, Scope.WRITE, Scope.ADMIN):
        token = await identity.handle(CreateToken(operator, "t", None, scope))
        principal = await identity.handle(Authenticate(token.token, ORIGIN))
        seen[scope] = principal.is_operator
    assert seen == {Scope.READ: False, Scope.WRITE: False, Scope.ADMIN: True}


async def test_what_operators_do_to_a_tenant_is_in_their_own_trail(
    identity: Identity, database: PostgresDatabase, operator: Caller, acme: Tenant
) -> None:
    """It outlasts the tenant there; what changes nothing, or is refused, is no act."""
    await identity.handle(AddTenant(operator, "globex", "gale", PASSWORD))
    for request in (
        ChangeTenant(operator, acme.tenant_id, is_suspended=True),
        ChangeTenant(operator, acme.tenant_id, is_suspended=True),
        ChangeTenant(operator, acme.tenant_id, max_users=0),
        ChangeTenant(operator, acme.tenant_id, max_users=5),
        ChangeTenant(operator, operator.tenant_id, max_users=50),
    ):
        await identity.handle(request)

    async def acts(tx: Transaction) -> list[tuple[str, str]]:
        rows = await tx.fetch(_OPERATED, tenant=operator.tenant_id)
        return [(row["what"], row["name"]) for row in rows]

    told = await database.read(operator.tenant_id, acts)
    assert told == [("create", "globex"), ("suspend", "acme"), ("limit", "acme")]


async def test_what_is_refused_changes_no_row(
    identity: Identity, database: PostgresDatabase, operator: Caller, acme: Tenant
) -> None:
    """A tenant's admin, whatever is asked (X19); and wrong values, names and tenants."""
    root = await be(identity, "root", "acme")
    keyed = evolve(operator, idempotency=Idempotency("k", b""))
    nowhere = TenantId(operator.principal.user_id)
    refused: list[tuple[Any, Any]] = [
        *(
            (request, Forbidden)
            for request in (
                AddTenant(root, "globex", "gale", PASSWORD),
                ListTenants(root),
                FindTenants(root, (acme.tenant_id,)),
                ChangeTenant(root, acme.tenant_id, is_suspended=True),
                ChangeTenant(operator, operator.tenant_id, is_suspended=True),
            )
        ),
        (AddTenant(keyed, "ACME", "gale", PASSWORD), TenantTaken),
        (AddTenant(keyed, "a\nb", "gale", PASSWORD), Invalid),
        (AddTenant(keyed, "globex", " ", PASSWORD), Invalid),
        (AddTenant(keyed, "globex", "gale", "short"), Invalid),
        (ChangeTenant(operator, nowhere, is_suspended=True), TenantNotFound),
        (ChangeTenant(operator, acme.tenant_id, max_users=0), Invalid),
        (ChangeTenant(operator, acme.tenant_id, None, 5, unlimited_users=True), Invalid),
        (CloseSessionsOf(operator, root.principal.user_id), UserNotFound),
    ]
    async with unchanged(database, "identity"):
        for request, kind in refused:
            assert isinstance(await identity.handle(request), kind), request
