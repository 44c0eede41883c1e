"""What is said of a job."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid5

from attrs import field, frozen

from bitvault.actors.jobs.contract import Job, JobTurn
from bitvault.kernel.backlog import Backlog

_NAMESPACE = UUID("5d9c1c1e-6f0b-4b0e-9a52-0c3f4d1b7a10")
_ABSENT = "its worker is not running; it is being restarted, or has not started yet"


@frozen
class Seen:
    """A job as its worker tells of it."""

    worker: str | None = None
    is_wanted: bool = False
    """Asked for a turn that has not begun."""
    turns: int = 0
    failures: int = 0
    next_at: datetime | None = None
    last: JobTurn | None = None
    worked: JobTurn | None = None
    asked: JobTurn | None = None
    failed: JobTurn | None = None
    totals: Mapping[str, int] = field(factory=dict)


def job_id(name: str) -> UUID:
    """Return what stands for a job in the trail: the same everywhere and for ever."""
    return uuid5(_NAMESPACE, name)


def job_of(name: str, purpose: str, seen: Seen, backlog: Backlog | None) -> Job:
    """Say what is to be said of a job."""
    return Job(
        name=name,
        purpose=purpose,
        worker=seen.worker,
        state=_state_of(seen),
        error=_error_of(seen),
        turns=seen.turns,
        failures=seen.failures,
        next_at=seen.next_at,
        last=seen.last,
        worked=seen.worked,
        asked=seen.asked,
        failed=seen.failed,
        totals=seen.totals,
        backlog=backlog,
    )


def _state_of(seen: Seen) -> str:
    if seen.last is not None and seen.last.ended_at is None:
        return "running"
    if seen.is_wanted and seen.worker is not None:
        return "waiting"
    return "idle" if _error_of(seen) is None else "failing"


def _error_of(seen: Seen) -> str | None:
    if seen.failures and seen.failed is not None:
        return seen.failed.error
    return _ABSENT if seen.worker is None else None
