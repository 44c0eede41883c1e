"""The ledger's rows: one function for each query, in ``queries.sql``'s order."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from bitvault.actors.storage.contract import DueObject, Plan
from bitvault.actors.storage.rules import plan_of_parts
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.backlog import Backlog
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Refused, Unavailable

_QUERIES = load_queries("bitvault.actors.storage")


@frozen
class Entry:
    """One object of the ledger."""

    upload_id: UploadId
    key: str
    size: int
    hash: str | None
    plan: Plan
    state: str = "open"
    sealed_key: str | None = None
    multipart_id: str | None = None

    @property
    def final_key(self) -> str:
        """Return where the sealed bytes are."""
        return self.sealed_key or self.key


@frozen
class Seal:
    """What a proof adds to an entry; ``sealed_key`` where the bytes were frozen elsewhere."""

    upload_id: UploadId
    hash: str
    sealed_key: str | None = None


async def open_objects(
    tx: Transaction,
    tenant_id: TenantId,
    entries: Sequence[Entry],
    now: datetime,
    look_at: datetime,
) -> dict[UploadId, Entry]:
    """Insert what is not there yet; return every entry as it stands."""
    rows = await tx.fetch(
        _QUERIES["open_objects"],
        tenant_id=tenant_id,
        upload_ids=[entry.upload_id for entry in entries],
        keys=[entry.key for entry in entries],
        sizes=[entry.size for entry in entries],
        hashes=[entry.hash for entry in entries],
        part_sizes=[entry.plan.part_size for entry in entries],
        part_counts=[entry.plan.part_count for entry in entries],
        now=now,
        look_at=look_at,
    )
    if len(rows) == len(entries):
        return _by_id(rows)
    return await find_objects(tx, tenant_id, [entry.upload_id for entry in entries])


async def find_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId]
) -> dict[UploadId, Entry]:
    """Return the entries there are."""
    rows = await tx.fetch(
        _QUERIES["find_objects"], tenant_id=tenant_id, upload_ids=list(upload_ids)
    )
    return _by_id(rows)


async def set_multiparts(
    tx: Transaction, tenant_id: TenantId, multiparts: dict[UploadId, str]
) -> dict[UploadId, Entry]:
    """Name the multipart uploads of entries that have none; return the entries as they stand."""
    await tx.execute(
        _QUERIES["set_multiparts"],
        tenant_id=tenant_id,
        upload_ids=list(multiparts),
        multipart_ids=list(multiparts.values()),
    )
    return await find_objects(tx, tenant_id, list(multiparts))


async def add_scratch(
    tx: Transaction, tenant_id: TenantId, scratch: Entry, now: datetime, look_at: datetime
) -> None:
    """Record a copy's target before anything is written there."""
    await tx.execute(
        _QUERIES["add_scratch"],
        tenant_id=tenant_id,
        upload_id=scratch.upload_id,
        key=scratch.key,
        size=scratch.size,
        now=now,
        look_at=look_at,
    )


async def seal_objects(
    tx: Transaction,
    tenant_id: TenantId,
    seals: Sequence[Seal],
    now: datetime,
    look_at: datetime,
) -> dict[UploadId, Entry]:
    """Seal what is open; return what was, as it is now, and take over the copies.

    Raises:
        Refused: a copy was thrown away before its seal came; a retry makes a new one.
    """
    rows = await tx.fetch(
        _QUERIES["seal_objects"],
        tenant_id=tenant_id,
        upload_ids=[seal.upload_id for seal in seals],
        hashes=[seal.hash for seal in seals],
        sealed_keys=[seal.sealed_key for seal in seals],
        now=now,
        look_at=look_at,
    )
    sealed = _by_id(rows)
    if keys := [s.sealed_key for s in seals if s.sealed_key and s.upload_id in sealed]:
        taken = await tx.execute(_QUERIES["take_scratch"], tenant_id=tenant_id, keys=keys)
        if taken != len(keys):
            raise Refused(Unavailable("object store"))
    return sealed


async def discard_objects(
    tx: Transaction,
    tenant_id: TenantId,
    upload_ids: Sequence[UploadId],
    states: Sequence[str],
    times: tuple[datetime, datetime],
) -> dict[UploadId, Entry]:
    """Mark as garbage what is in one of ``states``; what is returned shows the state before.

    ``times`` are now, and when to delete it, or to try again should the deletion fail.
    """
    rows = await tx.fetch(
        _QUERIES["discard_objects"],
        tenant_id=tenant_id,
        upload_ids=list(upload_ids),
        states=list(states),
        now=times[0],
        look_at=times[1],
    )
    return _by_id(rows)


