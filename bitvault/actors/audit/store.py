"""One function per query."""

from datetime import UTC, datetime

from msgspec import json

from bitvault.actors.audit.contract import Entry, Filter
from bitvault.drivers.postgres.port import Transaction, keyset, load_queries
from bitvault.kernel.events import Recorded
from bitvault.kernel.export import Exported, Key
from bitvault.kernel.ids import TenantId

QUERIES = load_queries("bitvault.actors.audit")
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


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


async def entries(
    tx: Transaction, tenant_id: TenantId, wanted: Filter, before: tuple[datetime, int], most: int
) -> tuple[Entry, ...]:
    """List entries that lie before a time and seq, newest first."""
    name = "entries"
    values: dict[str, object] = {}
    subject = {"subject": wanted.subject}
    if wanted.aggregate_id is not None:
        name = "entries_of_aggregate"
        values = {"aggregate_id": wanted.aggregate_id, "user_id": wanted.user_id, **subject}
    elif wanted.user_id is not None:
        name, values = "entries_of_user", {"user_id": wanted.user_id, **subject}
    elif wanted.subject is not None:
        name, values = "entries_of_subject", {**subject}
    rows = await tx.fetch(
        QUERIES[name],
        tenant_id=tenant_id,
        at=before[0],
        seq=before[1],
        since=wanted.since or _BEGINNING,
        most=most,
        **values,
    )
    return tuple(Entry(**{**row, "detail": json.decode(row["detail"])}) for row in rows)


async def export(tx: Transaction, tenant_id: TenantId, after: Key | None, limit: int) -> Exported:
    """Tell the trail from its beginning."""
    rows, last = await keyset(tx, QUERIES["export"], tenant_id, {"seq": 0}, after, limit)
    return Exported(tuple({**row, "detail": json.decode(row["detail"])} for row in rows), last)
