"""Dead letters, for the admins of a tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Never
from uuid import UUID

from attrs import frozen

from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request


@frozen
class DeadLetter:
    """An event without its effect, because that failed, or because an earlier one's did."""

    consumer: str
    seq: int
    """Its place in the tenant's event sequence."""
    event_id: UUID
    kind: str
    aggregate_id: UUID
    attempts: int
    """0: never tried, it waits behind an earlier event of its aggregate."""
    error: str
    since: datetime


@frozen
class ListDeadLetters(Request[Page[DeadLetter], Invalid | Forbidden]):
    """List the tenant's dead letters by consumer and seq; of one consumer, if given."""

    caller: Caller
    consumer: str | None = None
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class StillFailing:
    """An aggregate whose letters stay, because this one failed again."""

    consumer: str
    aggregate_id: UUID
    seq: int
    error: str


@frozen
class Replay:
    """What was applied; ``next_cursor`` is None when every aggregate asked for was tried."""

    applied: int
    failing: tuple[StillFailing, ...]
    next_cursor: str | None


@frozen
class ReplayDeadLetters(Request[Replay, Invalid | Forbidden]):
    """Apply dead letters again, in order: of one consumer, of one aggregate, or all.

    Does a bounded piece of work; the rest is asked for with the cursor. A repeat finds nothing left
    to do.
    """

    caller: Caller
    consumer: str | None = None
    aggregate_id: UUID | None = None
    cursor: str | None = None


@frozen
class PruneEvents(Request[int, Never]):
    """Delete events that every consumer has passed and that are older than they are kept.

    Answers how many went, at most ``limit``.
    """

    limit: int


TAGS: Final[Mapping[str, type]] = {
    "list_dead_letters": ListDeadLetters,
    "prune_events": PruneEvents,
    "replay": Replay,
    "replay_dead_letters": ReplayDeadLetters,
}
"""What each message is called when it travels; a tag stays, whatever the class is called."""