async def forget_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId], look_at: datetime
) -> None:
    """Record that the store was told to delete these; ``look_at`` is when it is told again."""
    await tx.execute(
        _QUERIES["forget_objects"],
        tenant_id=tenant_id,
        upload_ids=list(upload_ids),
        look_at=look_at,
    )


async def ids_of_keys(
    tx: Transaction, tenant_id: TenantId, keys: Sequence[str]
) -> Sequence[UploadId]:
    """Return the uploads whose sealed bytes are under these keys."""
    rows = await tx.fetch(_QUERIES["ids_of_keys"], tenant_id=tenant_id, keys=list(keys))
    return [UploadId(row["upload_id"]) for row in rows]


async def due_objects(tx: Transaction, now: datetime, limit: int) -> Sequence[DueObject]:
    """Return open and sealed objects of all tenants that are due, the most overdue first."""
    rows = await tx.fetch(_QUERIES["due_objects"], now=now, limit=limit)
    return [
        DueObject(
            TenantId(row["tenant_id"]),
            UploadId(row["upload_id"]),
            row["key"] if row["state"] == "sealed" else None,
            row["hash"] if row["state"] == "sealed" else None,
        )
        for row in rows
    ]


async def keep_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId]
) -> None:
    """Take sealed objects off the agenda."""
    await tx.execute(_QUERIES["keep_objects"], tenant_id=tenant_id, upload_ids=list(upload_ids))


async def postpone_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId], look_at: datetime
) -> None:
    """Put open and sealed objects further down the agenda."""
    await tx.execute(
        _QUERIES["postpone_objects"],
        tenant_id=tenant_id,
        upload_ids=list(upload_ids),
        look_at=look_at,
    )


async def leaving_objects(
    tx: Transaction, now: datetime, limit: int
) -> Sequence[tuple[TenantId, UploadId]]:
    """Return what is due to be deleted, of all tenants, the most overdue first."""
    rows = await tx.fetch(_QUERIES["leaving_objects"], now=now, limit=limit)
    return [(TenantId(row["tenant_id"]), UploadId(row["upload_id"])) for row in rows]


async def take_leaving(
    tx: Transaction,
    tenant_id: TenantId,
    upload_ids: Sequence[UploadId],
    times: tuple[datetime, datetime],
) -> Sequence[Entry]:
    """Return those that are still due, as ``garbage`` or ``gone``; ``times`` as for a discard."""
    rows = await tx.fetch(
        _QUERIES["take_leaving"],
        tenant_id=tenant_id,
        upload_ids=list(upload_ids),
        now=times[0],
        look_at=times[1],
    )
    return list(_by_id(rows).values())


async def drop_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId]
) -> None:
    """End the rows of objects that are gone."""
    await tx.execute(_QUERIES["drop_objects"], tenant_id=tenant_id, upload_ids=list(upload_ids))


async def oldest_garbage(tx: Transaction) -> datetime | None:
    """Return since when the oldest garbage has waited for its deletion."""
    row = await tx.fetchrow(_QUERIES["oldest_garbage"])
    since: datetime | None = row["since"] if row else None
    return since


async def backlog(tx: Transaction, now: datetime) -> Mapping[str, Backlog]:
    """Count the objects to ask about, and the deletions, that are due; across tenants."""
    rows = await tx.fetch(_QUERIES["backlog"], now=now)
    return {row["kind"]: Backlog(row["waiting"], row["since"]) for row in rows}


async def hasten(tx: Transaction, tenant_id: TenantId, now: datetime, limit: int) -> None:
    """Put unfinished uploads of a tenant on the agenda for now."""
    await tx.execute(_QUERIES["hasten"], tenant_id=tenant_id, now=now, limit=limit)


async def has_objects(tx: Transaction, tenant_id: TenantId) -> bool:
    """Say whether a tenant has anything in the ledger."""
    row = await tx.fetchrow(_QUERIES["has_objects"], tenant_id=tenant_id)
    return bool(row and row["it_has"])


def _by_id(rows: Sequence[Row]) -> dict[UploadId, Entry]:
    return {row["upload_id"]: _entry(row) for row in rows}


def _entry(row: Row) -> Entry:
    return Entry(
        upload_id=UploadId(row["upload_id"]),
        key=row["key"],
        size=row["size"],
        hash=row["hash"],
        plan=plan_of_parts(row["part_size"], row["part_count"]),
        state=row["state"],
        sealed_key=row["sealed_key"],
        multipart_id=row["multipart_id"],
    )
