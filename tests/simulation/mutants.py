"""The right design, and five classic mistakes that the invariants have to catch."""

from collections.abc import Sequence
from typing import Any

import trio
from attrs import define, field, frozen

from bitvault.drivers.bus.port import Bus
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from bitvault.outbox import ConsumerLoop, Outbox, journal


@frozen
class Mutant:
    """No mistake; subclasses make one each."""

    name: str = "none"
    breaks: str = ""
    """The invariant, by its number, that must give it away."""
    keeps_keys: bool = True
    """Whether the client retries with the same Idempotency-Key."""
    store_checks: bool = True
    """Whether the store holds a PUT to its signed checksum."""

    def caught_by(self, broken: Sequence[str]) -> bool:
        """Return whether the invariant that it must break is among the broken ones."""
        return any(each.startswith(self.breaks) for each in broken)

    def outbox(self, outbox: Outbox, _database: Database) -> Any:
        """Return the outbox the rooms append to."""
        return outbox

    def consumer(self, sink: Any, database: Database, bus: Bus, clock: Any) -> ConsumerLoop:
        """Return the audit consumer's loop."""
        return ConsumerLoop(sink, database, bus, clock)


@frozen
class EventAfterCommit(Mutant):
    """The event is appended in a transaction of its own, after the change was committed."""

    def outbox(self, outbox: Outbox, database: Database) -> Any:
        """Return an outbox that is late."""
        return _LateOutbox(outbox, database)


@define(eq=False)
class _LateOutbox:
    inner: Outbox
    database: Database
    waiting: list[tuple[TenantId, Sequence[Event], Caller | None]] = field(factory=list)
    arrived: trio.Event = field(factory=trio.Event)

    async def append(
        self, tx: Transaction, tenant: TenantId, events: Sequence[Event], caller: Caller | None
    ) -> Position:
        """Promise to append, later."""

        def remember() -> None:
            self.waiting.append((tenant, events, caller))
            self.arrived.set()

        tx.after_commit(remember)
        return Position(self.inner.ids.uuid7(), len(events))

    async def drain(self) -> None:
        """Append what was promised."""
        while True:
            await self.arrived.wait()
            self.arrived = trio.Event()
            while self.waiting:
                tenant, events, caller = self.waiting.pop(0)

                async def work(tx: Transaction, what: Any = (tenant, events, caller)) -> Position:
                    return await self.inner.append(tx, *what)

                await self.database.transact(tenant, work)


@frozen
class AckBeforeEffect(Mutant):
    """The cursor moves in one transaction, the effect follows in another."""

    def consumer(self, sink: Any, database: Database, bus: Bus, clock: Any) -> ConsumerLoop:
        """Return a loop that acknowledges too early."""
        return _TwoSteps(sink, database, bus, clock, mark_first=True)


@frozen
class MarkOutside(Mutant):
    """The effect is committed, and the mark that it happened in another transaction after it."""

    def consumer(self, sink: Any, database: Database, bus: Bus, clock: Any) -> ConsumerLoop:
        """Return a loop that marks too late."""
        return _TwoSteps(sink, database, bus, clock, mark_first=False)


@define(eq=False)
class _TwoSteps(ConsumerLoop):
    mark_first: bool = field(default=False, kw_only=True)

    async def catch_up(self, tenant_id: TenantId) -> None:
        """Apply what is there, in two transactions an event."""
        name = self.consumer.name

        async def look(tx: Transaction) -> tuple[int, Any]:
            after = await journal.applied(tx, name, tenant_id)
            return after, await journal.events_after(tx, tenant_id, after, 1)

        while True:
            after, events = await self.database.read(tenant_id, look)
            if not events:
                return

            async def mark(tx: Transaction, after: int = after, seq: int = events[0].seq) -> None:
                await journal.advance(tx, name, tenant_id, after, seq)

            async def effect(tx: Transaction, event: Any = events[0]) -> None:
                await self.consumer.apply(tx, event)

            for step in (mark, effect) if self.mark_first else (effect, mark):
                await self.database.transact(tenant_id, step)


NONE = Mutant()
MUTANTS: Sequence[Mutant] = (
    Mutant("no idempotency key", "I23", keeps_keys=False),
    EventAfterCommit("event after commit", "I8 an event"),
    AckBeforeEffect("ack before effect", "I7"),
    MarkOutside("dedup mark outside the transaction", "I7"),
    Mutant("unsigned checksum", "I1 ", store_checks=False),
)
