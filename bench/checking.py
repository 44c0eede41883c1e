"""CheckAccess through the daemon's own rooms, against its own SQL by bare asyncpg on uvloop."""

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import trio
from attrs import frozen

from bench.recording import Direct, Recorder, Recording
from bench.replay import latencies, rate
from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.sharing.actor import Sharing
from bitvault.actors.sharing.contract import Allowed, CheckAccess
from bitvault.daemon.loading import load
from bitvault.drivers.aio import open_loop
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.postgres.pool import APP_ROLE, PostgresDatabase, open_database
from bitvault.kernel.access import Right
from bitvault.kernel.ids import NodeId, TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.services import SERVICES, options_of
from bitvault.tree import assemble, wire
from supervisors import Ref, run_tree

TASKS, CONNECTIONS = 32, 8
CHECKS, ALONE = 3000, 300


@frozen
class Rate:
    """Seconds of one check when there is only one, and checks a second when there are many."""

    alone: float
    together: float


def checks(embedded: Any, tenant: UUID, user: UUID, node: UUID) -> tuple[Rate, Rate]:
    """Measure one check of a user on a node: ours, and its bare statements."""
    who = Principal(TenantId(tenant), UserId(user), "bench", False, user)
    asked = CheckAccess(Caller(who, Origin("bench")), NodeId(node), Right.READ)
    ours, recording = trio.run(_ours, embedded.dsn(role=APP_ROLE), asked)
    dsn = embedded.dsn()
    together = rate(dsn, recording, CHECKS, TASKS, CONNECTIONS)
    return ours, Rate(statistics.median(latencies(dsn, recording, ALONE)), together)


async def _ours(dsn: str, asked: CheckAccess) -> tuple[Rate, Recording]:
    async with open_loop(), open_database(dsn) as pool, trio.open_nursery() as nursery:
        recording = await _record(pool, asked)
        wiring = wire()
        wiring.provide(database=pool, objects=MemoryObjectStore(wiring.clock))
        options = options_of(SERVICES, load(None, {}, {}))
        await nursery.start(run_tree, assemble(SERVICES, wiring, options))
        sharing = wiring.registry.ref("sharing")
        times = [await _timed(lambda: _check(sharing, asked)) for _ in range(ALONE)]
        seconds = await _timed(lambda: _many(sharing, asked))
        nursery.cancel_scope.cancel()
    return Rate(statistics.median(times), CHECKS / seconds), recording


async def _record(pool: PostgresDatabase, asked: CheckAccess) -> Recording:
    recorder, wiring = Recorder(pool), wire()
    clock, ids, outbox = wiring.clock, wiring.ids, wiring.outbox
    nobody: Any = Direct(None)
    files: Any = Direct(Files(recorder, outbox, nobody, clock, ids, FilesOptions()))
    room = Sharing(recorder, outbox, files, nobody, clock, ids, wiring.passwords, wiring.limits)
    await _check(Direct(room), asked)
    return Recording(tuple(recorder.units), frozenset(_ids(recorder.units)))


def _ids(value: Any) -> set[UUID]:
    """Return every id in what was recorded: a check is the same each time."""
    if isinstance(value, UUID):
        return {value}
    parts = value if isinstance(value, list | tuple) else getattr(value, "statements", ())
    return {one for part in parts for one in _ids(part)}


async def _check(sharing: Ref | Direct, asked: CheckAccess) -> None:
    answer = await sharing.ask(asked)
    assert isinstance(answer, Allowed), answer


async def _many(sharing: Ref, asked: CheckAccess) -> None:
    waiting = iter(range(CHECKS))

    async def work() -> None:
        for _ in waiting:
            await _check(sharing, asked)

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(work)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin
