"""Every effect happens once, whatever hints, crashes and poison do (reliability I7, I8)."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

import pytest
import trio
from attrs import define

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.postgres.port import Database, Query, Transaction
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import ConsumerLoop, Replayed, journal, replay
from bitvault.outbox.lag import LagGauge
from supervisors import Child
from supervisors.child import Tree
from tests.outbox.world import (
    NODE_A,
    NODE_B,
    NOW,
    BlobTouched,
    Keeper,
    NodeTouched,
    cursor,
    effects,
    emit,
    new_loop,
    new_tenant,
)

T = TypeVar("T")


class Died(BaseException):
    """Stands for a process that dies: nothing in it may go on, or take it for a failure."""


@define
class Dying:
    """A database whose client dies after some commits, when all is written and before the next."""

    inner: Database
    commits: int

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[object]]
    ) -> object:
        """Do all of the work, and die."""

        async def dies(tx: Transaction) -> object:
            done = await work(tx)
            if not self.commits:
                raise Died
            return done

        done = await self.inner.transact(tenant, dies)
        self.commits -= 1
        return done

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Read."""
        return await self.inner.read(tenant, work)


async def test_each_event_takes_effect_once_and_foreign_ones_are_passed(
    database: Database,
) -> None:
    """A foreign subject advances the cursor and has no effect; a second look does nothing."""
    tenant, keeper = new_tenant(), Keeper()
    await emit(database, tenant, NodeTouched(NODE_A, 1), BlobTouched(NODE_B, 1))
    await emit(database, tenant, NodeTouched(NODE_A, 2))
    loop = new_loop(database, keeper)

    await loop.catch_up(tenant)
    await loop.catch_up(tenant)

    assert await effects(database, tenant) == [1, 3]
    assert keeper.tried == [1, 3]
    assert await cursor(database, tenant) == 3
    assert loop.statistics() == {"applied": 2, "parked": 0, "failing": 0}


async def test_a_backlog_longer_than_a_slice_is_applied_whole(database: Database) -> None:
    """Slices follow each other until there is nothing left."""
    tenant = new_tenant()
    await emit(database, tenant, *[NodeTouched(NODE_A, number) for number in range(450)])

    await new_loop(database, Keeper()).catch_up(tenant)

    assert await effects(database, tenant) == list(range(1, 451))


