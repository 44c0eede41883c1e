"""Purging: the root goes at once, what hangs below it in bounded slices (ADR-0013).

What was put in the trash by itself before the folder around it stays there (ADR-0032): the folders
that lead to it are kept, in the trash and without an entry, until it is restored or purged.

A slice removes nodes parents first. Whatever is removed before its children or versions are is in
``files.purge``, so a crash loses no work, and nothing below can be reached meanwhile.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attrs import evolve, frozen

from bitvault.actors.files.contract import NodePurged, PurgeEntry
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.rules.telling import facts_of
from bitvault.actors.files.store.contents import settle
from bitvault.actors.files.store.drawing import SQL as STRUCTURE
from bitvault.actors.files.store.keeping import drop_empty, keep, sort_out
from bitvault.actors.files.store.locate import SQL as LOCATE
from bitvault.actors.files.store.structure import Done, Structure
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Right

SQL = load_queries("bitvault.actors.files.store", "purging.sql")
_ROUNDS = 4
"""Slices of one request; one is enough unless versions outnumber nodes."""
_QUEUED = 100


@frozen
class Fallen:
    """A purged node, and the space its bytes are counted to."""

    node_id: UUID
    space_id: UUID
    purged_at: datetime
    is_kept: bool = False
    """Whether its own row stays, for what is in the trash by itself below it."""


@frozen
class Slice:
    """What one slice removed, and the nodes below which something is left."""

    nodes: int
    versions: int
    bytes: dict[UUID, int]
    """By space."""
    left: tuple[Fallen, ...]


async def purge_entry(structure: Structure, one: PurgeEntry) -> Done:
    """Purge a trash entry; a large subtree is left, out of reach, to the finalizer."""
    tx, tenant, now = structure.tx, structure.stamp.tenant, structure.stamp.now
    entry, place = await structure.entry(one.entry_id, Right.SHARE)
    node = await structure.row(entry["node_id"])
    await tx.fetch(SQL["by_index"])
    top = await _top(tx, tenant, now, entry, node)
    left, kept = [top], [node["parent_id"]]
    await tx.execute(STRUCTURE["drop_entry"], tenant=tenant, entry_id=entry["entry_id"])
    for _ in range(_ROUNDS):
        if not left or structure.allowance <= 0:
            break
        done = await remove_below(tx, tenant, now, left, structure.allowance)
        structure.allowance -= max(1, done.nodes, done.versions)
        for space_id, size in done.bytes.items():
            structure.ledger.add(space_id, used=-size)
        kept += [one.node_id for one in left if one.is_kept]
        left = list(done.left)
    await _queue(tx, tenant, left)
    dropped = await drop_empty(tx, tenant, kept)
    holds_trash = top.is_kept and top.node_id not in dropped
    structure.events.append(
        NodePurged(
            node["node_id"],
            node["revision"] + 1,
            entry["space_id"],
            node["name"],
            entry["entry_id"],
            holds_trash,
            node["parent_id"],
            **facts_of(node),
        )
    )
    path = place.was_at(entry["original_path"])
    return Done(node, entry["space_id"], path, len(structure.events) - 1)


async def _top(tx: Transaction, tenant: UUID, now: datetime, entry: Row, node: Row) -> Fallen:
    """Remove the node of an entry, or keep it if something may have to be kept below."""
    top, space_id = node["node_id"], entry["space_id"]
    if node["kind"] == "folder" and await keep(tx, tenant, top):
        return Fallen(top, space_id, now, is_kept=True)
    await tx.execute(SQL["drop_root"], tenant=tenant, node_id=top)
    return Fallen(top, space_id, now)


async def continue_purge(tx: Transaction, tenant: UUID, now: datetime, limit: int) -> int:
    """Remove up to ``limit`` nodes and as many versions of what is queued; answer how many.

    The tree lock is shared, as in a commit: slices and structure operations take blobs and quota
    rows in different orders.
    """
    await tx.fetch(LOCATE["tree_lock_shared"], tenant=tenant)
    await tx.fetch(SQL["by_index"])
    rows = await tx.fetch(SQL["take_queued"], tenant=tenant, limit=_QUEUED)
    taken = [Fallen(**row) for row in rows]
    if not taken:
        return 0
    done = await remove_below(tx, tenant, now, taken, limit)
    await tx.execute(SQL["unqueue"], tenant=tenant, node_ids=[one.node_id for one in taken])
    await _queue(tx, tenant, done.left)
    await drop_empty(tx, tenant, [one.node_id for one in taken if one.is_kept])
    ledger = Ledger(tenant, {})
    for space_id, size in done.bytes.items():
        ledger.add(space_id, used=-size)
    await settle(tx, tenant, ledger)
    return max(1, done.nodes + done.versions)


async def purging_tenants(tx: Transaction, limit: int) -> Sequence[UUID]:
    """Return whose purges are not finished, the oldest first."""
    rows = await tx.fetch(SQL["purging_tenants"], limit=limit)
    return [row["tenant_id"] for row in rows]


async def remove_below(
    tx: Transaction, tenant: UUID, now: datetime, tops: Sequence[Fallen], limit: int
) -> Slice:
    """Remove up to ``limit`` nodes and as many versions below ``tops``, with all they held."""
    roots, kept = [one for one in tops if not one.is_kept], [one for one in tops if one.is_kept]
    ids = [one.node_id for one in roots]
    rows = await tx.fetch(SQL["below"], tenant=tenant, node_ids=ids, limit=limit)
    fallen = [evolve(roots[row["index"]], node_id=row["node_id"]) for row in rows]
    stays = list[Fallen]()
    if kept and len(fallen) < limit:
        ids = [one.node_id for one in kept]
        found = await sort_out(tx, tenant, ids, limit - len(fallen))
        fallen += [evolve(kept[at], node_id=one, is_kept=False) for one, at in found.gone.items()]
        stays = [evolve(kept[at], node_id=one) for one, at in found.kept.items()]
    if fallen:
        ids = [one.node_id for one in fallen]
        await tx.execute(SQL["drop_nodes"], tenant=tenant, node_ids=ids)
        await tx.execute(SQL["drop_entries"], tenant=tenant, node_ids=ids)
    gone = {one.node_id: one for one in (*roots, *fallen)}
    versions = await tx.fetch(SQL["drop_versions"], tenant=tenant, node_ids=list(gone), limit=limit)
    await release(tx, tenant, now, versions)
    sizes: dict[UUID, int] = defaultdict(int)
    for row in versions:
        sizes[gone[row["node_id"]].space_id] += row["size"]
    left = await _unfinished(tx, tenant, [*gone.values(), *kept])
    return Slice(len(fallen) + len(stays), len(versions), sizes, (*left, *stays))


async def _unfinished(tx: Transaction, tenant: UUID, every: Sequence[Fallen]) -> Sequence[Fallen]:
    by_id = {one.node_id: one for one in every}
    kept = [one.is_kept for one in by_id.values()]
    rows = await tx.fetch(SQL["unfinished"], tenant=tenant, node_ids=list(by_id), kept=kept)
    return [by_id[row["node_id"]] for row in rows]


async def release(tx: Transaction, tenant: UUID, now: datetime, versions: Sequence[Row]) -> None:
    """Let go of the content of versions that are gone."""
    if versions:
        refs = Counter(row["hash"] for row in versions)
        await tx.execute(
            SQL["release_blobs"],
            tenant=tenant,
            hashes=list(refs),
            refs=list(refs.values()),
            now=now,
        )


async def _queue(tx: Transaction, tenant: UUID, left: Sequence[Fallen]) -> None:
    if left:
        await tx.execute(
            SQL["queue"],
            tenant=tenant,
            node_ids=[one.node_id for one in left],
            space_ids=[one.space_id for one in left],
            times=[one.purged_at for one in left],
        )
