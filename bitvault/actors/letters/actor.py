"""Shows dead letters, and has them applied again by the consumers they belong to.

How far these have come is asked of this room too, which alone knows them.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from attrs import asdict, define, field

from bitvault.actors.letters.contract import (
    DeadLetter,
    ListDeadLetters,
    PruneEvents,
    Replay,
    ReplayDeadLetters,
    StillFailing,
)
from bitvault.actors.room import Room
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.clock import Clock, SystemClock
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.paging import Page, decode_cursor, encode_cursor, id_in, page_of, page_size
from bitvault.kernel.principal import Caller, admin_of
from bitvault.kernel.refusal import Invalid, Refused
from bitvault.outbox import (
    RELAY,
    Consumer,
    Letter,
    Replayed,
    erase_events,
    lag,
    letters_after,
    next_aggregate,
    prune,
    replay,
)
from supervisors import handles

_MOST_EVENTS = 1000
_MOST_AGGREGATES = 100
_FIRST = UUID(int=0)
_Target = tuple[str, UUID]
"""A consumer's name and an aggregate."""


@define
class _Work:
    """How far one request has come."""

    place: _Target
    """The last aggregate that is done with."""
    applied: int = 0
    aggregates: int = 0
    failing: list[StillFailing] = field(factory=list)
    unfinished: _Target | None = None

    @property
    def is_enough(self) -> bool:
        """Say whether the rest is for the next request."""
        return self.applied >= _MOST_EVENTS or self.aggregates >= _MOST_AGGREGATES

    def note(self, target: _Target, done: Replayed) -> None:
        """Take down what became of a slice."""
        self.applied += done.applied
        self.unfinished = target if done.more else None
        if done.more:
            return
        self.place, self.aggregates = target, self.aggregates + 1
        if done.failed is not None:
            self.failing.append(StillFailing(*target, done.failed.seq, done.error))


@define(eq=False)
class Letters(Room):
    """For tenant admins; ``consumers`` are those of this daemon, by name."""

    database: Database
    consumers: Mapping[str, Consumer]
    clock: Clock = field(factory=SystemClock)
    kept: timedelta = timedelta(days=60)
    """How long events stay that every consumer has passed."""

    @handles(ListDeadLetters)
    async def list_dead_letters(self, request: ListDeadLetters) -> Page[DeadLetter]:
        """List them by consumer and seq."""
        admin_of(request.caller, "read dead letters")
        names, limit = self._wanted(request.consumer), page_size(request.limit)
        after: Any = ("", 0)
        if request.cursor is not None:
            after = tuple(decode_cursor(request.cursor, [str, int]))

        async def work(tx: Transaction) -> tuple[Letter, ...]:
            return await letters_after(tx, request.caller.tenant_id, names, after, limit + 1)

        found = await self.database.read(request.caller.tenant_id, work)
        keys = [(letter.consumer, letter.seq) for letter in found]
        return page_of([_shown(letter) for letter in found], limit, keys)

    @handles(ReplayDeadLetters)
    async def replay_dead_letters(self, request: ReplayDeadLetters) -> Replay:
        """Apply them again, aggregate by aggregate."""
        admin_of(request.caller, "replay dead letters")
        names, work = self._wanted(request.consumer), _Work(place=_place(request.cursor))
        while not work.is_enough:
            target = work.unfinished or await self._next(request, names, work.place)
            if target is None:
                return Replay(work.applied, tuple(work.failing), None)
            consumer = self.consumers[target[0]]
            tenant_id = request.caller.tenant_id
            work.note(target, await replay(self.database, consumer, tenant_id, target[1]))
        name, last = work.place
        return Replay(work.applied, tuple(work.failing), encode_cursor([name, str(last)]))

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete the events of a tenant that is leaving, read and unread."""
        tenant_id, limit = request.tenant_id, request.limit

        async def work(tx: Transaction) -> int:
            return await erase_events(tx, tenant_id, limit)

        gone = await self.database.transact(tenant_id, work)
        return Erased(gone, not gone)

    @handles(PruneEvents)
    async def prune_events(self, request: PruneEvents) -> int:
        """Delete a slice of what is old and needed by nobody."""
        before = self.clock.now() - self.kept
        return await prune(self.database, [RELAY, *self.consumers], before, request.limit)

    @handles(CountBacklog)
    async def count_backlog(self, _: CountBacklog) -> Mapping[str, Backlog]:
        """Count the events that the relay and each consumer are behind, and dead letters."""
        names, now = [RELAY, *self.consumers], self.clock.now()
        behind = await self.database.read(None, lambda tx: lag(tx, names, now))
        return {one.consumer: Backlog(one.events, one.since, one.dead) for one in behind}

    async def _next(
        self, request: ReplayDeadLetters, names: Sequence[str], place: _Target
    ) -> _Target | None:
        """Return what is to be tried after the place."""
        for name in names:
            if request.aggregate_id is not None:
                if name > place[0]:
                    return name, request.aggregate_id
                continue
            after = place[1] if name == place[0] else _FIRST
            found = await self._next_of(request.caller, name, after) if name >= place[0] else None
            if found is not None:
                return name, found
        return None

    async def _next_of(self, caller: Caller, name: str, after: UUID) -> UUID | None:
        return await next_aggregate(self.database, name, caller.tenant_id, after)

    def _wanted(self, consumer: str | None) -> list[str]:
        names = sorted(self.consumers)
        if consumer is None:
            return names
        if consumer not in self.consumers:
            raise Refused(Invalid("consumer", f"must be one of {', '.join(names)}"))
        return [consumer]


def _shown(letter: Letter) -> DeadLetter:
    members = asdict(letter)
    return DeadLetter(since=members.pop("parked_at"), **members)


def _place(cursor: str | None) -> _Target:
    if cursor is None:
        return ("", _FIRST)
    name, last = decode_cursor(cursor, [str, str])
    return str(name), id_in(last)
