"""What is in the trash by itself below something else: kept by a purge, carried along by a move.

A purge keeps the folders that lead to it, in the trash and without an entry (ADR-0032).
"""

from collections.abc import Sequence
from uuid import UUID

from bitvault.drivers.postgres.port import Row, Transaction, load_queries

SQL = load_queries("bitvault.actors.files.store", "keeping.sql")
_FEW = 100
"""Nodes of a folder that are looked through; the entries of a space may be many more."""


async def keep(tx: Transaction, tenant: UUID, entry: Row) -> list[UUID]:
    """Keep a purged folder, and those below it, that lead to what is in the trash by itself."""
    folder = {"space_id": entry["space_id"], "node_id": entry["node_id"]}
    rows = await tx.fetch(SQL["kept_above"], tenant=tenant, few=_FEW, **folder)
    kept = [row["node_id"] for row in rows]
    if kept:
        await tx.execute(
            SQL["keep"],
            tenant=tenant,
            node_ids=kept,
            node_id=entry["node_id"],
            entry_id=entry["entry_id"],
        )
    return kept


async def drop_empty(tx: Transaction, tenant: UUID, node_ids: Sequence[UUID]) -> None:
    """Remove folders that were kept for what was below them, if nothing is, and so on upwards."""
    while node_ids:
        rows = await tx.fetch(SQL["drop_empty"], tenant=tenant, node_ids=list(node_ids))
        node_ids = [row["parent_id"] for row in rows]


async def carry(tx: Transaction, tenant: UUID, node_id: UUID, space_id: UUID) -> None:
    """Put what is in the trash below a node into the space that the node goes to."""
    await tx.execute(SQL["carry"], tenant=tenant, node_id=node_id, space_id=space_id)
