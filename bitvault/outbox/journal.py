"""Reading the outbox: events in order, cursors, dead letters, lag."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen
from msgspec import json

from bitvault.drivers.bus.port import Hint
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.events import Recorded
from bitvault.kernel.ids import TenantId, UserId
from bitvault.outbox.coding import Classes, decode

_QUERIES = load_queries("bitvault.outbox")


@frozen
class Lag:
    """How far a consumer is behind: events over all tenants, age of the oldest, dead letters."""

    consumer: str
    events: int
    seconds: float
    dead: int
    """Up to 10,000."""
    since: datetime | None = None
    """When the oldest was recorded."""


@frozen
class Stored:
    """An event as it stands in the outbox; ``payload`` has its fields in the version's JSON."""

    tenant_id: TenantId
    seq: int
    event_id: UUID
    kind: str
    version: int
    aggregate_id: UUID
    revision: int
    recorded_at: datetime
    user_id: UserId | None
    origin: str
    payload: str

    def decoded(self, classes: Classes) -> Recorded:
        """Return what consumers of its kind are given.

        Raises:
            ValueError: The class of its kind cannot take what is stored.
        """
        version, payload = self.version, self.payload
        told = decode(classes[self.kind], version, self.aggregate_id, self.revision, payload)
        origin = json.decode(self.origin)
        return Recorded(
            self.tenant_id, self.seq, self.event_id, self.recorded_at, self.user_id, origin, told
        )


async def tenants_behind(tx: Transaction, consumer: str, most: int) -> tuple[TenantId, ...]:
    """Return tenants with events the consumer has not applied."""
    rows = await tx.fetch(_QUERIES["behind"], consumer=consumer, most=most)
    return tuple(TenantId(row["tenant_id"]) for row in rows)


async def applied(tx: Transaction, consumer: str, tenant_id: TenantId) -> int:
    """Return the last seq the consumer applied, 0 for none."""
    row = await tx.fetchrow(_QUERIES["applied"], consumer=consumer, tenant_id=tenant_id)
    return row["applied"] if row else 0


async def events_after(
    tx: Transaction, tenant_id: TenantId, after: int, most: int
) -> tuple[Stored, ...]:
    """Return up to ``most`` events with a seq greater than ``after``, in order."""
    rows = await tx.fetch(_QUERIES["events_after"], tenant_id=tenant_id, after=after, most=most)
    return tuple(Stored(tenant_id, **row) for row in rows)


async def hint_after(tx: Transaction, tenant_id: TenantId, after: int, most: int) -> Hint | None:
    """Return what to say of up to ``most`` events with a greater seq; None: there is none."""
    row = await tx.fetchrow(_QUERIES["hint_after"], tenant_id=tenant_id, after=after, most=most)
    if row is None or not row["events"]:
        return None
    return Hint(tenant_id, row["last"], row["events"], frozenset(row["kinds"]))


async def advance(
    tx: Transaction, consumer: str, tenant_id: TenantId, expected: int, to: int
) -> bool:
    """Move a cursor from ``expected`` to ``to``; False when it is not at ``expected``."""
    name = "advance_existing" if expected else "advance"
    row = await tx.fetchrow(
        _QUERIES[name], consumer=consumer, tenant_id=tenant_id, expected=expected, applied=to
    )
    return row is not None


async def park(
    tx: Transaction, consumer: str, event: Stored, *, attempts: int, error: str, now: datetime
) -> None:
    """Put an event in the dead letters; its aggregate's later events wait behind it."""
    await tx.execute(
        _QUERIES["park"],
        consumer=consumer,
        tenant_id=event.tenant_id,
        seq=event.seq,
        aggregate_id=event.aggregate_id,
        attempts=attempts,
        error=storable(error),
        now=now,
    )


def storable(error: str) -> str:
    """Return as much of an error's text as is kept, without what PostgreSQL cannot hold."""
    return error[:4000].replace("\0", "").encode(errors="replace").decode()


async def parked(tx: Transaction, consumer: str, events: Sequence[Stored]) -> frozenset[UUID]:
    """Return which aggregates of these events of one tenant have dead letters."""
    if not events:
        return frozenset()
    rows = await tx.fetch(
        _QUERIES["parked"],
        consumer=consumer,
        tenant_id=events[0].tenant_id,
        aggregate_ids=list(dict.fromkeys(event.aggregate_id for event in events)),
    )
    return frozenset(row["aggregate_id"] for row in rows)


async def hold(tx: Transaction, consumer: str, tenant_id: TenantId) -> None:
    """Keep the consumer's loop out of a tenant until the transaction ends."""
    await tx.fetchrow(_QUERIES["hold"], consumer=consumer, tenant_id=tenant_id)


async def parked_events(
    tx: Transaction, consumer: str, tenant_id: TenantId, aggregate_id: UUID, most: int
) -> tuple[Stored, ...]:
    """Return an aggregate's first dead letters in order, locked."""
    rows = await tx.fetch(
        _QUERIES["parked_events"],
        consumer=consumer,
        tenant_id=tenant_id,
        aggregate_id=aggregate_id,
        most=most,
    )
    return tuple(Stored(tenant_id, **row) for row in rows)


async def unpark(tx: Transaction, consumer: str, event: Stored) -> None:
    """Take one event out of the dead letters."""
    await tx.execute(
        _QUERIES["unpark"], consumer=consumer, tenant_id=event.tenant_id, seq=event.seq
    )


async def lag(tx: Transaction, consumers: Sequence[str], now: datetime) -> tuple[Lag, ...]:
    """Return how far each consumer is behind."""
    rows = await tx.fetch(_QUERIES["lag"], consumers=list(consumers), now=now)
    return tuple(
        Lag(row["consumer"], row["events"], max(0.0, row["seconds"]), row["dead"], row["since"])
        for row in rows
    )
