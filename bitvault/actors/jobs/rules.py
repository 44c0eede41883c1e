"""Which jobs there are, and what is said of one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from attrs import field, frozen

from bitvault.actors.jobs.contract import Job, JobTurn
from bitvault.kernel.backlog import Backlog

_NAMESPACE = UUID("5d9c1c1e-6f0b-4b0e-9a52-0c3f4d1b7a10")
_ABSENT = "its worker is not running; it is being restarted, or has not started yet"


@frozen
class Kind:
    """A job: what it is there for, which room knows what waits for it, and by which word."""

    purpose: str
    room: str = ""
    """ "": nothing waits for it that could be counted."""
    word: str = ""


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


KINDS: Final[Mapping[str, Kind]] = {
    "relay": Kind("tells the consumers of new events", "letters", "relay"),
    "audit": Kind("writes the audit trail from the events", "letters", "audit"),
    "sharing": Kind("forgets grants and links on what was purged", "letters", "sharing"),
    "notifier": Kind("queues the mails that events call for", "letters", "notifier"),
    "mail": Kind("sends the mails that are queued", "notifier", "mails"),
    "doorbell": Kind("publishes how often passwords were guessed at"),
    "downloads": Kind("writes who downloaded what into the audit trail"),
    "erase-tenants": Kind(
        "erases tenants that left, when their time has come", "identity", "erasures"
    ),
    "expire-uploads": Kind("ends uploads that nobody finished in time", "files", "uploads"),
    "purge": Kind("removes what lies below purged folders", "files", "purges"),
    "collect": Kind("collects content that no version has any more", "files", "contents"),
    "judge": Kind("asks whether anybody needs what nobody claimed", "storage", "objects"),
    "delete-again": Kind("deletes what the object store could not delete", "storage", "deletions"),
    "forget-answers": Kind(
        "forgets answers and keys that were kept for repeated requests", "files", "answers"
    ),
    "forget-shares": Kind("forgets grants and links on nodes that went with a folder"),
}
"""Every job there may be, in the order of a list; a daemon without mail has no ``mail``."""

COUNTING: Final = tuple(dict.fromkeys(kind.room for kind in KINDS.values() if kind.room))
"""The rooms that are asked what waits."""


def job_id(name: str) -> UUID:
    """Return what stands for a job in the trail: the same everywhere and for ever."""
    return uuid5(_NAMESPACE, name)


def job_of(name: str, seen: Seen, backlog: Backlog | None) -> Job:
    """Say what is to be said of a job."""
    kind = KINDS[name]
    return Job(
        name=name,
        purpose=kind.purpose,
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


def rooms_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return which rooms know what waits for these jobs, each once."""
    return tuple(dict.fromkeys(KINDS[name].room for name in names if KINDS[name].room))


def backlog_of(name: str, counted: Mapping[str, Mapping[str, Backlog]]) -> Backlog | None:
    """Return what waits for a job, by what each room counted; None: nobody did."""
    kind = KINDS[name]
    return counted.get(kind.room, {}).get(kind.word)
