"""Events go when they are old and every consumer has passed them, and no sooner."""

from datetime import timedelta

from bitvault.actors.letters.actor import Letters
from bitvault.actors.letters.contract import PruneEvents
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.outbox import Outbox, Relay, Wakeups, replay
from supervisors import Child
from supervisors.child import Tree
from tests.outbox.world import (
    IDS,
    NODE_A,
    NODE_B,
    Keeper,
    NodeTouched,
    cursor,
    new_loop,
    new_tenant,
    stored,
)
from tests.support.determinism import FixedClock

KEPT = timedelta(days=60)


async def happen(
    database: Database, clock: FixedClock, tenant: TenantId, *events: NodeTouched
) -> None:
    """Append events at the clock's time."""

    async def work(tx: Transaction) -> None:
        await Outbox(IDS, clock, Wakeups()).append(tx, tenant, events, None)

    await database.transact(tenant, work)


def letters(database: Database, clock: FixedClock, keeper: Keeper) -> Letters:
    """Return the service that owns the events, with one consumer."""
    return Letters(database, {keeper.name: keeper}, clock, KEPT)


async def seqs(database: Database, tenant: TenantId) -> list[int]:
    """Return what is there of a tenant."""
    return [event.seq for event in await stored(database, tenant)]


async def pass_on(database: Database, keeper: Keeper, *tenants: TenantId) -> None:
    """Let the relay and the consumer pass all there is."""
    for tenant in tenants:
        await Relay(database, MemoryBus(), Wakeups()).publish(tenant)
        await new_loop(database, keeper).catch_up(tenant)


async def test_what_is_old_and_passed_goes_in_slices_from_the_first_on(database: Database) -> None:
    """Not a day too soon, no more at once than was asked for, and none of those that are young."""
    tenant, clock, keeper = new_tenant(), FixedClock(), Keeper()
    room = letters(database, clock, keeper)
    await happen(database, clock, tenant, *[NodeTouched(NODE_A, at) for at in range(5)])
    clock.advance(86_400)
    await happen(database, clock, tenant, NodeTouched(NODE_A, 9))
    await pass_on(database, keeper, tenant)

    clock.advance(59 * 86_400)
    assert await room.handle(PruneEvents(3)) == 0
    clock.advance(1)
    gone = [await room.handle(PruneEvents(3)) for _ in range(3)]

    assert gone == [3, 2, 0]
    assert await seqs(database, tenant) == [6]


async def test_what_a_consumer_has_not_passed_stays(database: Database) -> None:
    """However old it is: of the relay, of a consumer that is behind, and of one that is new."""
    behind, unheard, clock, keeper = new_tenant(), new_tenant(), FixedClock(), Keeper()
    room = letters(database, clock, keeper)
    for tenant in (behind, unheard):
        await happen(database, clock, tenant, NodeTouched(NODE_A, 1))
    await pass_on(database, keeper, behind)
    await new_loop(database, keeper).catch_up(unheard)
    await happen(database, clock, behind, NodeTouched(NODE_A, 2))
    clock.advance(400 * 86_400)
    await happen(database, clock, behind, NodeTouched(NODE_A, 3))

    new = Letters(database, {"keeper": keeper, "new": Keeper("new")}, clock, KEPT)
    assert await new.handle(PruneEvents(100)) == 0
    assert await room.handle(PruneEvents(100)) == 1

    assert (await seqs(database, behind), await seqs(database, unheard)) == ([2, 3], [1])


async def test_what_a_dead_letter_needs_stays_with_all_behind_it(database: Database) -> None:
    """So it can be applied again, and there is no gap in what is kept; then it goes too."""
    tenant, clock, keeper = new_tenant(), FixedClock(), Keeper(poison={2})
    room = letters(database, clock, keeper)
    await happen(
        database, clock, tenant, *[NodeTouched(one, 1) for one in (NODE_A, NODE_B, NODE_A)]
    )
    await pass_on(database, keeper, tenant)
    clock.advance(400 * 86_400)

    assert await room.handle(PruneEvents(100)) == 1
    assert await seqs(database, tenant) == [2, 3]
    keeper.poison.clear()
    await replay(database, keeper, tenant, NODE_B)
    assert await room.handle(PruneEvents(100)) == 2
    assert await seqs(database, tenant) == []


async def test_numbers_go_on_after_everything_went(database: Database) -> None:
    """A tenant of which no event is left goes on where it was, and so do its consumers."""
    tenant, clock, keeper = new_tenant(), FixedClock(), Keeper()
    await happen(database, clock, tenant, NodeTouched(NODE_A, 1))
    await pass_on(database, keeper, tenant)
    clock.advance(400 * 86_400)
    assert await letters(database, clock, keeper).handle(PruneEvents(100)) == 1

    await happen(database, clock, tenant, NodeTouched(NODE_A, 2))
    await pass_on(database, keeper, tenant)

    assert (keeper.tried, await seqs(database, tenant)) == ([1, 2], [2])


async def test_a_consumer_that_starts_later_is_told_what_is_gone(database: Database) -> None:
    """It applies nothing of that tenant as if it were all; its job says what is to be done."""
    tenant, whole, clock, keeper = new_tenant(), new_tenant(), FixedClock(), Keeper()
    await happen(database, clock, tenant, NodeTouched(NODE_A, 1))
    await pass_on(database, keeper, tenant)
    clock.advance(400 * 86_400)
    await letters(database, clock, keeper).handle(PruneEvents(100))
    for one in (tenant, whole):
        await happen(database, clock, one, NodeTouched(NODE_A, 2))
    late = Keeper("late")
    loop = new_loop(database, late)

    await loop._turn(
        Child("root/workers/late", Tree(lambda _: None), lambda _: None), (tenant, whole)
    )

    assert loop.turns.failed is not None
    assert loop.turns.failed.error == (
        "events that it has not applied are not kept any more; it has to be rebuilt; tenants: 1"
    )
    assert await cursor(database, tenant, "late") == 0
    assert await cursor(database, whole, "late") == 1
