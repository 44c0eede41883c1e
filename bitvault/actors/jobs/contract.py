"""What runs in the background, for operators.

Whatever is said of turns is of the present process; what waits comes from the database. It is how
much, how old and what stands in the way, over all tenants, and never whose.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

from attrs import field, frozen

from bitvault.kernel.backlog import Backlog
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Category, Forbidden, IdempotencyConflict, Refusal
from bitvault.kernel.request import Request

STATES: Final = ("idle", "running", "waiting", "failing")


@frozen
class JobTurn:
    """One turn of a job."""

    number: int
    """1 for the first of the process."""
    began_at: datetime
    ended_at: datetime | None
    """None: it is under way."""
    seconds: float
    """How long it took, or has taken until now."""
    did: Mapping[str, int]
    """How much of what, under the names that /v1/status has."""
    error: str | None
    """Why it failed; None when it did not."""


@frozen
class Job:
    """A job that is done again and again."""

    name: str
    purpose: str
    worker: str | None
    """The path of the child that does it, in /v1/status; None: it is not there."""
    state: str
    """``running``; ``waiting``: asked to take a turn, which has not begun; ``failing``: the last
    turn failed, or the worker is not there; ``idle``: none of these."""
    error: str | None
    """Why it is failing, also while it tries again; None when it is not."""
    turns: int
    """How many have ended."""
    failures: int
    """How many failed in a row, up to the last that ended."""
    next_at: datetime | None
    """When the next turn is, at the latest, if nobody asks."""
    last: JobTurn | None
    """The latest turn; it may not have ended."""
    worked: JobTurn | None
    """The latest that did something."""
    asked: JobTurn | None
    """The latest that an operator asked for."""
    failed: JobTurn | None
    """The latest that failed."""
    totals: Mapping[str, int] = field(factory=dict)
    """What all turns did."""
    backlog: Backlog | None = None
    """None: the job has none, or it cannot be counted now."""


@frozen
class JobNotFound(Refusal):
    """No such job runs here."""

    code: ClassVar[str] = "job_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    name: str

    @property
    def detail(self) -> str:
        """Say where to look."""
        return f"There is no job {self.name!r}; list them with GET /v1/admin/jobs."


@frozen
class ListJobs(Request[tuple[Job, ...], Forbidden]):
    """List all jobs of this daemon; for operators."""

    caller: Caller


@frozen
class GetJob(Request[Job, JobNotFound | Forbidden]):
    """Describe a job; for operators."""

    caller: Caller
    name: str


@frozen
class RunStarted:
    """A job that was asked to take a turn."""

    job: Job
    turn: int
    """The number of the turn that it takes because of that, or took, if it is a repeat."""


@frozen
class RunJob(Request[RunStarted, JobNotFound | Forbidden | IdempotencyConflict]):
    """Have a job take a turn now; for operators, and in their trail.

    It takes turns one after the other: one under way is ended first, and however many ask before
    the next begins get that one.
    """

    caller: Caller
    name: str


TAGS: Final[Mapping[str, type]] = {
    "get_job": GetJob,
    "job": Job,
    "list_jobs": ListJobs,
    "run_job": RunJob,
    "run_started": RunStarted,
}
"""What each message is called when it travels; a tag stays, whatever the class is called."""
