"""Relay, bus and consumer as children: killed anywhere, nothing is lost or doubled."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio
import trio.testing
from attrs import define, field
from trio.testing import MockClock

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.bus.port import Hint
from bitvault.drivers.postgres.port import Database, Query, Transaction
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.events import Recorded
from bitvault.outbox import ConsumerLoop, Outbox, Relay, Wakeups, consumer_child, relay_child
from bitvault.outbox.wakeup import GAP
from supervisors import ChildSpec, ChildStarted, Flags, run_tree, supervisor
from supervisors.testing import RecordingObserver
from tests.outbox.world import IDS, NODE_A, Keeper, NodeTouched, cursor, effects, emit, new_tenant

WIPE = Query("wipe", "DELETE FROM outbox.consumer_cursor WHERE consumer = 'relay'", ())


@define
class Watched(Keeper):
    """A keeper that tells when it has seen a seq."""

    last: int = 0
    seen: trio.Event = field(factory=trio.Event)

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Take the effects, then tell once the transaction is committed."""
        await super().apply_many(tx, events)
        tx.after_commit(lambda: self.seen.set() if events[-1].seq >= self.last else None)


@define(eq=False)
class FragileBus(MemoryBus):
    """A bus that dies ``crashes`` times after it has handed a hint out."""

    crashes: int = 0

    async def publish(self, hint: Hint) -> None:
        """Publish, then die."""
        await super().publish(hint)
        if self.crashes:
            self.crashes -= 1
            raise OSError("the relay dies between publishing and its cursor")


@asynccontextmanager
async def running(*children: ChildSpec) -> AsyncIterator[RecordingObserver]:
    """Run children under a supervisor until the block ends."""
    observer, stop = RecordingObserver(), trio.Event()
    tree = supervisor("root", Flags(intensity=9), children)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run_tree(tree, observer=observer, stop=stop))
        await observer.wait_for(ChildStarted, f"root/{children[-1].id}")
        yield observer
        stop.set()


async def test_a_commit_reaches_the_consumer_at_once(database: Database) -> None:
    """With no sweep to help, the wake-up goes append, relay, bus, consumer."""
    tenant, bus, keeper, wakeups = new_tenant(), MemoryBus(), Watched(last=2), Wakeups()
    outbox = Outbox(IDS, SystemClock(), wakeups)

    async def work(tx: Transaction) -> None:
        await outbox.append(tx, tenant, [NodeTouched(NODE_A, 1), NodeTouched(NODE_A, 2)], None)

    loop = ConsumerLoop(keeper, database, bus, SystemClock(), sweep_seconds=3600)
    relay = Relay(database, bus, wakeups, sweep_seconds=3600)
    async with running(consumer_child(loop), relay_child("relay", relay)):
        await database.transact(tenant, work)
        with trio.fail_after(20):
            await keeper.seen.wait()

    assert await effects(database, tenant) == [1, 2]


async def test_a_relay_that_dies_after_publishing_publishes_again(database: Database) -> None:
    """The hints come twice, the effects once, and the cursor arrives."""
    tenant, bus, keeper = new_tenant(), FragileBus(crashes=2), Watched(last=3)
    await emit(database, tenant, *[NodeTouched(NODE_A, number) for number in range(3)])
    loop = ConsumerLoop(keeper, database, bus, SystemClock(), sweep_seconds=3600)
    relay = Relay(database, bus, Wakeups())

    async with running(consumer_child(loop), relay_child("relay", relay)) as observer:
        with trio.fail_after(20):
            await keeper.seen.wait()
            await observer.wait_for(ChildStarted, "root/relay", 3)
            await relay.publish(tenant)

    assert await effects(database, tenant) == [1, 2, 3]
    assert await cursor(database, tenant, "relay") == 3


