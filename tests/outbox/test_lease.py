"""Of several daemons on one database one does what only one has to do."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import trio
from attrs import define

from bitvault.actors.identity.contract import GroupDeleted
from bitvault.daemon.loading import load
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import TenantId
from bitvault.outbox import ConsumerLoop, Lease
from bitvault.services import SERVICES, options_of
from bitvault.tree import assemble, wire
from bitvault.wiring import Wiring
from supervisors import Child, ChildSpec, TreeHandle, run_tree
from supervisors.child import Tree
from tests.outbox.world import (
    NODE_A,
    Keeper,
    NodeTouched,
    cursor,
    effects,
    emit,
    new_tenant,
)

T = TypeVar("T")
HERE, THERE = UUID(int=1), UUID(int=2)


def lease(database: Database, holder: UUID, name: str, seconds: float = 3600.0) -> Lease:
    """Return somebody's share in a lease."""
    return Lease(name, holder, database, seconds)


async def test_one_has_it_until_it_is_given_up(database: Database) -> None:
    """And then the other, whom the first does not drive out."""
    here, there = (lease(database, one, "given up") for one in (HERE, THERE))

    assert await here.hold()
    assert not await there.hold()
    assert await here.hold()
    await here.release()
    assert await there.hold()
    assert not await here.hold()


async def test_a_holder_that_stalls_past_its_end_finds_that_it_ended(database: Database) -> None:
    """It cannot renew what another has taken: the epoch is another."""
    stalled = lease(database, HERE, "stalled", seconds=0.0)
    other = lease(database, THERE, "stalled")

    assert await stalled.hold()
    assert await other.hold()
    assert not await stalled.hold()
    await stalled.release()
    assert await other.hold()


async def test_a_daemon_that_starts_again_does_not_wait_for_itself(database: Database) -> None:
    """After a crash it has its leases at once, and nothing of the life before gives them away."""
    before, again = (lease(database, HERE, "again") for _ in range(2))

    assert await before.hold()
    assert await again.hold()
    await before.release()
    assert not await lease(database, THERE, "again").hold()


@define
class Stalling:
    """A database whose client stalls before a transaction of a tenant, while others work."""

    inner: Database
    meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Stall once, then do the work."""
        if tenant and tenant.int and self.meanwhile:
            others, self.meanwhile = self.meanwhile, None
            await others()
        return await self.inner.transact(tenant, work)

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Read."""
        return await self.inner.read(tenant, work)


def loop(database: Any, keeper: Keeper, holder: UUID, seconds: float = 3600.0) -> ConsumerLoop:
    """Return a daemon's loop of the one consumer."""
    share = lease(database, holder, "keeper", seconds)
    return ConsumerLoop(keeper, database, MemoryBus(), SystemClock(), lease=share)


async def test_a_second_daemons_consumer_rests_and_takes_over(database: Database) -> None:
    """It applies nothing as long as the first is there, and goes on where that one stopped."""
    tenant, keepers = new_tenant(), (Keeper(), Keeper())
    here, there = (
        loop(database, one, who) for one, who in zip(keepers, (HERE, THERE), strict=True)
    )
    child = Child("root/workers/keeper", Tree(lambda _: None), lambda _: None)

    for first, second in ((here, there), (there, here)):
        await emit(database, tenant, NodeTouched(NODE_A, 1))
        assert await first._turn(child, (tenant,))
        assert await second._turn(child, (tenant,))
    assert (keepers[0].tried, keepers[1].tried) == ([1, 2], [])
    assert here.lease is not None
    await here.lease.release()
    await emit(database, tenant, NodeTouched(NODE_A, 3))
    assert await there._turn(child, (tenant,))
    assert await here._turn(child, (tenant,))

    assert (keepers[0].tried, keepers[1].tried) == ([1, 2], [3])
    assert await effects(database, tenant) == [1, 2, 3]


async def test_a_consumer_that_stalls_past_its_lease_writes_nothing(database: Database) -> None:
    """It comes back in the middle of a turn: the cursor has moved, so it has nothing to do."""
    tenant, slow, quick = new_tenant(), Keeper(), Keeper()
    child = Child("root/workers/keeper", Tree(lambda _: None), lambda _: None)
    await emit(database, tenant, NodeTouched(NODE_A, 1))
    stalling = Stalling(database)
    here, there = loop(stalling, slow, HERE, 0.0), loop(database, quick, THERE)

    async def meanwhile() -> None:
        assert await there._turn(child, (tenant,))

    stalling.meanwhile = meanwhile
    assert await here._turn(child, (tenant,))
    assert await here._turn(child, (tenant,))

    assert (quick.tried, slow.tried) == ([1], [])
    assert await effects(database, tenant) == [1]
    assert await cursor(database, tenant) == 1


def ports(wiring: Wiring, database: Any) -> ChildSpec:
    """Give a daemon its database and store."""

    async def run(child: Child) -> None:
        wiring.provide(database=database, objects=MemoryObjectStore(wiring.clock))  # type: ignore[arg-type]
        child.started()
        await child.stopping.wait()

    return ChildSpec("ports", run)


def applied(handle: TreeHandle) -> int:
    """Return how many events the trail's consumer of a daemon has applied."""
    workers = next(one for one in handle.status().children if one.id == "workers")
    audit = next(one for one in workers.children if one.id == "audit")
    return int((audit.statistics or {}).get("applied", 0))


async def test_two_daemons_on_one_database_do_no_work_twice(database: Database) -> None:
    """One applies every event; when it stops, the other goes on."""
    tenants, options = [new_tenant() for _ in range(30)], options_of(SERVICES, load(None, {}, {}))
    daemons: list[tuple[trio.Event, TreeHandle]] = []

    async def caught_up(last: int) -> list[int]:
        with trio.fail_after(20):
            while sum(applied(handle) for _, handle in daemons) < last:
                await cursor(database, tenants[0], "audit")
        return [applied(handle) for _, handle in daemons]

    async with trio.open_nursery() as nursery:
        for holder in (HERE, THERE):
            wiring, stop = wire(holder=holder), trio.Event()
            root = assemble(SERVICES, wiring, options, drivers=[ports(wiring, database)])
            daemons.append((stop, await nursery.start(partial(run_tree, root, stop=stop))))
        for tenant in tenants:
            await emit(database, tenant, GroupDeleted(NODE_A, 0))
        first = await caught_up(30)
        daemons.pop(first.index(max(first)))[0].set()
        await emit(database, tenants[0], GroupDeleted(NODE_A, 0))
        second = await caught_up(1)
        nursery.cancel_scope.cancel()

    assert (sorted(first), second) == ([0, 30], [1])
    assert await cursor(database, tenants[0], "audit") == 2
