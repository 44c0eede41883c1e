"""The ledger's rows: one function for each query, in ``queries.sql``'s order."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from bitvault.actors.storage.contract import Plan
from bitvault.actors.storage.rules import plan_of_parts
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import TenantId, UploadId

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
    tx: Transaction, tenant_id: TenantId, entries: Sequence[Entry], now: datetime
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
    tx: Transaction, tenant_id: TenantId, scratch: UploadId, key: str, size: int, now: datetime
) -> None:
    """Record a copy's target before anything is written there."""
    await tx.execute(
        _QUERIES["add_scratch"],
        tenant_id=tenant_id,
        upload_id=scratch,
        key=key,
        size=size,
        now=now,
    )


async def seal_objects(
    tx: Transaction, tenant_id: TenantId, seals: Sequence[Seal], now: datetime
) -> frozenset[UploadId]:
    """Seal what is open; return the ids that were, and take over their copies."""
    rows = await tx.fetch(
        _QUERIES["seal_objects"],
        tenant_id=tenant_id,
        upload_ids=[seal.upload_id for seal in seals],
        hashes=[seal.hash for seal in seals],
        sealed_keys=[seal.sealed_key for seal in seals],
        now=now,
    )
    sealed = frozenset(UploadId(row["upload_id"]) for row in rows)
    if taken := [s.sealed_key for s in seals if s.sealed_key and s.upload_id in sealed]:
        await tx.execute(_QUERIES["take_scratch"], tenant_id=tenant_id, keys=taken)
    return sealed


async def discard_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId], now: datetime
) -> dict[UploadId, Entry]:
    """Mark as garbage; ``state`` of what is returned is the one before."""
    rows = await tx.fetch(
        _QUERIES["discard_objects"], tenant_id=tenant_id, upload_ids=list(upload_ids), now=now
    )
    return _by_id(rows)


async def forget_objects(
    tx: Transaction, tenant_id: TenantId, upload_ids: Sequence[UploadId]
) -> None:
    """Record that the store has nothing left of these."""
    await tx.execute(_QUERIES["forget_objects"], tenant_id=tenant_id, upload_ids=list(upload_ids))


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