async def test_without_any_hint_the_sweep_finds_the_work(database: Database) -> None:
    """No relay, an empty bus: the consumer reads the outbox by itself."""
    tenant, keeper = new_tenant(), Watched(last=1)
    loop = ConsumerLoop(keeper, database, MemoryBus(), SystemClock(), sweep_seconds=0.05)

    async with running(consumer_child(loop)):
        await emit(database, tenant, NodeTouched(NODE_A, 1))
        with trio.fail_after(20):
            await keeper.seen.wait()

    assert await effects(database, tenant) == [1]


async def test_steady_hints_of_one_tenant_do_not_starve_the_sweep(mock_clock: MockClock) -> None:
    """While one is named again and again, all are looked at as often as was asked for."""
    noisy, wakeups = new_tenant(), Wakeups()
    taken = []
    for _ in range(9):
        wakeups.add(noisy)
        taken.append(await wakeups.wait(1.0))
        mock_clock.jump(0.25)

    named = [(noisy,)] * 3
    assert taken == [(), *named, (), *named, ()]


async def test_hints_gather_between_two_looks(autojump_clock: MockClock) -> None:
    """The first hint waits for nothing; those that follow it quickly are looked at together."""
    one, other, wakeups = new_tenant(), new_tenant(), Wakeups()
    await wakeups.wait(60.0)
    await trio.sleep(1.0)
    began = trio.current_time()
    taken = []
    async with trio.open_nursery() as nursery:

        async def look() -> None:
            for _ in range(2):
                named = await wakeups.wait(60.0)
                taken.append((round(trio.current_time() - began, 6), named))

        nursery.start_soon(look)
        wakeups.add(one)
        for _ in range(4):
            await trio.sleep(GAP / 5)
            wakeups.add(one)
            wakeups.add(other)

    assert taken == [(0.0, (one,)), (GAP, (one, other))]


async def test_a_sweep_does_not_wait_for_hints_to_gather(autojump_clock: MockClock) -> None:
    """A stop, which sweeps, is not held up."""
    wakeups = Wakeups()
    await wakeups.wait(60.0)
    wakeups.add(new_tenant())
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wakeups.wait, 60.0)
        await trio.testing.wait_all_tasks_blocked()
        wakeups.sweep()

    assert trio.current_time() == began


async def test_a_tenant_whose_hint_was_lost_is_published_beside_one_that_is_named(
    database: Database,
) -> None:
    """The relay sweeps although it never has to wait for a hint."""
    silent, noisy, bus, wakeups = new_tenant(), new_tenant(), MemoryBus(), Wakeups()
    relay = Relay(database, bus, wakeups, sweep_seconds=0.05)
    told = bus.subscribe("watch", ["node.*"])

    async def name_again_and_again() -> None:
        while True:
            wakeups.add(noisy)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery, running(relay_child("relay", relay)):
        nursery.start_soon(name_again_and_again)
        await emit(database, noisy, NodeTouched(NODE_A, 1))
        with trio.fail_after(20):
            first = await told.receive()
            await emit(database, silent, NodeTouched(NODE_A, 1))
            second = await told.receive()
        nursery.cancel_scope.cancel()

    assert [one and one.tenant_id for one in (first, second)] == [noisy, silent]


async def test_wiping_the_relay_and_the_bus_is_a_non_event(database: Database) -> None:
    """All is published again from the first event; consumers drop what they have had."""
    tenant, keeper = new_tenant(), Keeper()
    await emit(database, tenant, NodeTouched(NODE_A, 1), NodeTouched(NODE_A, 2))
    first = MemoryBus()
    await Relay(database, first, Wakeups()).publish(tenant)
    loop = ConsumerLoop(keeper, database, first, SystemClock())
    await loop.catch_up(tenant)

    async def wipe(tx: Transaction) -> None:
        await tx.execute(WIPE)

    await database.transact(tenant, wipe)
    fresh = MemoryBus()
    subscription = fresh.subscribe("keeper", ["node.*"])
    await Relay(database, fresh, Wakeups()).publish(tenant)

    assert subscription.statistics().current_buffer_used == 1
    assert await subscription.receive() == Hint(tenant, 2, 2, frozenset({"node.touched"}))
    await loop.catch_up(tenant)
    assert await effects(database, tenant) == [1, 2]
