"""The consumer base: cursor and effect in one transaction, so every effect happens once.

Hints come from the bus; what is applied always comes from the outbox, in order, from the cursor
on. A duplicate hint finds nothing to do, a lost one is healed by the sweep (reliability §4.2).

Error handling: a dependency that is down pauses the consumer and counts no attempt. Any other
exception is a deterministic failure of that event: after ``attempts`` tries it goes to the dead
letters, later events of its aggregate wait behind it, everything else flows.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog
import trio
from attrs import define, field

from bitvault.drivers.bus.port import Bus
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Recorded
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import journal
from bitvault.outbox.wakeup import Wakeups
from supervisors import Child, ChildSpec

_SLICE = 200
_MOST_TENANTS = 1000


class Consumer(Protocol):
    """A room's reaction to events. ``apply`` writes with the transaction it is given, only."""

    name: str
    subjects: Sequence[str]

    async def apply(self, tx: Transaction, event: Recorded) -> None:
        """Take the effect of one event."""
        ...


class _Poison(Exception):  # noqa: N818 - names the event, not an error of ours
    """Carries the event that failed out of the slice it was in."""

    def __init__(self, event: Recorded) -> None:
        super().__init__(f"{event.kind} {event.seq}")
        self.event = event


@define(eq=False)
class ConsumerLoop:
    """Runs one consumer, strictly serial per tenant."""

    consumer: Consumer
    database: Database
    bus: Bus
    clock: Clock
    sweep_seconds: float = 1.0
    attempts: int = 5
    _wakeups: Wakeups = field(factory=Wakeups, init=False)
    applied: int = field(default=0, init=False)
    dead: int = field(default=0, init=False)
    _failures: dict[tuple[TenantId, int], int] = field(factory=dict, init=False)
    _errors: dict[tuple[TenantId, int], str] = field(factory=dict, init=False)

    async def run(self, child: Child) -> None:
        """Apply events until asked to stop."""
        child.statistics = self.statistics
        subscription = self.bus.subscribe(self.consumer.name, self.consumer.subjects)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, subscription.receive)
                child.started()
                await self._work(child)
                nursery.cancel_scope.cancel()
        finally:
            subscription.close()

    def statistics(self) -> dict[str, int]:
        """Return how many events this life applied and parked."""
        return {"applied": self.applied, "parked": self.dead}

    async def _listen(self, receive: Callable[[], Awaitable[Recorded | None]]) -> None:
        while True:
            event = await receive()
            if event is not None:
                self._wakeups.add(event.tenant_id)

    async def _work(self, child: Child) -> None:
        named = await self._behind_or_none()
        while not child.stopping.is_set():
            try:
                for tenant_id in named or await self._behind():
                    await self.catch_up(tenant_id)
            except DependencyDown as down:
                structlog.get_logger("consumer").warning(
                    "paused", consumer=self.consumer.name, dependency=down.dependency
                )
            named = await self._wakeups.wait(self.sweep_seconds)

    async def _behind_or_none(self) -> tuple[TenantId, ...]:
        try:
            return await self._behind()
        except DependencyDown:
            return ()

    async def _behind(self) -> tuple[TenantId, ...]:
        async def work(tx: Transaction) -> tuple[TenantId, ...]:
            return await journal.tenants_behind(tx, self.consumer.name, _MOST_TENANTS)

        return await self.database.read(None, work)

    async def catch_up(self, tenant_id: TenantId) -> None:
        """Apply everything of a tenant that is there now."""
        most = _SLICE
        while True:
            try:
                count = await self._slice(tenant_id, most)
            except _Poison as poison:
                most = 1
                await self._failed(poison)
                continue
            if count < most:
                if most == _SLICE:
                    return
                most = _SLICE

    async def _slice(self, tenant_id: TenantId, most: int) -> int:
        async def work(tx: Transaction) -> int:
            after = await journal.applied(tx, self.consumer.name, tenant_id)
            events = await journal.events_after(tx, tenant_id, after, most)
            if events and not await journal.advance(
                tx, self.consumer.name, tenant_id, after, events[-1].seq
            ):
                return 0
            await self._apply(tx, tenant_id, events)
            return len(events)

        count = await self.database.transact(tenant_id, work)
        self.applied += count
        return count

    async def _apply(
        self, tx: Transaction, tenant_id: TenantId, events: Sequence[Recorded]
    ) -> None:
        mine = [event for event in events if self._wants(event)]
        if not mine:
            return
        waiting = await journal.parked(
            tx, self.consumer.name, tenant_id, [event.aggregate_id for event in mine]
        )
        for event in mine:
            if event.aggregate_id in waiting or self._given_up(event):
                waiting |= {event.aggregate_id}
                await self._park(tx, event)
            else:
                await self._apply_one(tx, event)

    async def _apply_one(self, tx: Transaction, event: Recorded) -> None:
        try:
            await self.consumer.apply(tx, event)
        except DependencyDown:
            raise
        except Exception as error:
            raise _Poison(event) from error

    def _wants(self, event: Recorded) -> bool:
        return any(
            event.kind == subject or event.kind.startswith(subject.removesuffix("*"))
            for subject in self.consumer.subjects
        )

    def _given_up(self, event: Recorded) -> bool:
        return self._failures.get((event.tenant_id, event.seq), 0) >= self.attempts

    async def _failed(self, poison: _Poison) -> None:
        event, cause = poison.event, poison.__cause__
        key = (event.tenant_id, event.seq)
        tries = self._failures[key] = self._failures.get(key, 0) + 1
        structlog.get_logger("consumer").error(
            "event failed",
            consumer=self.consumer.name,
            kind=event.kind,
            seq=event.seq,
            attempt=tries,
            error=repr(cause),
        )
        self._errors[key] = f"{type(cause).__name__}: {cause}"
        if tries < self.attempts:
            await trio.sleep(min(0.05 * 2**tries, 30.0))

    async def _park(self, tx: Transaction, event: Recorded) -> None:
        key = (event.tenant_id, event.seq)
        await journal.park(
            tx,
            self.consumer.name,
            event,
            attempts=self._failures.get(key, 0),
            error=self._errors.get(key, "waits behind an earlier event of its aggregate"),
            now=self.clock.now(),
        )
        self.dead += 1

    async def replay(self, tenant_id: TenantId, aggregate_id: UUID) -> int:
        """Apply an aggregate's dead letters again, in order; return how many there were."""

        async def work(tx: Transaction) -> int:
            events = await journal.parked_events(tx, self.consumer.name, tenant_id, aggregate_id)
            for event in events:
                await self.consumer.apply(tx, event)
                await journal.unpark(tx, self.consumer.name, event)
            return len(events)

        return await self.database.transact(tenant_id, work)


def consumer_child(loop: ConsumerLoop) -> ChildSpec:
    """Describe a consumer as a child, named after it."""
    return ChildSpec(loop.consumer.name, loop.run)