async def test_two_loops_of_one_consumer_do_not_double(database: Database) -> None:
    """The cursor's compare-and-set keeps out whoever is late."""
    tenant, one, two = new_tenant(), Keeper(), Keeper()
    await emit(database, tenant, *[NodeTouched(NODE_A, number) for number in range(300)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(new_loop(database, one).catch_up, tenant)
        nursery.start_soon(new_loop(database, two).catch_up, tenant)

    assert await cursor(database, tenant) == 300
    assert await effects(database, tenant) == list(range(1, 301))


@pytest.mark.parametrize("commits", [0, 1, 2])
async def test_a_crash_between_effect_and_commit_takes_the_effect_back(
    database: Database, commits: int
) -> None:
    """Before whichever COMMIT the process dies, the effects are those that the cursor tells of."""
    tenant = new_tenant()
    await emit(database, tenant, NodeTouched(NODE_A, 1))
    keeper = Keeper()

    with pytest.raises(Died) if commits == 0 else suppress(Died):
        await new_loop(Dying(database, commits), keeper).catch_up(tenant)  # type: ignore[arg-type]
    assert keeper.tried == [1]
    reached = await cursor(database, tenant)
    assert await effects(database, tenant) == list(range(1, reached + 1))
    assert reached == 0 or commits > 0

    await new_loop(database, Keeper()).catch_up(tenant)
    assert await cursor(database, tenant) == 1
    assert await effects(database, tenant) == [1]


async def test_a_slice_is_given_at_once_and_in_order(database: Database) -> None:
    """A consumer gets what it declares as a list of decoded events, and nothing else."""
    tenant, keeper = new_tenant(), Keeper()
    first, last = NodeTouched(NODE_A, 1, "a", parent=NODE_B), NodeTouched(NODE_B, 7, "b", NOW)
    await emit(database, tenant, first, BlobTouched(NODE_B, 1), last)

    await new_loop(database, keeper).catch_up(tenant)

    assert keeper.given == [[first, last]]


async def test_poison_parks_its_aggregate_and_nothing_else(database: Database) -> None:
    """After five tries the event is a dead letter; later ones of its node wait, others flow."""
    tenant, keeper = new_tenant(), Keeper(poison={2})
    nodes = [NODE_B, NODE_A, NODE_B, NODE_A]
    await emit(database, tenant, *[NodeTouched(node, at) for at, node in enumerate(nodes)])
    loop = new_loop(database, keeper)

    await loop.catch_up(tenant)

    assert await effects(database, tenant) == [1, 3]
    assert keeper.tried == [1, 2, 1, 2, 1, *[2] * 4, 3]
    assert await cursor(database, tenant) == 4
    assert await dead_letters(database, tenant) == [(2, 5), (4, 0)]
    assert loop.statistics() == {"applied": 2, "parked": 2, "failing": 0}


async def test_an_event_that_fails_for_a_while_is_not_parked(database: Database) -> None:
    """Before the last try there is still time to get well; nothing overtakes it meanwhile."""
    tenant, keeper = new_tenant(), Keeper(poison={1})
    await emit(database, tenant, NodeTouched(NODE_A, 1), NodeTouched(NODE_B, 1))
    loop = ConsumerLoop(keeper, database, MemoryBus(), SystemClock(), retry_seconds=3600)

    await loop.catch_up(tenant)
    assert (await effects(database, tenant), loop.statistics()["failing"]) == ([], 1)
    keeper.poison.clear()
    await new_loop(database, keeper).catch_up(tenant)

    assert await effects(database, tenant) == [1, 2]
    assert await dead_letters(database, tenant) == []


async def test_a_turn_tells_what_was_applied_and_what_holds_it_up(database: Database) -> None:
    """An event that fails is told by the kind of its error, until it is applied or parked."""
    tenant, keeper = new_tenant(), Keeper(poison={2})
    await emit(database, tenant, NodeTouched(NODE_A, 1), NodeTouched(NODE_B, 1))
    loop = ConsumerLoop(keeper, database, MemoryBus(), SystemClock(), retry_seconds=3600)
    child = Child("root/workers/keeper", Tree(lambda _: None), lambda _: None)

    assert await loop._turn(child, (tenant,))
    assert loop.turns.failures == 1
    assert (loop.turns.name, loop.turns.totals) == ("keeper", {})
    told = loop.turns.failed
    assert told is not None
    assert told.error == "an event fails (ValueError); tenants that wait for it: 1"
    keeper.poison.clear()
    loop._failing.clear()
    keeper.down = 1
    assert not await loop._turn(child, (tenant,))
    assert loop.turns.last is not None
    assert (loop.turns.last.error, loop.turns.failures) == ("index does not answer", 2)
    assert await loop._turn(child, (tenant,))
    assert (loop.turns.failures, loop.turns.totals) == (0, {"applied": 2})


async def test_replay_applies_the_dead_letters_in_order(database: Database) -> None:
    """Once the cause is mended an aggregate's letters are applied, and later events flow."""
    tenant, keeper = new_tenant(), Keeper(poison={1})
    await emit(database, tenant, NodeTouched(NODE_A, 1), NodeTouched(NODE_A, 2))
    loop = new_loop(database, keeper)
    await loop.catch_up(tenant)
    keeper.poison.clear()
    keeper.tried.clear()

    assert await replay(database, keeper, tenant, NODE_A) == Replayed(applied=2)
    assert await replay(database, keeper, tenant, NODE_A) == Replayed(applied=0)
    await emit(database, tenant, NodeTouched(NODE_A, 3))
    await loop.catch_up(tenant)

    assert keeper.tried == [1, 2, 3]
    assert await effects(database, tenant) == [1, 2, 3]


async def test_a_replay_that_fails_again_keeps_the_letters(database: Database) -> None:
    """All or none: they stay, in order; the one that failed has an attempt more."""
    tenant, keeper = new_tenant(), Keeper(poison={2})
    await emit(database, tenant, *[NodeTouched(NODE_A, number) for number in range(3)])
    loop = new_loop(database, keeper)
    await loop.catch_up(tenant)

    done = await replay(database, keeper, tenant, NODE_A)

    assert (done.applied, done.error) == (0, "ValueError: cannot digest 2")
    assert await effects(database, tenant) == [1]
    assert await dead_letters(database, tenant) == [(2, 6), (3, 0)]


async def test_a_dependency_that_is_down_is_no_attempt(database: Database) -> None:
    """However often it is down, no event goes to the dead letters."""
    tenant, keeper = new_tenant(), Keeper(down=20)
    await emit(database, tenant, NodeTouched(NODE_A, 1))
    loop = new_loop(database, keeper)

    for _ in range(20):
        with pytest.raises(DependencyDown):
            await loop.catch_up(tenant)
    await loop.catch_up(tenant)

    assert await effects(database, tenant) == [1]
    assert await dead_letters(database, tenant) == []


async def test_lag_counts_events_age_and_dead_letters(database: Database) -> None:
    """One query tells how far each consumer is behind, over all tenants."""
    one, two = new_tenant(), new_tenant()
    await emit(database, one, NodeTouched(NODE_A, 1), NodeTouched(NODE_A, 2))
    await emit(database, two, NodeTouched(NODE_A, 1))
    await new_loop(database, Keeper(poison={1})).catch_up(two)

    async def work(tx: Transaction) -> tuple[journal.Lag, ...]:
        return await journal.lag(tx, ["keeper", "new"], NOW + timedelta(days=3650))

    keeper, new = await database.read(None, work)

    assert (keeper.consumer, keeper.events, keeper.dead) == ("keeper", 2, 1)
    assert (new.consumer, new.events, new.dead) == ("new", 3, 0)
    assert min(keeper.seconds, new.seconds) > 86_400


async def test_the_gauge_of_a_consumer_shows_its_lag(database: Database) -> None:
    """The status page has the figures of the last look; before the first there are none."""
    tenant = new_tenant()
    await emit(database, tenant, NodeTouched(NODE_A, 1), NodeTouched(NODE_A, 2))
    gauge = LagGauge("keeper", database, SystemClock())
    assert gauge.statistics() == {}

    await gauge.look()
    behind = gauge.statistics()
    await new_loop(database, Keeper()).catch_up(tenant)
    await gauge.look()

    assert (behind["lag"], behind["dead"]) == (2, 0)
    assert gauge.statistics() == {"lag": 0, "lag_seconds": 0.0, "dead": 0}


async def dead_letters(database: Database, tenant: TenantId) -> list[tuple[int, int]]:
    """Return seq and attempts of the keeper's dead letters."""

    async def work(tx: Transaction) -> list[tuple[int, int]]:
        return [(row["seq"], row["attempts"]) for row in await tx.fetch(LETTERS, tenant=tenant)]

    return await database.read(tenant, work)


LETTERS = Query(
    "letters",
    "SELECT seq, attempts FROM outbox.dead_letter WHERE consumer = 'keeper' AND tenant_id = $1"
    " ORDER BY seq",
    ("tenant",),
)
