"""What is in the trash by itself below something else: kept by a purge, carried along by a move.

A purge keeps the folders that lead to it, in the trash and without an entry (ADR-0032). It finds
them slice by slice, from the purged folder down: a folder too large to be looked through in a slice
is kept as well, until what is below it has been decided.
"""

from collections.abc import Sequence
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.files.contract import TreeRuleBroken
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.refusal import Refused

SQL = load_queries("bitvault.actors.files.store", "keeping.sql")
FEW = 100
"""Nodes of a purged folder that are looked through before it is decided whether it goes."""
MOST_CARRIED = 100_000
_TOO_MUCH = TreeRuleBroken(
    "parentId",
    f"must be in the same space, for what holds more than {MOST_CARRIED} files, folders and"
    " versions: move it in parts, or in a request of its own",
)


@frozen
class Sorted:
    """Nodes below kept folders: those that go, and the folders that are kept in turn.

    Each with the index of the folder that it was found below.
    """

    gone: dict[UUID, int]
    kept: dict[UUID, int]


async def keep(tx: Transaction, tenant: UUID, node_id: UUID) -> bool:
    """Keep a purged folder that may lead to what is in the trash by itself; return whether."""
    found = await _below(tx, tenant, [node_id], FEW)
    if found is not None and not any(row["is_by_itself"] for row in found):
        return False
    await tx.execute(SQL["keep"], tenant=tenant, node_id=node_id)
    return True


async def sort_out(tx: Transaction, tenant: UUID, kept: Sequence[UUID], limit: int) -> Sorted:
    """Decide about the next nodes below kept folders, at most ``limit``, and keep what has to be.

    Where more is below the next folders than can be looked through, all these folders are kept.
    """
    rows = await tx.fetch(SQL["next_below"], tenant=tenant, node_ids=list(kept), limit=limit)
    index = {row["node_id"]: row["index"] for row in rows}
    folders = [row["node_id"] for row in rows if row["kind"] == "folder"]
    gone = {one: at for one, at in index.items() if one not in set(folders)}
    found = await _below(tx, tenant, folders, limit - len(gone))
    holders = set(folders)
    if found is not None:
        holders = {row["top"] for row in found if row["is_by_itself"]}
        gone |= {row["node_id"]: index[row["top"]] for row in found if row["top"] not in holders}
    if holders:
        await tx.execute(SQL["keep_below"], tenant=tenant, node_ids=list(holders))
    return Sorted(gone, {one: index[one] for one in folders if one in holders})


async def _below(
    tx: Transaction, tenant: UUID, tops: Sequence[UUID], most: int
) -> Sequence[Row] | None:
    """Return some folders and all that is below them; None where that is more than ``most``."""
    if not tops:
        return []
    rows = await tx.fetch(SQL["all_below"], tenant=tenant, node_ids=list(tops), limit=most + 1)
    return rows if len(rows) <= most else None


async def drop_empty(tx: Transaction, tenant: UUID, node_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Remove folders that were kept for what was below them, if nothing is, and so on upwards.

    Returns those removed. One statement goes up as far as folders have no other child.
    """
    gone = set[UUID]()
    while node_ids:
        rows = await tx.fetch(SQL["drop_empty"], tenant=tenant, node_ids=list(node_ids))
        gone |= {row["node_id"] for row in rows}
        node_ids = list({row["parent_id"] for row in rows} - gone)
    return frozenset(gone)


@define
class Carriage:
    """What one request takes to other spaces; all of it is looked at, and the tree is locked."""

    _allowance: int = field(factory=lambda: MOST_CARRIED, init=False)

    async def weigh(self, tx: Transaction, tenant: UUID, node_id: UUID) -> int:
        """Return the bytes of all versions below a node, those in the trash too.

        Raises:
            Refused: ``TreeRuleBroken``; it is more than a request may take.
        """
        at = {"tenant": tenant, "node_id": node_id, "limit": self._allowance + 1}
        (row,) = await tx.fetch(SQL["subtree_bytes"], **at)
        self._allowance -= row["read"]
        if self._allowance < 0:
            raise Refused(_TOO_MUCH)
        return int(row["bytes"])

    async def carry(self, tx: Transaction, tenant: UUID, node_id: UUID, space_id: UUID) -> None:
        """Put what is in the trash below a node into the space that the node goes to."""
        await tx.execute(SQL["carry"], tenant=tenant, node_id=node_id, space_id=space_id)
