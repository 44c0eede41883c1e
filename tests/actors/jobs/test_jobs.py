"""What operators see of the background, and what happens when they nudge it."""

from datetime import timedelta
from typing import Any

import pytest
import trio
import trio.lowlevel
from attrs import evolve

from bitvault.actors.files.contract import CollectBlobs, ContinuePurges, ExpireUploads
from bitvault.actors.identity.contract import RecordRun
from bitvault.actors.jobs.contract import GetJob, JobNotFound, ListJobs, RunJob
from bitvault.actors.jobs.rules import job_id
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.principal import Caller, Idempotency
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Unavailable
from tests.actors.jobs.conftest import BEGINNING, INTERVAL, OPERATOR, Shift


def after(seconds: float) -> Any:
    """Return a time of the world."""
    return BEGINNING + timedelta(seconds=seconds)


async def test_a_job_says_when_it_worked_and_what_it_did(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """The latest turn, the latest that did something, when the next is, and what waits."""
    found = iter([3, 0])
    shift.files.answers[CollectBlobs] = lambda: next(found, 0)
    shift.files.answers[CountBacklog] = lambda: {"collect": Backlog(7, after(-5))}
    async with shift.working():
        first = await shift.job("collect")
        await trio.sleep(INTERVAL)
        second = await shift.job("collect")

    assert (first.state, first.worker) == ("idle", "root/workers/finalizer")
    assert first.last is not None
    assert (first.last.began_at, first.last.ended_at, first.last.seconds) == (after(0), after(0), 0)
    assert dict(first.last.did) == {"blobs_collected": 3}
    assert (first.turns, first.worked, first.next_at) == (1, first.last, after(INTERVAL))
    assert first.backlog == Backlog(7, after(-5))
    assert (second.turns, second.worked, second.totals) == (2, first.last, first.last.did)
    assert second.last is not None
    assert (dict(second.last.did), second.error) == ({}, None)


async def test_a_failing_job_says_so_until_it_is_well(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """Others go on beside it; afterwards it is still known when it failed."""
    shift.files.answers[ContinuePurges] = lambda: Unavailable("postgresql")
    async with shift.working():
        await trio.sleep(INTERVAL)
        failing, beside = await shift.job("purge"), await shift.job("collect")
        del shift.files.answers[ContinuePurges]
        await trio.sleep(INTERVAL)
        well = await shift.job("purge")

    assert (failing.state, failing.failures) == ("failing", 2)
    assert failing.error == "postgresql does not answer"
    assert (beside.state, beside.error) == ("idle", None)
    assert (well.state, well.failures, well.error) == ("idle", 0, None)
    assert well.failed is not None
    assert (well.failed.number, well.failed.error) == (2, "postgresql does not answer")


async def test_run_now_takes_one_turn_of_that_job_alone(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """It does not wait for its time, and the others do; it is told, and recorded before."""
    async with shift.working():
        started = await shift.run("collect")
        assert (started.turn, started.job.state) == (2, "waiting")
        await trio.sleep(1)
        job = await shift.job("collect")

    assert (job.turns, job.state, job.asked) == (2, "idle", job.last)
    assert job.asked is not None
    assert job.asked.began_at == after(1)
    assert job.next_at == after(INTERVAL)
    assert (shift.files.count(CollectBlobs), shift.files.count(ContinuePurges)) == (2, 1)
    (record,) = [one for one in shift.identity.asked if isinstance(one, RecordRun)]
    assert (record.name, record.job_id) == ("collect", job_id("collect"))


async def test_what_is_asked_while_it_runs_comes_after_and_once(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """A turn that began before was not asked for; two who ask get one turn, and none overlap."""
    shift.files.held = trio.Event()
    async with shift.working():
        assert (await shift.job("expire-uploads")).state == "running"
        turns = [(await shift.run("expire-uploads")).turn for _ in range(2)]
        assert turns == [2, 2]
        assert shift.files.count(ExpireUploads) == 1
        shift.files.held.set()
        await trio.sleep(1)
        job = await shift.job("expire-uploads")

    assert (job.turns, shift.files.count(ExpireUploads)) == (2, 2)
    assert job.asked is not None
    assert job.asked.number == 2


async def test_a_run_that_leaves_work_goes_on_soon(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """As after any turn: what is left is not left for a whole interval."""
    async with shift.working():
        shift.files.answers[CollectBlobs] = lambda: 1
        await shift.run("collect")
        await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        assert (await shift.job("collect")).next_at == after(2)


async def test_a_repeat_under_the_same_key_is_the_same_turn(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """Also when that has ended; but what another life recorded may not have been done."""
    async with shift.working():
        first = await shift.run("collect", "k")
        await trio.sleep(1)
        shift.identity.answers[RecordRun] = lambda: False
        again = await shift.run("collect", "k")
        assert (again.turn, again.job.state, again.job.turns) == (first.turn, "idle", 2)
        lost = await shift.run("collect", "of a life before")
        assert (lost.turn, lost.job.state) == (3, "waiting")


async def test_what_is_not_recorded_is_not_run(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """The record comes first, and its refusal is the answer."""
    caller = evolve(OPERATOR, idempotency=Idempotency("k", b""))
    async with shift.working():
        for refusal in (IdempotencyConflict(), Unavailable("postgresql")):
            shift.identity.answers[RecordRun] = lambda refusal=refusal: refusal
            assert await shift.room.handle(RunJob(caller, "collect")) == refusal
        await trio.sleep(1)
        assert (await shift.job("collect")).turns == 1


async def test_only_operators_learn_anything(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """An admin of a tenant is refused alike for what there is and what there is not."""
    admin = Caller(evolve(OPERATOR.principal, is_operator=False), OPERATOR.origin)
    async with shift.working():
        asked = [ListJobs(admin)]
        asked += [kind(admin, name) for kind in (GetJob, RunJob) for name in ("collect", "x")]
        for request in asked:
            assert await shift.room.handle(request) == Forbidden("operate the platform")
        assert shift.identity.asked == []
    assert (await shift.job("collect")).turns == 1


@pytest.mark.parametrize("name", ["x", "", "mail", "Collect"])
async def test_a_job_that_does_not_run_here_does_not_exist(
    shift: Shift, autojump_clock: trio.testing.MockClock, name: str
) -> None:
    """As that of the mail where no mail server is set; nothing is recorded."""
    async with shift.working():
        for kind in (GetJob, RunJob):
            assert await shift.room.handle(kind(OPERATOR, name)) == JobNotFound(name)
    assert shift.identity.asked == []


async def test_a_room_that_is_down_hides_only_what_waits(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """It is then that somebody looks here."""
    shift.files.answers[CountBacklog] = lambda: Unavailable("postgresql")
    shift.storage.answers[CountBacklog] = lambda: {"judge": Backlog(1, after(0))}
    async with shift.working():
        assert (await shift.job("collect")).backlog is None
        assert (await shift.job("judge")).backlog == Backlog(1, after(0))


async def test_a_worker_that_is_gone_is_missed(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """Until its next life takes a turn, which is the one that somebody asked for meanwhile."""
    async with shift.working():
        pass
    gone = await shift.job("collect")
    assert (gone.state, gone.worker, gone.next_at) == ("failing", None, None)
    assert "not running" in str(gone.error)
    assert (await shift.run("collect")).turn == 2

    shift.begin_again()
    async with shift.working():
        back = await shift.job("collect")
    assert (back.state, back.turns, back.asked) == ("idle", 2, back.last)


async def test_a_crash_is_told_by_its_kind_alone(
    shift: Shift, autojump_clock: trio.testing.MockClock
) -> None:
    """What an exception says may be about somebody's files."""

    def crash() -> None:
        raise ValueError("duplicate key (name)=(payroll.ods)")

    shift.files.answers[CollectBlobs] = crash
    with pytest.RaisesGroup(ValueError, flatten_subgroups=True):
        async with shift.working():
            pass
    job = await shift.job("collect")
    assert (job.state, job.error, job.failures) == ("failing", "ValueError", 1)
