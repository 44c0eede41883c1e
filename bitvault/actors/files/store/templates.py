"""What new spaces start with: copied with the space, in its transaction, and so bounded."""

from collections.abc import Sequence
from uuid import UUID

from bitvault.actors.files.rules.plan import Picture, draw_copy
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.store.contents import (
    Raced,
    Stamp,
    lock_ledger,
    read_ledger,
    reuse_blobs,
    settle,
    spot_of,
    write_picture,
)
from bitvault.actors.files.store.drawing import SQL as STRUCTURE
from bitvault.actors.files.store.locate import granted_on, walk_up
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import STOP
from bitvault.kernel.events import Event
from bitvault.kernel.ids import Ids
from bitvault.kernel.refusal import Refused

SQL = load_queries("bitvault.actors.files.store", "templates.sql")
MAX_NODES = 200
"""Of a template: a first login waits for its copy."""


async def plant(
    tx: Transaction, stamp: Stamp, ids: Ids, kind: str, space_id: UUID, root_id: UUID
) -> list[Event]:
    """Copy the template of a kind below the root of a new space; return what to tell of it.

    A template that is in the trash, has grown too large, or does not fit in the quota is none.

    Raises:
        Raced: some of the content was condemned in between, or the quota used up.
    """
    row = await tx.fetchrow(SQL["template_of"], tenant=stamp.tenant, kind=kind)
    rows = [] if row is None else await _sources(tx, stamp, row["node_id"])
    size = sum(one["size"] or 0 for one in rows)
    if not rows or not _fits(await read_ledger(tx, stamp, [space_id]), space_id, size):
        return []
    picture = _picture(ids, rows, space_id, root_id)
    await write_picture(tx, stamp, picture)
    hashes = [spot.content.hash for spot in picture.versions if spot.content]
    await reuse_blobs(tx, stamp, hashes)
    ledger = await lock_ledger(tx, stamp, [space_id])
    if not _fits(ledger, space_id, size):
        raise Raced  # somebody took the rest meanwhile
    ledger.add(space_id, used=size)
    await settle(tx, stamp.tenant, ledger)
    return picture.events


async def _sources(tx: Transaction, stamp: Stamp, node_id: UUID) -> list[Row]:
    """Return the template's folder and what is below, without what not everybody may see."""
    chains = await walk_up(tx, stamp.caller, [node_id])
    if not chains or chains[0]["trashed"] or not chains[0]["root_space_id"]:
        return []
    rows = await tx.fetch(
        STRUCTURE["live_subtree"], tenant=stamp.tenant, node_id=node_id, limit=MAX_NODES + 1
    )
    if len(rows) > MAX_NODES:
        return []
    folders = [row["node_id"] for row in rows[1:] if row["kind"] == "folder"]
    granted = await granted_on(tx, stamp.caller, folders)
    open_to_all, left = {node_id}, list(rows[:1])
    for row in rows[1:]:
        if row["parent_id"] in open_to_all and not granted.get(row["node_id"], 0) & STOP:
            open_to_all.add(row["node_id"])
            left.append(row)
    return left


def _fits(ledger: Ledger, space_id: UUID, size: int) -> bool:
    try:
        ledger.check(space_id, size)
    except Refused:
        return False
    return True


def _picture(ids: Ids, rows: Sequence[Row], space_id: UUID, root_id: UUID) -> Picture:
    picture = Picture({}, {}, ids.uuid7)
    fresh = {rows[0]["node_id"]: root_id}
    for row in rows[1:]:
        source = spot_of(row)
        fresh[source.node_id] = ids.uuid7()
        place = fresh[source.node_id], fresh[source.parent_id], source.name
        draw_copy(picture, source, place, space_id)
    return picture
