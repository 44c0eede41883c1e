"""The finalizer's timer, in virtual time, against rooms that answer by contract."""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import trio
from attrs import define, field
from trio.testing import MockClock

from bitvault.actors.files.contract import (
    CollectBlobs,
    ContinuePurges,
    ExpireUploads,
    ForgetFinished,
    Garbage,
    InspectGarbage,
    JudgeObjects,
    Verdict,
)
from bitvault.actors.files.manifest import FILES
from bitvault.actors.finalizer.actor import Finalizer, finalizer_child, sweeps_of
from bitvault.actors.storage.contract import (
    DueObject,
    InspectLedger,
    ListDueObjects,
    RetryDiscards,
    SettleObjects,
)
from bitvault.actors.storage.manifest import STORAGE
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Unavailable
from supervisors import Actor, Flags, Registry, actor, handles, run_tree, supervisor
from tests.support.determinism import FixedClock, SequenceIds

NOTHING = Garbage(None, None, None)


@define(eq=False)
class FilesStandIn(Actor):
    """Answers what it was given for expired uploads, and nothing to do for all else."""

    replies: deque[int | Unavailable]
    garbage: Garbage = NOTHING
    asked_at: list[float] = field(factory=list)
    asked: list[str] = field(factory=list)
    done: trio.Event = field(factory=trio.Event)

    @handles(ExpireUploads)
    async def expire(self, _: ExpireUploads) -> int | Unavailable:
        """Answer the next reply."""
        await trio.lowlevel.checkpoint()
        self.asked_at.append(trio.current_time())
        return self.replies.popleft()

    @handles(ContinuePurges, CollectBlobs, ForgetFinished)
    async def idle(self, request: Any) -> int:
        """Have nothing to do."""
        await trio.lowlevel.checkpoint()
        self.asked.append(type(request).__name__)
        return 0

    @handles(JudgeObjects)
    async def judge(self, request: JudgeObjects) -> tuple[Verdict, ...]:
        """Wait for sealed ones, need no others."""
        await trio.lowlevel.checkpoint()
        return tuple(Verdict.WAITED_FOR if one.key else Verdict.UNNEEDED for one in request.objects)

    @handles(InspectGarbage)
    async def inspect(self, _: InspectGarbage) -> Garbage:
        """Say how old garbage is; the turn ends here."""
        await trio.lowlevel.checkpoint()
        if not self.replies:
            self.done.set()
        return self.garbage


@define(eq=False)
class StorageStandIn(Actor):
    """Lists what it was given once, and remembers what was settled."""

    due: Sequence[DueObject] = ()
    settled: list[SettleObjects] = field(factory=list)

    @handles(ListDueObjects)
    async def list_due(self, _: ListDueObjects) -> tuple[DueObject, ...]:
        """List it once."""
        await trio.lowlevel.checkpoint()
        due, self.due = self.due, ()
        return tuple(due)

    @handles(SettleObjects)
    async def settle(self, request: SettleObjects) -> int:
        """Remember."""
        await trio.lowlevel.checkpoint()
        self.settled.append(request)
        return len(request.unneeded)

    @handles(RetryDiscards)
    async def retry(self, _: RetryDiscards) -> int:
        """Have nothing to do."""
        await trio.lowlevel.checkpoint()
        return 0

    @handles(InspectLedger)
    async def inspect(self, _: InspectLedger) -> None:
        """Have no garbage."""
        await trio.lowlevel.checkpoint()


async def run(
    files: FilesStandIn, storage: StorageStandIn, clock: FixedClock, draw: float = 0.5
) -> Finalizer:
    """Run the finalizer until the stand-in's replies have all been given; return it."""
    registry, stop = Registry(), trio.Event()
    refs = (registry.ref("files"), registry.ref("storage"))
    sweeps = sweeps_of((STORAGE, FILES), registry.ref)
    finalizer = Finalizer(*refs, clock, interval=60, draw=lambda: draw, sweeps=sweeps)
    children = [
        actor("files", lambda: files, registry=registry),
        actor("storage", lambda: storage, registry=registry),
        finalizer_child(finalizer),
    ]
    async with trio.open_nursery() as nursery:
        tree = supervisor("root", Flags(), children)
        nursery.start_soon(lambda: run_tree(tree, stop=stop))
        await files.done.wait()
        stop.set()
    return finalizer


