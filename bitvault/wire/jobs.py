"""What runs in the background, for the platform's operators."""

from typing import Annotated, Literal

from msgspec import Meta

from bitvault.wire.fields import Moment, ResponseShape

State = Literal["idle", "running", "waiting", "failing"]
Counts = Annotated[
    dict[str, int], Meta(description="How much of what, under the names that /v1/status has.")
]


class JobTurn(ResponseShape, frozen=True, kw_only=True):
    """One turn of a job; ``endedAt`` is null while it is under way."""

    number: Annotated[int, Meta(description="1 for the first since the server's start.")]
    began_at: Moment
    ended_at: Moment | None
    seconds: float
    did: Counts
    error: Annotated[str | None, Meta(description="Why it failed; null when it did not.")]


class Backlog(ResponseShape, frozen=True, kw_only=True):
    """What waits for a job, over all tenants; counts end at 10,000 rows."""

    waiting: int
    since: Annotated[Moment | None, Meta(description="When the first became due.")]
    given_up: Annotated[int, Meta(description="Dead letters: what somebody has to see to.")]


class Job(ResponseShape, frozen=True, kw_only=True):
    """A job that is done again and again.

    All but ``backlog`` is of this process, and begins anew when the server does.
    """

    name: str
    purpose: str
    worker: Annotated[
        str | None, Meta(description="Who does it: a path in /v1/status; null: not there now.")
    ]
    state: Annotated[
        State,
        Meta(
            description=(
                "running; waiting: a turn was asked for and has not begun; failing: the last turn "
                "failed, or there is no worker; idle: none of these."
            )
        ),
    ]
    error: Annotated[str | None, Meta(description="Why it is failing; null when it is not.")]
    turns: Annotated[int, Meta(description="How many have ended.")]
    failures: Annotated[int, Meta(description="How many failed in a row, up to the last.")]
    next_at: Annotated[Moment | None, Meta(description="The next turn, if nobody asks for one.")]
    last: Annotated[JobTurn | None, Meta(description="The latest turn.")]
    worked: Annotated[JobTurn | None, Meta(description="The latest that did something.")]
    asked: Annotated[JobTurn | None, Meta(description="The latest that an operator asked for.")]
    failed: Annotated[JobTurn | None, Meta(description="The latest that failed.")]
    totals: Counts
    backlog: Annotated[
        Backlog | None, Meta(description="null: there is none to count, or not now.")
    ]


class RunStarted(ResponseShape, frozen=True, kw_only=True):
    """A job that was asked for a turn, which has ended when the job's ``turns`` is ``turn``."""

    job: Job
    turn: int
