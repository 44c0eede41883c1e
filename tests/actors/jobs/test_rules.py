"""Which state a job is in, and where what waits for it is counted."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from bitvault.actors.jobs.contract import STATES, JobTurn
from bitvault.actors.jobs.rules import (
    Seen,
    job_id,
    job_of,
)
from bitvault.services import SERVICES

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
    job = job_of("collect", "collects", seen, None)
    assert (job.state, job.state in STATES) == (state, True)
    assert job.error == error or (error is not None and error in str(job.error))


def test_a_job_has_an_id_of_its_own_for_ever() -> None:
    """The trail finds by it what was done years ago."""
    names = [job.name for each in SERVICES for job in each.jobs]
    assert len({job_id(name) for name in names}) == len(names)
    assert str(job_id("collect")) == "7038f9fb-f8de-5b9f-86bb-382cd4f52ffd"
