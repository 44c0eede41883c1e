"""One function per query."""

from msgspec import json

from bitvault.actors.audit.contract import Entry
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.events import Recorded
from bitvault.kernel.ids import TenantId

QUERIES = load_queries("bitvault.actors.audit")


async def insert_entry(tx: Transaction, event: Recorded) -> None:
    """Add an event to the trail."""
    await tx.execute(
        QUERIES["insert_entry"],
        tenant_id=event.tenant_id,
        seq=event.seq,
        event_id=event.event_id,
        kind=event.kind,
        aggregate_id=event.aggregate_id,
        user_id=event.user_id,
        at=event.recorded_at,
        request_id=event.origin.get("request_id", ""),
        address=event.origin.get("address", ""),
        user_agent=event.origin.get("user_agent", ""),
        detail=json.encode(event.payload).decode(),
    )


async def entries_before(
    tx: Transaction, tenant_id: TenantId, before: int, most: int
) -> tuple[Entry, ...]:
    """List entries with a smaller seq, newest first."""
    rows = await tx.fetch(QUERIES["entries_before"], tenant_id=tenant_id, before=before, most=most)
    return tuple(Entry(**{**row, "detail": json.decode(row["detail"])}) for row in rows)
