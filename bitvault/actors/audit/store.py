"""One function per query."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from msgspec import json

from bitvault.actors.audit.contract import Credential, Entry, Filter
from bitvault.drivers.postgres.port import Row, Transaction, keyset, load_queries
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
        node_id=_id(event.payload.get("node_id")) if event.kind.startswith("share.") else None,
        credential_id=_id(event.origin.get("credential_id")),
        by_operator=event.origin.get("by") == "operator",
    )


def _id(text: object) -> UUID | None:
    return UUID(str(text)) if text else None


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
    ids = {row["credential_id"] for row in rows} - {None}
    found = await tx.fetch(QUERIES["credentials"], tenant_id=tenant_id, ids=sorted(ids))
    known = {row["aggregate_id"]: _credential(row) for row in found}
    return tuple(_entry(row, known) for row in rows)


def _credential(row: Row) -> Credential:
    kind = "link" if row["subject"] == "share" else row["subject"]
    return Credential(row["aggregate_id"], kind, row["name"])


def _entry(row: Row, known: Mapping[UUID, Credential]) -> Entry:
    members = dict(row)
    credential_id = members.pop("credential_id")
    if credential_id is not None:
        members["credential"] = known.get(credential_id, Credential(credential_id))
    return Entry(**{**members, "detail": json.decode(members["detail"])})


async def export(tx: Transaction, tenant_id: TenantId, after: Key | None, limit: int) -> Exported:
    """Tell the trail from its beginning."""
    rows, last = await keyset(tx, QUERIES["export"], tenant_id, {"seq": 0}, after, limit)
    return Exported(tuple({**row, "detail": json.decode(row["detail"])} for row in rows), last)
