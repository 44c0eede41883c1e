"""Appending numbers events in commit order, without a gap (reliability I4, I5)."""

from uuid import UUID

import pytest
import trio
from msgspec import json

from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.events import Position
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Forbidden, Refused
from bitvault.outbox import journal
from tests.outbox.world import (
    IDS,
    NODE_A,
    NODE_B,
    NodeTouched,
    emit,
    new_outbox,
    new_tenant,
    stored,
)


async def test_the_position_is_that_of_the_last_event(database: Database) -> None:
    """Of k events the i-th gets ``seq - k + 1 + i``; tenants count apart."""
    one, two = new_tenant(), new_tenant()

    first = await emit(database, one, NodeTouched(NODE_A, 1), NodeTouched(NODE_B, 1))
    second = await emit(database, one, NodeTouched(NODE_A, 2))
    other = await emit(database, two, NodeTouched(NODE_A, 1))

    assert (first.seq, second.seq, other.seq) == (2, 3, 1)
    assert first.epoch == second.epoch != other.epoch
    aggregates = [event.aggregate_id for event in await stored(database, one)]
    assert aggregates == [NODE_A, NODE_B, NODE_A]


async def test_an_event_is_read_back_as_it_was_written(database: Database) -> None:
    """Fields become JSON; who and from where come with it, cleaned of what jsonb cannot hold."""
    tenant, user = new_tenant(), UserId(UUID(int=7))
    principal = Principal(tenant, user, "ann", is_admin=False, credential_id=UUID(int=8))
    caller = Caller(principal, Origin("r-1", "::1", "agent\0 \ud800"))

    async def work(tx: Transaction) -> Position:
        event = NodeTouched(NODE_A, 4, name='Ü "x"', parent=NODE_B)
        return await new_outbox().append(tx, tenant, [event], caller)

    await database.transact(tenant, work)
    [event] = await stored(database, tenant)

    assert json.decode(event.payload) == {
        "name": 'Ü "x"',
        "at": "2026-01-02T03:04:05Z",
        "parent": str(NODE_B),
    }
    assert (event.kind, event.revision, event.user_id) == ("node.touched", 4, user)
    assert json.decode(event.origin) == {
        "request_id": "r-1",
        "address": "::1",
        "user_agent": "agent ?",
        "credential_id": str(UUID(int=8)),
    }


async def test_a_refused_transaction_leaves_no_number_behind(database: Database) -> None:
    """The counter rolls back with the change, so the sequence has no gap and nobody is woken."""
    tenant, outbox = new_tenant(), new_outbox()
    await emit(database, tenant, NodeTouched(NODE_A, 1))

    async def work(tx: Transaction) -> None:
        await outbox.append(tx, tenant, [NodeTouched(NODE_A, 2)], None)
        raise Refused(Forbidden("do this"))

    with pytest.raises(Refused):
        await database.transact(tenant, work)

    assert (await emit(database, tenant, NodeTouched(NODE_A, 2))).seq == 2
    assert await outbox.wakeups.wait(0) == ()


async def test_no_event_is_not_a_position(database: Database) -> None:
    """Appending nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="needs an event"):
        await emit(database, new_tenant())


async def test_a_commit_wakes_the_relay(database: Database) -> None:
    """After the commit the tenant is named, once for any number of events."""
    tenant, outbox = new_tenant(), new_outbox()
    await outbox.wakeups.wait(60)

    async def work(tx: Transaction) -> None:
        await outbox.append(tx, tenant, [NodeTouched(NODE_A, 1)], None)

    await database.transact(tenant, work)
    await database.transact(tenant, work)

    assert await outbox.wakeups.wait(60) == (tenant,)


async def test_a_reader_with_a_cursor_loses_nothing_to_concurrent_writers(
    database: Database,
) -> None:
    """Eight writers, one tenant: what a cursor sees while they write is all there is (e1)."""
    tenant, seen = new_tenant(), list[int]()
    writers = 8

    async def write(number: int) -> None:
        for revision in range(25):
            node = NodeTouched(IDS.uuid7(), revision, name=str(number))
            await emit(database, tenant, *[node] * (1 + revision % 3))

    async def write_all(done: trio.Event) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(writers):
                nursery.start_soon(write, number)
        done.set()

    done = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_all, done)
        while not done.is_set():
            seen += await _after(database, tenant, len(seen))
    seen += await _after(database, tenant, len(seen))

    assert seen == list(range(1, writers * (9 + 8 * 2 + 8 * 3) + 1))


async def _after(database: Database, tenant: TenantId, after: int) -> list[int]:
    async def work(tx: Transaction) -> list[int]:
        return [event.seq for event in await journal.events_after(tx, tenant, after, 1000)]

    return await database.read(tenant, work)
