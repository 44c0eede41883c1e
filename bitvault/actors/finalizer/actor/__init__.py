"""One serial loop that asks the rooms to end, purge, collect and forget, a slice at a time.

It knows no table and no key of its own: files says what is needed, storage deletes (ADR-0013).

Error handling: a room that does not answer, or whose database or store is down, is asked again at
the next turn. Nothing is lost by that, because what is to be done is written down in the rooms.
"""

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any

import structlog
import trio
from attrs import field, frozen

from bitvault.actors.files.contract import (
    InspectGarbage,
    JudgeObjects,
    ObjectInDoubt,
    Verdict,
)
from bitvault.actors.finalizer.actor.asking import Postponed, ask
from bitvault.actors.finalizer.actor.leaving import Leaving
from bitvault.actors.finalizer.rules import Age, Tally
from bitvault.actors.storage.contract import (
    DueObject,
    InspectLedger,
    ListDueObjects,
    SettleObjects,
)
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.manifest import Manifest
from bitvault.outbox import Lease
from supervisors import Bell, Board, Child, ChildSpec, Ref, Turn

_OBJECTS = 500
"""What one slice of the objects in doubt holds."""
_SLICES = 10
"""Slices of one job in one turn, so that no job keeps the others waiting."""
_BREATH = 1.0
"""Seconds between turns while there is more to do."""


@frozen(eq=False)
class Sweep:
    """A job of the finalizer, done a slice at a time."""

    name: str
    counts: str
    """What the slices come to, as operators know it."""
    slice: Callable[[], Awaitable[int]]


def sweeps_of(manifests: Sequence[Manifest[Any]], ref: Callable[[str], Ref]) -> tuple[Sweep, ...]:
    """Return what services want done, from the top down: the lower collect what is released."""
    return tuple(
        Sweep(job.name, job.counts, partial(ask, ref(one.name), job.slice))
        for one in reversed(manifests)
        for job in one.jobs
        if job.slice is not None
    )


@frozen(eq=False)
class Finalizer:
    """Asks the rooms, on a timer with some jitter, as long as they find work."""

    files: Ref
    storage: Ref
    clock: Clock
    interval: float
    """Seconds between two turns when there is nothing left to do."""
    draw: Callable[[], float] = random.random
    """Jitter, uniform in [0, 1)."""
    tally: Tally = field(factory=Tally)
    leaving: Leaving | None = None
    """Where tenants leave for good; None: they do not."""
    sweeps: Sequence[Sweep] = ()
    board: Board = field(factory=Board)
    """Where each job's turns are told, and asked for."""
    bell: Bell = field(factory=Bell)
    lease: Callable[[], Lease] | None = None
    """For turns that nobody asked for; None: there is no other daemon."""

    async def run(self, child: Child) -> None:
        """Take turns until asked to stop."""
        child.statistics = lambda: self.tally.shown(self.clock.now())
        with ExitStack() as stack:
            for name in self._jobs():
                stack.enter_context(self.board.turns(name).taken_by(child, self.bell.ring))
            child.started()
            await self._work(child, self.lease() if self.lease else None)

    async def _work(self, child: Child, lease: Lease | None) -> None:
        while not child.stopping.is_set():
            more = await _is_held(lease) and await self.turn()
            pause = _BREATH if more else self.interval * (0.9 + 0.2 * self.draw())
            await self._rest(child, pause)
        if lease is not None:
            await lease.release()

    async def _rest(self, child: Child, seconds: float) -> None:
        """Wait for the next turn; what is asked for meanwhile is done at once, and by itself."""
        due, names = trio.current_time() + seconds, tuple(self._jobs())
        while not child.stopping.is_set() and trio.current_time() < due:
            if wanted := [name for name in names if self.board.turns(name).is_wanted]:
                if await self.turn(wanted):
                    due = min(due, trio.current_time() + _BREATH)
                continue
            for name in names:
                self.board.turns(name).due = due
            await self.bell.rest(child, due - trio.current_time())

    async def turn(self, names: Collection[str] | None = None) -> bool:
        """Do some of everything, or of these jobs; return whether there is more of anything."""
        self.tally.begin()
        jobs = [job for name, job in self._jobs().items() if names is None or name in names]
        busy = [await self._some(job) for job in jobs]
        await self._inspect()
        if counts := self.tally.last:
            structlog.get_logger("finalizer").info("collected", **counts)
        return any(busy)

    def _jobs(self) -> Mapping[str, Sweep]:
        leaving, judge = self.leaving, Sweep("judge", "objects_judged", self._judge)
        jobs = [*self.sweeps, judge]
        if leaving is not None:
            jobs.insert(0, Sweep("erase-tenants", "tenant_rows_erased", leaving.erase_some))
        return {job.name: job for job in jobs}

    async def _some(self, job: Sweep) -> bool:
        """Do slices of one job; return whether the last one allowed still found work."""
        with self.board.turns(job.name).turn() as turn:
            try:
                return await self._slices(job, turn)
            except Postponed as postponed:
                self.tally.postpone()
                turn.fail(str(postponed))
                log = structlog.get_logger("finalizer")
                log.warning("postponed", job=job.name, error=str(postponed))
                return False

    async def _slices(self, job: Sweep, turn: Turn) -> bool:
        for _ in range(_SLICES):
            count = await job.slice()
            self.tally.add(job.counts, count)
            turn.count(job.counts, count)
            if not count:
                return False
        return True

    async def _judge(self) -> int:
        """Ask files about objects that nobody has claimed, and have storage act on what it says."""
        due = await ask(self.storage, ListDueObjects(_OBJECTS))
        by_tenant: dict[TenantId, list[DueObject]] = defaultdict(list)
        for one in due:
            by_tenant[one.tenant_id].append(one)
        for tenant_id, objects in by_tenant.items():
            doubts = tuple(ObjectInDoubt(one.upload_id, one.key, one.hash) for one in objects)
            verdicts = await ask(self.files, JudgeObjects(tenant_id, doubts))
            judged: dict[Verdict, list[DueObject]] = defaultdict(list)
            for one, verdict in zip(objects, verdicts, strict=True):
                judged[verdict].append(one)
            await ask(
                self.storage,
                SettleObjects(
                    tenant_id,
                    kept=tuple(one.upload_id for one in judged[Verdict.NAMED]),
                    later=tuple(one.upload_id for one in judged[Verdict.WAITED_FOR]),
                    unneeded=tuple(judged[Verdict.UNNEEDED]),
                ),
            )
        return len(due)

    async def _inspect(self) -> None:
        try:
            garbage = await ask(self.files, InspectGarbage())
            discarded: datetime | None = await ask(self.storage, InspectLedger())
        except Postponed:
            return  # the ages known before go on growing
        self.tally.oldest = Age(
            unused=garbage.unused_since,
            condemned=garbage.condemned_since,
            purged=garbage.purged_since,
            discarded=discarded,
        )


async def _is_held(lease: Lease | None) -> bool:
    try:
        return lease is None or await lease.hold()
    except DependencyDown:
        return True  # the turn tells what does not answer


def finalizer_child(finalizer: Finalizer) -> ChildSpec:
    """Describe the finalizer as a child."""
    return ChildSpec("finalizer", finalizer.run)
