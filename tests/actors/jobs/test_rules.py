"""Which state a job is in, and where what waits for it is counted."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from bitvault.actors.jobs.contract import STATES, JobTurn
from bitvault.actors.jobs.rules import (
    COUNTING,
    KINDS,
    Seen,
    backlog_of,
    job_id,
    job_of,
    rooms_of,
)
from bitvault.kernel.backlog import Backlog

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ENDED = JobTurn(3, NOW, NOW, 0.5, {}, None)
RUNNING = evolve(ENDED, ended_at=None)
FAILED = evolve(ENDED, error="files does not answer")


@pytest.mark.parametrize(
    ("seen", "state", "error"),
    [
        (Seen("w"), "idle", None),
        (Seen("w", last=ENDED), "idle", None),
        (Seen("w", last=RUNNING), "running", None),
        (Seen("w", is_wanted=True, last=RUNNING), "running", None),
        (Seen("w", is_wanted=True, last=ENDED), "waiting", None),
        (Seen("w", failures=2, last=FAILED, failed=FAILED), "failing", FAILED.error),
        (Seen("w", failures=2, last=RUNNING, failed=FAILED), "running", FAILED.error),
        (Seen("w", is_wanted=True, failures=1, failed=FAILED), "waiting", FAILED.error),
        (Seen("w", last=ENDED, failed=FAILED), "idle", None),
        (Seen(None, last=ENDED), "failing", "not running"),
        (Seen(None, is_wanted=True, last=ENDED), "failing", "not running"),
        (Seen(None, failures=1, last=FAILED, failed=FAILED), "failing", FAILED.error),
    ],
)
def test_the_state_of_a_job(seen: Seen, state: str, error: str | None) -> None:
    """What happens now goes before what is wanted, and that before what went wrong."""
    job = job_of("collect", seen, None)
    assert (job.state, job.state in STATES) == (state, True)
    assert job.error == error or (error is not None and error in str(job.error))


def test_every_room_is_asked_once() -> None:
    """A room counts for all jobs that are concerned with it."""
    assert rooms_of(["purge", "collect", "judge", "doorbell"]) == ("files", "storage")
    assert set(COUNTING) == {"letters", "notifier", "identity", "files", "storage"}


def test_what_nobody_counted_is_unknown() -> None:
    """Nothing is not the same as none."""
    counted = {"files": {"purges": Backlog(0)}}
    assert backlog_of("purge", counted) == Backlog(0)
    assert backlog_of("collect", counted) is None
    assert backlog_of("judge", counted) is None
    assert backlog_of("doorbell", counted) is None


def test_a_job_has_an_id_of_its_own_for_ever() -> None:
    """The trail finds by it what was done years ago."""
    assert len({job_id(name) for name in KINDS}) == len(KINDS)
    assert str(job_id("collect")) == "7038f9fb-f8de-5b9f-86bb-382cd4f52ffd"
