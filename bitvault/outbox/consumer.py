"""The consumer base: cursor and effect in one transaction, so every effect happens once.

Hints come from the bus; what is applied always comes from the outbox, in order, from the cursor
on. A duplicate hint finds nothing to do, a lost one is healed by the sweep (reliability §4.2).

Error handling: a dependency that is down pauses the consumer and counts no attempt. Any other
exception out of ``apply_many`` is a failure of an event: which one it is, giving them one at a time
tells. That one is tried again, later each time, and after ``attempts`` tries it goes to the dead
letters. Later events of its aggregate then wait behind it; everything else flows.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import structlog
import trio
from attrs import Factory, define, field, frozen

from bitvault.drivers.bus.port import Bus, Subscription
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event, Recorded
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import journal
from bitvault.outbox.coding import Classes, classes_of
from bitvault.outbox.journal import Stored
from bitvault.outbox.lag import LagGauge
from bitvault.outbox.lease import Lease
from bitvault.outbox.wakeup import Wakeups, pause, sweep_at_stop
from supervisors import Child, ChildSpec, Turn, Turns

_SLICE = 200
_EVERYTHING = ("*",)
"""A cursor passes every event of a tenant: a consumer that was told of some of them only would be
behind until its next sweep whenever another was the last."""
_MOST_TENANTS = 1000
_LONGEST_RETRY = 300.0
_BEHIND = "waits behind an earlier event of its aggregate"


class EventsGone(Exception):  # noqa: N818 - a state of the world
    """What a consumer would have to apply next is not kept any more."""

    def __init__(self, tenant_id: TenantId, after: int, first: int) -> None:
        """Say what there still is."""
        super().__init__(f"tenant {tenant_id}: after {after} the first event kept is {first}")


class Consumer(Protocol):
    """A service's reaction to events: it writes with the transaction it is given, only."""

    @property
    def name(self) -> str:
        """Return the name its cursor has."""
        ...

    @property
    def events(self) -> Collection[type[Event]]:
        """Return the events it acts on: it is given no others."""
        ...

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Take the effects of events of one tenant, in their order: of all, or raise."""
        ...


@frozen
class _Failing:
    """The event a tenant's cursor stands before, because it cannot be applied."""

    seq: int
    tries: int
    error: str
    retry_at: float


@define
class _Slice:
    """What one transaction did, and the events it was at when it failed."""

    trying: Sequence[Stored] = ()
    reached: int = 0
    applied: int = 0
    parked: int = 0
    full: bool = False


