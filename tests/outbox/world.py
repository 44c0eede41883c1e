"""A small outbox world: events of two kinds, a consumer that keeps rows, a seeded clock."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from attrs import define, field, frozen

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.postgres.port import Database, Query, Transaction
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.events import Event, Position, Recorded
from bitvault.kernel.ids import SystemIds, TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import ConsumerLoop, Outbox, Wakeups, journal
from bitvault.outbox.journal import Stored

IDS = SystemIds()
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NODE_A, NODE_B = UUID(int=0xA), UUID(int=0xB)
TAKE_EFFECT = Query(
    "take_effect",
    "INSERT INTO outbox.dead_letter (consumer, tenant_id, seq, aggregate_id, attempts, error,"
    " parked_at) VALUES ('effect', $1, $2, $3, 0, '', now())",
    ("tenant_id", "seq", "aggregate_id"),
)
EFFECTS = Query(
    "effects",
    "SELECT seq FROM outbox.dead_letter WHERE consumer = 'effect' AND tenant_id = $1 ORDER BY seq",
    ("tenant_id",),
)


@frozen
class NodeTouched(Event):
    """A test event of the ``node`` subject."""

    kind: ClassVar[str] = "node.touched"
    name: str = "n"
    at: datetime = NOW
    parent: UUID | None = None


@frozen
class BlobTouched(Event):
    """A test event of a subject nobody here wants."""

    kind: ClassVar[str] = "blob.touched"


def new_tenant() -> TenantId:
    """Return a tenant nobody knows yet."""
    return TenantId(IDS.uuid7())


def new_outbox() -> Outbox:
    """Return an outbox of its own process, so to speak."""
    return Outbox(IDS, SystemClock(), Wakeups())


async def emit(database: Database, tenant: TenantId, *events: Event) -> Position:
    """Append events in a transaction of their own."""

    async def work(tx: Transaction) -> Position:
        return await new_outbox().append(tx, tenant, events, None)

    return await database.transact(tenant, work)


async def stored(database: Database, tenant: TenantId) -> list[Stored]:
    """Return every event of a tenant."""

    async def work(tx: Transaction) -> list[Stored]:
        return list(await journal.events_after(tx, tenant, 0, 100_000))

    return await database.read(tenant, work)


async def effects(database: Database, tenant: TenantId) -> list[int]:
    """Return the seqs whose effect was taken, once for every time it was."""

    async def work(tx: Transaction) -> list[int]:
        return [row["seq"] for row in await tx.fetch(EFFECTS, tenant_id=tenant)]

    return await database.read(tenant, work)


async def cursor(database: Database, tenant: TenantId, consumer: str = "keeper") -> int:
    """Return how far a consumer has come."""

    async def work(tx: Transaction) -> int:
        return await journal.applied(tx, consumer, tenant)

    return await database.read(tenant, work)


@define
class Keeper:
    """A consumer whose effect is a row; twice the same effect breaks its primary key."""

    name: str = "keeper"
    events: Collection[type[Event]] = (NodeTouched,)
    poison: set[int] = field(factory=set)
    down: int = 0
    tried: list[int] = field(factory=list)
    given: list[list[Event]] = field(factory=list)

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Take the effects in order."""
        self.given.append([told.event for told in events])
        for event in events:
            await self._apply(tx, event)

    async def _apply(self, tx: Transaction, event: Recorded) -> None:
        """Write the effect first, then fail if told to: the row must go with the transaction."""
        self.tried.append(event.seq)
        await tx.execute(
            TAKE_EFFECT,
            tenant_id=event.tenant_id,
            seq=event.seq,
            aggregate_id=event.event.aggregate_id,
        )
        if event.seq in self.poison:
            raise ValueError(f"cannot digest {event.seq}")
        if self.down:
            self.down -= 1
            raise DependencyDown("index", "refused")


def new_loop(database: Database, keeper: Keeper, bus: MemoryBus | None = None) -> ConsumerLoop:
    """Return a loop that tries again at once."""
    return ConsumerLoop(keeper, database, bus or MemoryBus(), SystemClock(), retry_seconds=0.0)