async def test_it_goes_on_while_there_is_work_and_survives_an_outage(
    autojump_clock: MockClock, clock: FixedClock
) -> None:
    """Work is followed at once by the next slice; a refusal waits for the next turn."""
    files = FilesStandIn(deque([100, 7, 0, Unavailable("PostgreSQL"), 0]))

    finalizer = await run(files, StorageStandIn(), clock)

    start = files.asked_at[0]
    assert [round(at - start) for at in files.asked_at] == [0, 0, 0, 60, 120]
    shown = finalizer.tally.shown(clock.now())
    assert (shown["turns"], shown["postponed"], shown["totals"]) == (3, 1, {"uploads_expired": 107})


async def test_a_turn_is_bounded_and_the_next_comes_soon(
    autojump_clock: MockClock, clock: FixedClock
) -> None:
    """Endless work of one kind leaves room for the other kinds, again and again."""
    files = FilesStandIn(deque([100] * 20 + [0]))

    await run(files, StorageStandIn(), clock)

    start = files.asked_at[0]
    assert [round(at - start) for at in files.asked_at] == [0] * 10 + [1] * 10 + [2]
    assert files.asked.count("CollectBlobs") == 3


async def test_turns_of_several_daemons_drift_apart(
    autojump_clock: MockClock, clock: FixedClock
) -> None:
    """The pause is drawn from a tenth around the interval."""
    pauses = []
    for draw in (0.0, 0.999):
        files = FilesStandIn(deque([0, 0]))
        await run(files, StorageStandIn(), clock, draw)
        pauses.append(files.asked_at[1] - files.asked_at[0])

    assert [round(pause) for pause in pauses] == [54, 66]


async def test_each_tenants_objects_are_judged_and_settled_apart(
    autojump_clock: MockClock, clock: FixedClock, ids: SequenceIds
) -> None:
    """Verdicts come back to the ledger under the tenant they were asked for."""
    tenants = [TenantId(ids.uuid7()) for _ in range(2)]
    due = [
        DueObject(tenant, UploadId(ids.uuid7()), key, key)
        for tenant in tenants
        for key in (None, "sealed")
    ]
    storage = StorageStandIn(due)

    finalizer = await run(FilesStandIn(deque([0])), storage, clock)

    assert [one.tenant_id for one in storage.settled] == tenants
    assert [one.unneeded for one in storage.settled] == [(due[0],), (due[2],)]
    assert [one.later for one in storage.settled] == [(due[1].upload_id,), (due[3].upload_id,)]
    assert finalizer.tally.totals == {"objects_judged": 4}


async def test_a_room_that_is_not_there_costs_a_turn(
    autojump_clock: MockClock, clock: FixedClock
) -> None:
    """Nobody answers: every job is postponed, and the finalizer lives."""
    registry = Registry()
    sweeps = sweeps_of((STORAGE, FILES), registry.ref)
    refs = registry.ref("files"), registry.ref("storage")
    finalizer = Finalizer(*refs, clock, 60, sweeps=sweeps)

    assert await finalizer.turn() is False

    assert finalizer.tally.postponed == 6
    assert finalizer.tally.shown(clock.now())["oldest_seconds"] == {}


async def test_it_shows_how_old_garbage_is(autojump_clock: MockClock, clock: FixedClock) -> None:
    """The status page has counts and ages as plain values, for metrics too."""
    now = clock.now()
    old = Garbage(now - timedelta(seconds=90), None, now - timedelta(seconds=30))

    finalizer = await run(FilesStandIn(deque([3, 0]), old), StorageStandIn(), clock)

    assert finalizer.tally.shown(now) == {
        "turns": 1,
        "postponed": 0,
        "last": {"uploads_expired": 3},
        "totals": {"uploads_expired": 3},
        "oldest_seconds": {"unused": 90.0, "purged": 30.0},
    }
