"""Copies and restored versions: new nodes and versions on bytes that are there already."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
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
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import NONE, STOP, Right, rights_along
from bitvault.kernel.events import Event
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refused

MAX_NODES = 10_000


class Restricting(Protocol):
    """Restricts new folders in the transaction that makes them; the sharing room's to do."""

    async def __call__(
        self, tx: Transaction, caller: Caller, now: datetime, node_ids: Sequence[UUID]
    ) -> Sequence[Event]:
        """Write it down, and return what is to be told of it."""


async def copy_node(
    structure: Structure, one: CopyNode, restrict: Restricting | None = None
) -> Done:
    """Copy a live subtree's current versions; no bytes move, references are added.

    A file that is to replace another becomes that one's next version, as an upload would: who
    copies over a file means its content, and it keeps its history and whom it is shared with.

    What was restricted is so in the copy, by the same transaction. Where the caller may not share,
    or nobody can ``restrict``, restricted folders are left out.
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
    keeps = restrict is not None and Right.SHARE in parent.rights
    rows, restricted = await _copiable(structure, place, rows, keeps=keeps)
    _check_depth(rows, len(parent.ids))
    name = valid_name(one.name) if one.name is not None else place.node["name"]
    name, there = await structure.free(parent, name, one.if_exists, place.node, new=True)
    if there:
        return await _copy_onto(structure, place, there)
    size = sum(row["size"] or 0 for row in rows)
    (await lock_ledger(structure.tx, structure.stamp, [parent.space_id])).check(
        parent.space_id, size
    )
    fresh = {row["node_id"]: structure.ids.uuid7() for row in rows}
    if restrict is not None and restricted:
        ids = [fresh[node_id] for node_id in restricted]
        # Told before the folders are, so that nobody who follows the events takes them for open.
        structure.events += await restrict(
            structure.tx, structure.stamp.caller, structure.stamp.now, ids
        )
        structure.hidden.forget()
    picture = _copied(structure, rows, (fresh, parent.ids[-1], name), parent.space_id)
    first = len(structure.events)
    await _write(structure, picture)
    structure.ledger.add(parent.space_id, used=size)
    row = await structure.row(next(iter(picture.created)))
    return Done(row, parent.space_id, join((*parent.names, name)), first)


async def _copiable(
    structure: Structure, place: Place, rows: Sequence[Row], *, keeps: bool
) -> tuple[list[Row], list[UUID]]:
    """Leave out restricted folders that the caller may not read, with all below them.

    Answers also which of the rest are restricted; none, unless the copy ``keeps`` it.
    """
    folders = [row["node_id"] for row in rows if row["kind"] == "folder"]
    granted = await granted_on(structure.tx, structure.stamp.caller, folders)
    stops = {node_id for node_id, bits in granted.items() if bits & STOP}
    if place.node_id in stops and not keeps:
        raise Refused(Forbidden("put the copy of a restricted folder"))
    rights, left = {place.node_id: place.rights[-1]}, list(rows[:1])
    for row in rows[1:]:
        node_id, above = row["node_id"], rights.get(row["parent_id"], NONE)
        (own,) = rights_along(above, [granted.get(node_id, 0)])
        if Right.READ in above and Right.READ in own and (keeps or node_id not in stops):
            rights[node_id] = own
            left.append(row)
    return left, [row["node_id"] for row in left if row["node_id"] in stops]


def _check_depth(rows: Sequence[Row], depth: int) -> None:
    if depth + rows[-1]["depth"] > MAX_DEPTH:
        raise Refused(TreeRuleBroken("parentId", f"at most {MAX_DEPTH} levels are possible"))


def _copied(
    structure: Structure,
    rows: Sequence[Row],
    to: tuple[Mapping[UUID, UUID], UUID, str],
    space_id: UUID,
) -> Picture:
    picture, (fresh, parent_id, name) = Picture({}, {}, structure.ids.uuid7), to
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
