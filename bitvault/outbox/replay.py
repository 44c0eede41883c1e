"""Dead letters: shown, and applied again once the cause is mended.

Error handling: a letter whose effect raises again stays, with the new error and one attempt more,
and so do those behind it. A dependency that is down is raised and counts nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.drivers.postgres.port import Database, Transaction, load_queries
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import journal
from bitvault.outbox.coding import classes_of
from bitvault.outbox.consumer import Consumer
from bitvault.outbox.journal import Stored

_QUERIES = load_queries("bitvault.outbox")
_SLICE = 500


@frozen
class Letter:
    """An event a consumer gave up, or one that waits behind such an event of its aggregate."""

    consumer: str
    seq: int
    event_id: UUID
    kind: str
    aggregate_id: UUID
    attempts: int
    """0: never tried, it waits."""
    error: str
    parked_at: datetime


@frozen
class Replayed:
    """What a slice of an aggregate's letters came to: all were applied, or none."""

    applied: int = 0
    more: bool = False
    """Whether letters of the aggregate are left."""
    failed: Stored | None = None
    error: str = ""


async def letters_after(
    tx: Transaction,
    tenant_id: TenantId,
    consumers: Sequence[str],
    after: tuple[str, int],
    most: int,
) -> tuple[Letter, ...]:
    """Return a tenant's letters by consumer and seq, those after the given ones."""
    rows = await tx.fetch(
        _QUERIES["letters_after"],
        tenant_id=tenant_id,
        consumers=list(consumers),
        consumer=after[0],
        seq=after[1],
        most=most,
    )
    return tuple(Letter(**row) for row in rows)


async def next_aggregate(
    database: Database, consumer: str, tenant_id: TenantId, after: UUID
) -> UUID | None:
    """Return the first aggregate after one, by id, that has letters."""

    async def work(tx: Transaction) -> UUID | None:
        row = await tx.fetchrow(
            _QUERIES["next_aggregate"], consumer=consumer, tenant_id=tenant_id, after=after
        )
        return row["aggregate_id"] if row else None

    return await database.read(tenant_id, work)


async def replay(
    database: Database, consumer: Consumer, tenant_id: TenantId, aggregate_id: UUID
) -> Replayed:
    """Apply the first letters of an aggregate again, in order, all or none of them."""
    trying: Stored | None = None
    classes = classes_of(consumer.events)

    async def work(tx: Transaction) -> Replayed:
        nonlocal trying
        await journal.hold(tx, consumer.name, tenant_id)
        events = await journal.parked_events(tx, consumer.name, tenant_id, aggregate_id, _SLICE)
        for event in events:
            trying = event
            await consumer.apply_many(tx, [event.decoded(classes)])
            trying = None
            await journal.unpark(tx, consumer.name, event)
        return Replayed(len(events), more=len(events) == _SLICE)

    try:
        return await database.transact(tenant_id, work)
    except DependencyDown:
        raise
    except Exception as error:
        if trying is None:
            raise
        what = f"{type(error).__name__}: {error}"
        await _note(database, consumer.name, trying, what)
        return Replayed(failed=trying, error=what)


async def _note(database: Database, consumer: str, event: Stored, error: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            _QUERIES["note_failure"],
            consumer=consumer,
            tenant_id=event.tenant_id,
            seq=event.seq,
            error=journal.storable(error),
        )

    await database.transact(event.tenant_id, work)
