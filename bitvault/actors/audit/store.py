"""One function per query."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

from attrs import frozen
from msgspec import json, to_builtins

from bitvault.actors.audit import rules
from bitvault.actors.audit.contract import DOWNLOAD, DOWNLOADED, Credential, Download, Entry, Filter
from bitvault.drivers.postgres.port import Row, Transaction, keyset, load_queries
from bitvault.kernel.events import Event, Recorded
from bitvault.kernel.export import Exported, Key
from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import FIRST_ID
from bitvault.outbox.coding import encode

QUERIES = load_queries("bitvault.actors.audit")
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@frozen
class DownloadRow:
    """A download as it is written; ``times`` is the whole count, whenever it is written."""

    tenant_id: TenantId
    download_id: UUID
    what: Download
    user_id: UUID
    credential_id: UUID | None
    """None: of somebody from another tenant."""
    request_id: str
    address: str
    user_agent: str
    at: datetime
    last_at: datetime
    times: int = 1

    @property
    def by_operator(self) -> bool:
        """Say whether an operator of the platform did it, from another tenant."""
        return self.credential_id is None

    @property
    def key(self) -> tuple[object, ...]:
        """Return what is equal in repeats of one download."""
        what = (self.tenant_id, self.what.node_id, self.what.version)
        return (*what, self.user_id, self.credential_id, self.address)


async def insert_entries(tx: Transaction, entries: Sequence[Recorded]) -> None:
    """Add events of one tenant to the trail."""
    events = [one.event for one in entries]
    origins = [one.origin for one in entries]
    await tx.execute(
        QUERIES["insert_entries"],
        tenant_id=entries[0].tenant_id,
        seqs=[one.seq for one in entries],
        event_ids=[one.event_id for one in entries],
        kinds=[event.kind for event in events],
        aggregate_ids=[event.aggregate_id for event in events],
        user_ids=[one.user_id for one in entries],
        ats=[one.recorded_at for one in entries],
        request_ids=[origin.get("request_id", "") for origin in origins],
        addresses=[origin.get("address", "") for origin in origins],
        user_agents=[origin.get("user_agent", "") for origin in origins],
        details=[encode(event) for event in events],
        node_ids=[_shared_node(event) for event in events],
        credential_ids=[_id(origin.get("credential_id")) for origin in origins],
        by_operators=[origin.get("by") == "operator" for origin in origins],
    )


def _shared_node(event: Event) -> UUID | None:
    return getattr(event, "node_id", None) if event.kind.startswith("share.") else None


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


async def insert_downloads(tx: Transaction, rows: Sequence[DownloadRow]) -> None:
    """Write downloads of one tenant, as often as it may be."""
    await tx.execute(
        QUERIES["insert_downloads"],
        tenant_id=rows[0].tenant_id,
        download_ids=[row.download_id for row in rows],
        node_ids=[row.what.node_id for row in rows],
        versions=[row.what.version for row in rows],
        names=[row.what.name for row in rows],
        sizes=[row.what.size for row in rows],
        user_ids=[row.user_id for row in rows],
        credential_ids=[row.credential_id for row in rows],
        by_operators=[row.by_operator for row in rows],
        ats=[row.at for row in rows],
        last_ats=[row.last_at for row in rows],
        counts=[row.times for row in rows],
        request_ids=[row.request_id for row in rows],
        addresses=[row.address for row in rows],
        user_agents=[row.user_agent for row in rows],
    )


async def entries(
    tx: Transaction, tenant_id: TenantId, wanted: Filter, before: rules.Place, most: int
) -> tuple[Entry, ...]:
    """List events and downloads that lie before a place, newest first."""
    rows: list[Row] = []
    if wanted.subject != DOWNLOAD:
        rows += await _events(tx, tenant_id, wanted, before, most)
    if wanted.subject in {None, "node", DOWNLOAD}:
        rows += await _downloads(tx, tenant_id, wanted, before, most)
    ids = {row["credential_id"] for row in rows} - {None}
    found = await tx.fetch(QUERIES["credentials"], tenant_id=tenant_id, ids=sorted(ids))
    known = {row["aggregate_id"]: _credential(row) for row in found}
    every = [_entry(row, known) if "seq" in row else _downloaded(row, known) for row in rows]
    every.sort(key=attrgetter("at", "seq", "event_id"), reverse=True)
    return tuple(every[:most])


async def _events(
    tx: Transaction, tenant_id: TenantId, wanted: Filter, before: rules.Place, most: int
) -> list[Row]:
    name = "entries" if wanted.with_blobs else "entries_without_blobs"
    values: dict[str, object] = {}
    subject = {"subject": wanted.subject}
    if wanted.aggregate_id is not None:
        name = "entries_of_aggregate"
        values = {"aggregate_id": wanted.aggregate_id, "user_id": wanted.user_id, **subject}
    elif wanted.user_id is not None:
        with_blobs = wanted.with_blobs or wanted.subject is not None
        values = {"user_id": wanted.user_id, "with_blobs": with_blobs, **subject}
        name = "entries_of_user"
    elif wanted.subject is not None:
        name, values = "entries_of_subject", {**subject}
    since = wanted.since or _BEGINNING
    return await tx.fetch(
        QUERIES[name],
        tenant_id=tenant_id,
        at=before[0],
        seq=before[1],
        since=since,
        most=most,
        **values,
    )


async def _downloads(
    tx: Transaction, tenant_id: TenantId, wanted: Filter, before: rules.Place, most: int
) -> list[Row]:
    name, values = "downloads", dict[str, object]()
    if wanted.aggregate_id is not None:
        name = "downloads_of_node"
        values = {"node_id": wanted.aggregate_id, "user_id": wanted.user_id}
    elif wanted.user_id is not None:
        name, values = "downloads_of_user", {"user_id": wanted.user_id}
    at, download_id = rules.first_download(before)
    return await tx.fetch(
        QUERIES[name],
        tenant_id=tenant_id,
        at=at,
        download_id=download_id,
        since=wanted.since or _BEGINNING,
        most=most,
        **values,
    )


def _credential(row: Row) -> Credential:
    kind = "link" if row["subject"] == "share" else row["subject"]
    return Credential(row["aggregate_id"], kind, row["name"])


def _entry(row: Row, known: Mapping[UUID, Credential]) -> Entry:
    members = dict(row)
    credential = _used(members.pop("credential_id"), known)
    detail = json.decode(members.pop("detail"))
    return Entry(**members, detail=detail, credential=credential)


def _downloaded(row: Row, known: Mapping[UUID, Credential]) -> Entry:
    members = dict(row)
    credential = _used(members.pop("credential_id"), known)
    detail = {name: members.pop(name) for name in ("name", "version", "size", "times", "last_at")}
    node_id, event_id = members.pop("node_id"), members.pop("download_id")
    about = {"kind": DOWNLOADED, "aggregate_id": node_id, "event_id": event_id, "seq": 0}
    plain = to_builtins(detail)
    return Entry(**members, **about, detail=plain, credential=credential)


def _used(credential_id: UUID | None, known: Mapping[UUID, Credential]) -> Credential | None:
    return None if credential_id is None else known.get(credential_id, Credential(credential_id))


async def export(tx: Transaction, tenant_id: TenantId, after: Key | None, limit: int) -> Exported:
    """Tell the trail from its beginning."""
    rows, last = await keyset(tx, QUERIES["export"], tenant_id, {"seq": 0}, after, limit)
    return Exported(tuple({**row, "detail": json.decode(row["detail"])} for row in rows), last)


async def export_downloads(
    tx: Transaction, tenant_id: TenantId, after: Key | None, limit: int
) -> Exported:
    """Tell the downloads in the order of their ids."""
    keys, query = {"download_id": FIRST_ID}, QUERIES["export_downloads"]
    rows, last = await keyset(tx, query, tenant_id, keys, after, limit)
    return Exported(tuple(rows), last)
