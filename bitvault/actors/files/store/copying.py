"""Copies and restored versions: new nodes and versions on bytes that are there already."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from attrs import evolve

from bitvault.actors.files.contract import (
    CopyNode,
    KindMismatch,
    RestoreVersion,
    TooManyNodes,
    TreeRuleBroken,
    VersionNotFound,
)
from bitvault.actors.files.rules.names import MAX_DEPTH, join, valid_name
from bitvault.actors.files.rules.plan import Content, Picture, committed, draw_copy
from bitvault.actors.files.store.contents import (
    lock_ledger,
    reuse_blobs,
    spot_of,
    write_picture,
)
from bitvault.actors.files.store.drawing import SQL
from bitvault.actors.files.store.locate import granted_on
from bitvault.actors.files.store.places import Place
from bitvault.actors.files.store.structure import Done, Structure
from bitvault.drivers.postgres.port import Row
from bitvault.kernel.access import NONE, Right, rights_along
from bitvault.kernel.refusal import Refused

MAX_NODES = 10_000


async def copy_node(structure: Structure, one: CopyNode) -> Done:
    """Copy a live subtree's current versions; no bytes move, references are added.

    A file that is to replace another becomes that one's next version, as an upload would: who
    copies over a file means its content, and it keeps its history and whom it is shared with.
    """
    place = await structure.place(one.target)
    parent = await structure.parent(one.parent)
    if len(place.ids) == 1:
        raise Refused(TreeRuleBroken("id", "the root of a space cannot be copied"))
    rows = await structure.tx.fetch(
        SQL["live_subtree"],
        tenant=structure.stamp.tenant,
        node_id=place.node_id,
        limit=MAX_NODES + 1,
    )
    if len(rows) > MAX_NODES:
        raise Refused(TooManyNodes(MAX_NODES))
    rows = await _readable(structure, place, rows)
    _check_depth(rows, len(parent.ids))
    name = valid_name(one.name) if one.name is not None else place.node["name"]
    name, there = await structure.free(parent, name, one.if_exists, place.node, new=True)
    if there:
        return await _copy_onto(structure, place, there)
    size = sum(row["size"] or 0 for row in rows)
    (await lock_ledger(structure.tx, structure.stamp, [parent.space_id])).check(
        parent.space_id, size
    )
    picture = _copied(structure, rows, parent.ids[-1], name, parent.space_id)
    first = len(structure.events)
    await _write(structure, picture)
    structure.ledger.add(parent.space_id, used=size)
    row = await structure.row(next(iter(picture.created)))
    return Done(row, parent.space_id, join((*parent.names, name)), first)


async def _readable(structure: Structure, place: Place, rows: Sequence[Row]) -> list[Row]:
    """Leave out restricted folders that the caller may not read, with all below them."""
    if Right.SHARE in place.rights[-1]:
        return list(rows)
    folders = [row["node_id"] for row in rows[1:] if row["kind"] == "folder"]
    granted = await granted_on(structure.tx, structure.stamp.caller, folders)
    rights, left = {place.node_id: place.rights[-1]}, list(rows[:1])
    for row in rows[1:]:
        above = rights.get(row["parent_id"], NONE)
        (own,) = rights_along(above, [granted.get(row["node_id"], 0)])
        if Right.READ in above and Right.READ in own:
            rights[row["node_id"]] = own
            left.append(row)
    return left


def _check_depth(rows: Sequence[Row], depth: int) -> None:
    if depth + rows[-1]["depth"] > MAX_DEPTH:
        raise Refused(TreeRuleBroken("parentId", f"at most {MAX_DEPTH} levels are possible"))


def _copied(
    structure: Structure, rows: Sequence[Row], parent_id: UUID, name: str, space_id: UUID
) -> Picture:
    picture = Picture({}, {}, structure.ids.uuid7)
    fresh = {row["node_id"]: structure.ids.uuid7() for row in rows}
    for row in rows:
        source = spot_of(row)
        node_id, above = fresh[source.node_id], fresh.get(source.parent_id, parent_id)
        place = node_id, above, name if row is rows[0] else source.name
        draw_copy(picture, source, place, space_id)
    return picture


async def _copy_onto(structure: Structure, source: Place, there: Place) -> Done:
    content = spot_of(source.node).content
    if content is None:
        raise AssertionError("only a file replaces a file")
    if content.hash == there.node["hash"]:
        return Done(there.node, there.space["space_id"], there.path, None)
    return await _next_version(structure, there, content, copied_from=source.node_id)


async def restore_version(structure: Structure, one: RestoreVersion) -> Done:
    """Make an older version's content current again, as a new version."""
    place = await structure.source(one.target, one.if_revision)
    if place.node["kind"] != "file":
        raise Refused(KindMismatch(place.path, "file"))
    row = await structure.tx.fetchrow(
        SQL["version"],
        tenant=structure.stamp.tenant,
        node_id=place.node_id,
        version=one.version if 0 < one.version < 1 << 31 else 0,
    )
    if row is None:
        raise Refused(VersionNotFound(one.version))
    content = Content(row["hash"], row["size"], row["content_type"], row["content_modified_at"])
    return await _next_version(structure, place, content, restored_from=one.version)


async def _next_version(
    structure: Structure, place: Place, content: Content, **origin: Any
) -> Done:
    """Give a file content that is there already; ``origin`` is what its event says of that."""
    space_id = place.space["space_id"]
    (await lock_ledger(structure.tx, structure.stamp, [space_id])).check(space_id, content.size)
    before = spot_of(place.node)
    spot = evolve(
        before,
        revision=before.revision + 1,
        version=(before.version or 0) + 1,
        content=content,
    )
    picture = Picture({}, {}, structure.ids.uuid7)
    picture.changed[spot.node_id] = spot
    picture.versions.append(spot)
    picture.events.append(committed(spot, space_id, **origin))
    await _write(structure, picture)
    structure.ledger.add(space_id, used=content.size)
    after = await structure.row(spot.node_id)
    return Done(place.shown(after), space_id, place.path, len(structure.events) - 1)


async def _write(structure: Structure, picture: Picture) -> None:
    await write_picture(structure.tx, structure.stamp, picture)
    hashes = [spot.content.hash for spot in picture.versions if spot.content]
    await reuse_blobs(structure.tx, structure.stamp, hashes)
    structure.events += picture.events
