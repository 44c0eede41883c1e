"""Events go when they are old and nobody needs them: the first ones, so that no gap comes to be."""

from collections.abc import Sequence
from datetime import datetime

from bitvault.drivers.postgres.port import Database, Transaction, load_queries
from bitvault.kernel.ids import TenantId

_QUERIES = load_queries("bitvault.outbox")
_TENANTS = 50


async def prune(database: Database, consumers: Sequence[str], before: datetime, most: int) -> int:
    """Delete up to ``most`` events that all of the consumers have passed; return how many."""

    async def look(tx: Transaction) -> list[tuple[TenantId, int]]:
        query, names = _QUERIES["prunable"], list(consumers)
        rows = await tx.fetch(query, consumers=names, before=before, most=_TENANTS)
        return [(TenantId(row["tenant_id"]), row["last"]) for row in rows]

    gone = 0
    for tenant_id, last in await database.read(None, look):
        gone += await _prune(database, tenant_id, last, before, most - gone)
        if gone >= most:
            break
    return gone


async def _prune(
    database: Database, tenant_id: TenantId, last: int, before: datetime, most: int
) -> int:
    which = {"tenant_id": tenant_id, "last": last, "before": before, "most": most}

    async def work(tx: Transaction) -> int:
        return await tx.execute(_QUERIES["prune"], **which)

    return await database.transact(tenant_id, work)
