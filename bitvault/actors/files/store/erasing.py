"""What a tenant that leaves has here: all of it goes, the content by way of the collector.

So what refers to a blob is counted down as ever, and an object is deleted by the one who deletes
objects, and only when nothing refers to it and no signed request for it lives (ADR-0013).
"""

from datetime import datetime
from uuid import UUID

from bitvault.actors.files.store.locate import SQL as LOCATE
from bitvault.actors.files.store.purging import SQL as PURGING
from bitvault.actors.files.store.purging import release
from bitvault.drivers.postgres.port import Transaction, erase_rows, load_queries

SQL = load_queries("bitvault.actors.files.store", "erasing.sql")
_COLLECTED = ("version", "blob", "condemned")


async def erase_some(tx: Transaction, tenant: UUID, now: datetime, limit: int) -> int:
    """Delete up to ``limit`` rows: versions first, for then everything else may go as it comes."""
    await tx.fetch(LOCATE["tree_lock_shared"], tenant=tenant)
    await tx.fetch(PURGING["by_index"])
    versions = await tx.fetch(SQL["drop_versions"], tenant=tenant, limit=limit)
    await release(tx, tenant, now, versions)
    rest = limit - len(versions)
    others = await erase_rows(tx, "files", rest, kept=_COLLECTED) if rest else 0
    return len(versions) + others


async def has_blobs(tx: Transaction, tenant: UUID) -> bool:
    """Say whether the collector still has something to do."""
    row = await tx.fetchrow(SQL["has_blobs"], tenant=tenant)
    return bool(row and row["it_has"])