@define(eq=False)
class ConsumerLoop:
    """Runs one consumer, strictly serial."""

    consumer: Consumer
    database: Database
    bus: Bus
    clock: Clock
    sweep_seconds: float = 1.0
    attempts: int = 5
    retry_seconds: float = 0.25
    """Before the second try of an event; doubles from try to try."""
    lease: Lease | None = None
    """None: there is no other daemon."""
    turns: Turns = Factory(lambda self: Turns(self.consumer.name), takes_self=True)
    applied: int = field(default=0, init=False)
    parked: int = field(default=0, init=False)
    _wakeups: Wakeups = field(factory=Wakeups, init=False)
    _gauge: LagGauge = field(init=False)
    _failing: dict[TenantId, _Failing] = field(factory=dict, init=False)
    _singly: dict[TenantId, int] = field(factory=dict, init=False)
    """Up to which seq events are given one at a time, because one of them cannot be applied."""
    _gone: set[TenantId] = field(factory=set, init=False)
    """Of whom what comes next is not kept any more."""
    _classes: Classes = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Measure the lag as often as the sweep looks for what was missed."""
        name, self._classes = self.consumer.name, classes_of(self.consumer.events)
        self._gauge = LagGauge(name, self.database, self.clock, self.sweep_seconds)

    async def run(self, child: Child) -> None:
        """Apply events until asked to stop."""
        child.statistics = self.statistics
        subscription = self.bus.subscribe(self.consumer.name, _EVERYTHING)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, subscription)
                nursery.start_soon(sweep_at_stop, child, self._wakeups)
                nursery.start_soon(self._gauge.watch)
                child.started()
                with self.turns.taken_by(child, self._wakeups.sweep):
                    await self._work(child)
                if self.lease is not None:
                    await self.lease.release()
                nursery.cancel_scope.cancel()
        finally:
            subscription.close()

    def statistics(self) -> dict[str, int | float]:
        """Return what this life did, tenants held up by a failure, and how far it is behind."""
        done = {"applied": self.applied, "parked": self.parked, "failing": len(self._failing)}
        return {**done, **self._gauge.statistics()}

    async def _listen(self, subscription: Subscription) -> None:
        while True:
            hint = await subscription.receive()
            if hint is None:
                self._wakeups.sweep()
            else:
                self._wakeups.add(hint.tenant_id)

    async def _work(self, child: Child) -> None:
        failures = 0
        while not child.stopping.is_set():
            self.turns.due = trio.current_time() + self.sweep_seconds
            named = await self._wakeups.wait(self.sweep_seconds)
            if await self._turn(child, named):
                failures = 0
                continue
            self._wakeups.sweep()
            await pause(child, failures)
            failures += 1

    async def _turn(self, child: Child, named: Sequence[TenantId]) -> bool:
        """Go through tenants; return whether all that it takes was there."""
        with self.turns.turn() as turn:
            before = self.applied, self.parked
            try:
                if self.lease is None or await self.lease.hold():
                    await self._round(child, named or await self._behind())
                self._tell_failing(turn)
            except DependencyDown as down:
                log = structlog.get_logger("consumer")
                log.warning("paused", consumer=self.consumer.name, dependency=down.dependency)
                turn.fail(f"{down.dependency} does not answer")
                return False
            finally:
                turn.count("applied", self.applied - before[0])
                turn.count("parked", self.parked - before[1])
        return True

    def _tell_failing(self, turn: Turn) -> None:
        """Tell of events that fail by the type of the error: its text may be about content."""
        if self._gone:
            what = "events that it has not applied are not kept any more; it has to be rebuilt"
            turn.fail(f"{what}; tenants: {len(self._gone)}")
        if self._failing:
            types = sorted({one.error.partition(":")[0] for one in self._failing.values()})
            waiting = f"tenants that wait for it: {len(self._failing)}"
            turn.fail(f"an event fails ({', '.join(types)}); {waiting}")

    async def _round(self, child: Child, tenants: Sequence[TenantId]) -> None:
        for tenant_id in tenants:
            if child.stopping.is_set():
                return
            try:
                await self.catch_up(tenant_id)
                self._gone.discard(tenant_id)
            except EventsGone as gone:
                self._gone.add(tenant_id)
                structlog.get_logger("consumer").error(
                    "has to be rebuilt", consumer=self.consumer.name, reason=str(gone)
                )

    async def _behind(self) -> tuple[TenantId, ...]:
        async def work(tx: Transaction) -> tuple[TenantId, ...]:
            return await journal.tenants_behind(tx, self.consumer.name, _MOST_TENANTS)

        return await self.database.read(None, work)

    async def catch_up(self, tenant_id: TenantId) -> None:
        """Apply what is there now of a tenant, up to an event whose retry is not due yet."""
        more = True
        while more:
            failing = self._failing.get(tenant_id)
            if failing is not None and trio.current_time() < failing.retry_at:
                return
            more = await self._slice(tenant_id, failing)

    async def _slice(self, tenant_id: TenantId, failing: _Failing | None) -> bool:
        """Apply some events in one transaction; return whether there may be more."""
        done = _Slice()

        async def work(tx: Transaction) -> _Slice:
            nonlocal done
            done = _Slice()
            await self._advance(tx, tenant_id, failing, done)
            return done

        try:
            await self.database.transact(tenant_id, work)
        except DependencyDown:
            raise
        except Exception as error:
            if not done.trying:
                raise
            self._failed(done.trying, error)
            return True
        self.applied += done.applied
        self.parked += done.parked
        if failing is not None and failing.seq <= done.reached:
            self._failing.pop(tenant_id, None)
        if self._singly.get(tenant_id, 0) <= done.reached:
            self._singly.pop(tenant_id, None)
        return done.full

    async def _advance(
        self, tx: Transaction, tenant_id: TenantId, failing: _Failing | None, done: _Slice
    ) -> None:
        after = await journal.applied(tx, self.consumer.name, tenant_id)
        most = min(_SLICE, max(1, failing.seq - after - 1)) if failing else _SLICE
        events = await journal.events_after(tx, tenant_id, after, most)
        if not events:
            return
        if events[0].seq != after + 1:
            raise EventsGone(tenant_id, after, events[0].seq)
        # The cursor's row lock comes first: it keeps out a second loop, and a replay.
        last = events[-1].seq
        if not await journal.advance(tx, self.consumer.name, tenant_id, after, last):
            return
        await self._apply(tx, events, failing, done)
        done.reached, done.full = last, len(events) == most

    async def _apply(
        self, tx: Transaction, events: Sequence[Stored], failing: _Failing | None, done: _Slice
    ) -> None:
        for batch in self._batches(await self._ready(tx, events, failing, done)):
            done.trying = batch
            told = [event.decoded(self._classes) for event in batch]
            await self.consumer.apply_many(tx, told)
            done.trying = ()
            done.applied += len(batch)

    async def _ready(
        self, tx: Transaction, events: Sequence[Stored], failing: _Failing | None, done: _Slice
    ) -> Sequence[Stored]:
        """Park what was given up and what waits behind it; return what is to be applied."""
        mine, ready = [event for event in events if event.kind in self._classes], []
        waiting = await journal.parked(tx, self.consumer.name, mine)
        for event in mine:
            given_up = self._given_up(event, failing)
            if given_up or event.aggregate_id in waiting:
                waiting |= {event.aggregate_id}
                await self._park(tx, event, given_up)
                done.parked += 1
            else:
                ready.append(event)
        return ready

    def _batches(self, ready: Sequence[Stored]) -> Sequence[Sequence[Stored]]:
        if ready and ready[0].seq <= self._singly.get(ready[0].tenant_id, 0):
            return [[event] for event in ready]
        return [ready] if ready else []

    def _given_up(self, event: Stored, failing: _Failing | None) -> _Failing | None:
        gone = failing and failing.seq == event.seq and failing.tries >= self.attempts
        return failing if gone else None

    def _failed(self, tried: Sequence[Stored], error: Exception) -> None:
        event, last = tried[0], tried[-1]
        if event is not last:
            self._singly[event.tenant_id] = last.seq
            return
        before = self._failing.get(event.tenant_id)
        tries = before.tries + 1 if before and before.seq == event.seq else 1
        wait = min(self.retry_seconds * 2.0 ** (tries - 1), _LONGEST_RETRY)
        what = f"{type(error).__name__}: {error}"
        failing = _Failing(event.seq, tries, what, trio.current_time() + wait)
        self._failing[event.tenant_id] = failing
        structlog.get_logger("consumer").error(
            "event failed",
            consumer=self.consumer.name,
            tenant=str(event.tenant_id),
            seq=event.seq,
            kind=event.kind,
            attempt=tries,
            error=what,
        )

    async def _park(self, tx: Transaction, event: Stored, failing: _Failing | None) -> None:
        await journal.park(
            tx,
            self.consumer.name,
            event,
            attempts=failing.tries if failing else 0,
            error=failing.error if failing else _BEHIND,
            now=self.clock.now(),
        )


def consumer_child(loop: ConsumerLoop) -> ChildSpec:
    """Describe a consumer as a child, named after it."""
    return ChildSpec(loop.consumer.name, loop.run)
