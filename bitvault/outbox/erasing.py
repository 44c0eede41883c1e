"""A tenant's events, and how far everybody has come in them, are deleted with the tenant."""

from bitvault.drivers.postgres.port import Transaction, erase_rows, load_queries
from bitvault.kernel.ids import TenantId

_QUERIES = load_queries("bitvault.outbox")
_PLACES = ("consumer_cursor", "dead_letter", "tenant_seq")


async def erase_events(tx: Transaction, tenant_id: TenantId, most: int) -> int:
    """Delete up to ``most`` events, and once there are none the cursors; return how many rows.

    Events first: whose cursor is gone begins anew, and must find nothing. The counter is held, so
    that nobody appends in between.
    """
    gone = await erase_rows(tx, "outbox", most, kept=_PLACES)
    if gone:
        return gone
    await tx.fetchrow(_QUERIES["hold_counter"], tenant_id=tenant_id)
    return await erase_rows(tx, "outbox", most)
