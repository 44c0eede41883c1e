"""Looking for garbage of all tenants by age, and acting on it within each by key."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from bitvault.actors.files.contract import Garbage, ObjectInDoubt, Verdict
from bitvault.actors.files.store.closing import close_uploads
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.backlog import Backlog
from bitvault.kernel.ids import TenantId

SQL = load_queries("bitvault.actors.files.store", "collecting.sql")


def by_tenant(rows: Sequence[Row]) -> dict[TenantId, list[Row]]:
    """Group rows, keeping their order."""
    grouped: dict[TenantId, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[TenantId(row["tenant_id"])].append(row)
    return grouped


async def condemn(
    tx: Transaction, tenant: UUID, hashes: Sequence[str], before: datetime, now: datetime
) -> None:
    """Condemn what is still idle, and write its keys down."""
    await tx.execute(SQL["condemn"], tenant=tenant, hashes=list(hashes), before=before, now=now)


async def drop_condemned(tx: Transaction, tenant: UUID, rows: Sequence[Row]) -> None:
    """Forget keys that storage has taken charge of, and the blobs that still have them."""
    await tx.execute(
        SQL["drop_condemned"],
        tenant=tenant,
        object_keys=[row["object_key"] for row in rows],
        hashes=[row["hash"] for row in rows],
    )


async def judge(
    tx: Transaction, tenant: UUID, objects: Sequence[ObjectInDoubt]
) -> tuple[Verdict, ...]:
    """Say what each object is.

    The order of the two looks is what makes ``UNNEEDED`` final: a blob gets its key in the
    transaction that closes the upload. Seen closed, the second look sees that blob, or there is
    none; and an upload that is closed never names a key again.
    """
    ids = [one.upload_id for one in objects]
    rows = await tx.fetch(SQL["open_among"], tenant=tenant, upload_ids=ids)
    waiting = {row["upload_id"] for row in rows}
    sealed = [one for one in objects if one.key is not None]
    rows = await tx.fetch(
        SQL["named_among"],
        tenant=tenant,
        hashes=[one.hash for one in sealed],
        object_keys=[one.key for one in sealed],
    )
    named = {row["object_key"] for row in rows}
    return tuple(_verdict(one, waiting, named) for one in objects)


def _verdict(one: ObjectInDoubt, waiting: set[UUID], named: set[str]) -> Verdict:
    if one.upload_id in waiting:
        return Verdict.WAITED_FOR
    return Verdict.NAMED if one.key in named else Verdict.UNNEEDED


async def expire(
    tx: Transaction, tenant: UUID, upload_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """End those of the uploads that are overdue and nobody is committing."""
    rows = await tx.fetch(SQL["hold_overdue"], tenant=tenant, upload_ids=list(upload_ids), now=now)
    ids = [row["upload_id"] for row in rows]
    return await close_uploads(tx, tenant, ids, "expired") if ids else []


async def end_uploads(tx: Transaction, tenant: UUID, user_id: UUID, limit: int) -> list[UUID]:
    """End some of the open uploads that a guest has, and nobody is committing."""
    rows = await tx.fetch(SQL["hold_open_of"], tenant=tenant, user_id=user_id, limit=limit)
    ids = [row["upload_id"] for row in rows]
    return await close_uploads(tx, tenant, ids, "aborted") if ids else []


async def drop_uploads(tx: Transaction, tenant: UUID, upload_ids: Sequence[UUID]) -> int:
    """Delete uploads that ended."""
    return await tx.execute(SQL["drop_uploads"], tenant=tenant, upload_ids=list(upload_ids))


async def drop_keys(tx: Transaction, tenant: UUID, rows: Sequence[Row], now: datetime) -> int:
    """Delete Idempotency-Keys that have expired."""
    return await tx.execute(
        SQL["drop_keys"],
        tenant=tenant,
        user_ids=[row["user_id"] for row in rows],
        keys=[row["key"] for row in rows],
        now=now,
    )


async def inspect(tx: Transaction) -> Garbage:
    """Say how old the oldest garbage is."""
    row = await tx.fetchrow(SQL["oldest"])
    if row is None:
        raise AssertionError("a query without FROM has a row")
    return Garbage(row["blob"], row["condemned"], row["purge"])


async def backlog(
    tx: Transaction, now: datetime, unused: datetime, finished: datetime
) -> Mapping[str, Backlog]:
    """Count what is due: content unused and answers finished before these times, and the rest."""
    rows = await tx.fetch(SQL["backlog"], now=now, unused=unused, finished=finished)
    return {row["kind"]: Backlog(row["waiting"], row["since"]) for row in rows}
