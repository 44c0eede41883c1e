"""Whoever takes a tenant along is in its trail, whatever page they ask for."""

from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import BeginExport, ChangeTenant, EnsureTenant
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.export import ExportRecords
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.identity.conftest import PASSWORD, be
from tests.support.determinism import FixedClock, SequenceIds
from tests.support.postgres import unchanged

_TOLD = "SELECT tenant_id, user_id FROM outbox.event WHERE kind = 'tenant.exported' ORDER BY seq"


@pytest.fixture
async def operator(identity: Identity) -> Caller:
    """Be the first start's admin, who is an operator."""
    await identity.handle(EnsureTenant("default", "op", PASSWORD))
    return await be(identity, "op", "default")


@pytest.fixture
async def leaving(identity: Identity, operator: Caller, admin: Caller) -> TenantId:
    """Suspend ``acme``."""
    await identity.handle(ChangeTenant(operator, admin.tenant_id, is_suspended=True))
    return admin.tenant_id


async def told(database: PostgresDatabase) -> list[tuple[Any, ...]]:
    """Return whose trail says that who took it along."""

    async def work(tx: Transaction) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in await tx.fetch(Query("told", _TOLD, ()))]

    return await database.read(None, work)


async def test_every_page_of_an_export_is_on_record(
    identity: Identity,
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    operator: Caller,
    leaving: TenantId,
) -> None:
    """No page is told without an entry of this operator in the last hour, and no page adds more."""
    other = evolve(operator, principal=evolve(operator.principal, user_id=UserId(ids.uuid7())))
    mine, theirs = (leaving, operator.principal.user_id), (leaving, other.principal.user_id)

    await identity.handle(BeginExport(operator, leaving))
    assert await told(database) == [mine]
    clock.advance(3599)
    async with unchanged(database, "identity", "outbox"):
        assert await identity.handle(BeginExport(operator, leaving)) is None
    await identity.handle(BeginExport(other, leaving))
    assert await told(database) == [mine, theirs]
    clock.advance(1)
    await identity.handle(BeginExport(operator, leaving))
    assert await told(database) == [mine, theirs, mine]


async def test_who_operates_nothing_leaves_no_entry(
    identity: Identity, database: PostgresDatabase, admin: Caller, leaving: TenantId
) -> None:
    """What is refused is not told."""
    async with unchanged(database, "identity", "outbox"):
        refused = await identity.handle(BeginExport(admin, leaving))
    assert refused == Forbidden("operate the platform")


@pytest.mark.parametrize(
    ("kind", "after"),
    [("user", ["abc"]), ("user", []), ("user", [1]), ("membership", ["abc", "abc"])],
)
async def test_a_key_that_is_none_is_the_cursors_fault(
    identity: Identity, operator: Caller, leaving: TenantId, kind: str, after: list[str | int]
) -> None:
    """It is refused by name, and ends no room."""
    refused = await identity.handle(ExportRecords(operator, leaving, kind, after))
    assert isinstance(refused, Invalid)
    assert refused.field == "cursor"
