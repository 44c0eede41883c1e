"""Changing the shape of a tree, under the tenant's tree lock (reliability §4.8): no cycles."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from attrs import define, field

from bitvault.actors.files.contract import (
    EntryNotFound,
    IfExists,
    KindMismatch,
    MakeFolder,
    MoveNode,
    NameTaken,
    NodeCreated,
    NodeMoved,
    NodeNotFound,
    NodeRestored,
    NodeTrashed,
    RestoreEntry,
    StaleRevision,
    Target,
    TrashNode,
    TreeRuleBroken,
)
from bitvault.actors.files.rules.drafts import place_of
from bitvault.actors.files.rules.names import MAX_DEPTH, join, name_key, parent_path, valid_name
from bitvault.actors.files.rules.plan import Picture
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.rules.telling import facts_of, place_in
from bitvault.actors.files.store import holding
from bitvault.actors.files.store.contents import Stamp, lock_ledger, numbered_keys, settle
from bitvault.actors.files.store.drawing import SQL, Drawing
from bitvault.actors.files.store.keeping import Carriage, drop_empty
from bitvault.actors.files.store.locate import SQL as LOCATE
from bitvault.actors.files.store.locate import Wanted, spaces_of, walk_up
from bitvault.actors.files.store.places import (
    Parent,
    Place,
    parent_of,
    permitted,
    place_at,
    present,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import STOP, Right
from bitvault.kernel.events import Event
from bitvault.kernel.ids import Ids, NodeId, SpaceId
from bitvault.kernel.refusal import Forbidden, Refusal, Refused


@define
class Done:
    """A node after an operation, the index of its last event, and an undo token."""

    row: Row
    space_id: UUID
    path: str
    event: int | None
    entry_id: UUID | None = None


@define
class Structure:
    """Applies one operation after the other in one transaction."""

    tx: Transaction
    stamp: Stamp
    ids: Ids
    allowance: int = 1000
    """Nodes, and versions, that purges may still remove at once."""
    carriage: Carriage = field(factory=Carriage, init=False)
    drawing: Drawing = field(init=False)
    hidden: holding.Hidden = field(init=False)
    events: list[Event] = field(factory=list)
    ledger: Ledger = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start without changes."""
        self.drawing = Drawing(self.tx, self.stamp)
        self.hidden = holding.Hidden(self.drawing)
        self.ledger = Ledger(self.stamp.tenant, {})

    async def lock(self) -> None:
        """Take the tenant's tree lock; every structure operation does, before it looks."""
        await self.tx.fetch(LOCATE["tree_lock"], tenant=self.stamp.tenant)

    async def make_folder(self, one: MakeFolder) -> Done:
        """Create a folder, with its parents when asked to."""
        found = await self.drawing.find(Wanted(*place_of(one.target, one.parent, one.name)))
        place = _found(found)
        permitted(place, Right.ADD)
        if not place.missing:
            if place.node["kind"] == "folder" and one.exist_ok:
                return Done(place.shown(place.node), place.space["space_id"], place.path, None)
            raise Refused(NameTaken(place.node["name"]))
        if len(place.missing) > 1 and not one.parents:
            raise Refused(NodeNotFound(join((*place.names, *place.missing[:-1]))))
        if place.depth > MAX_DEPTH:
            raise Refused(TreeRuleBroken("path", f"must be at most {MAX_DEPTH} levels deep"))
        row = self._folders(place)
        return Done(row, place.space["space_id"], place.path, len(self.events) - 1)

    async def move(self, one: MoveNode) -> Done:
        """Rename or move: one row, and one event."""
        place = await self.movable(one.target, one.if_revision)
        parent = await self.parent(one.parent) if one.parent else parent_of(place)
        if place.node_id in parent.ids:
            raise Refused(TreeRuleBroken("parentId", "must not be inside the node itself"))
        await self._check_depth(place, parent)
        await self._check_exposure(place, parent)
        name = valid_name(one.name) if one.name is not None else place.node["name"]
        name, there = await self.free(parent, name, one.if_exists, place.node)
        if parent.space_id != place.space["space_id"]:
            await self._carry(place, parent.space_id)
        entry_id = self._hide(there) if there else None
        before = place.node
        await self.drawing.make_room(place.node_id, parent.ids[-1], name)
        row = self._change(place, parent_id=parent.ids[-1], name=name, name_key=name_key(name))
        self.drawing.tree.grow(parent.ids, place.node_id)
        self.hidden.moved(place.node_id)
        self.events.append(
            NodeMoved(
                place.node_id,
                row["revision"],
                parent.space_id,
                *place_in(before),
                *place_in(row),
                place.space["space_id"],
                **facts_of(row),
            )
        )
        return self._done(row, parent.space_id, (*parent.names, name), entry_id)

    async def trash(self, one: TrashNode) -> Done:
        """Hide a subtree behind one entry."""
        place = await self.movable(one.target, one.if_revision)
        await self.hidden.check(place)
        entry_id = self._hide(place)
        row = self.drawing.tree.whole(place.node_id).row
        return self._done(_there(row), place.space["space_id"], place.names, entry_id)

    def _hide(self, place: Place) -> UUID:
        """Draw a node into the trash; return its entry."""
        entry_id, space_id = self.ids.uuid7(), place.space["space_id"]
        row = self._change(place, entry_id=entry_id)
        path = join(place.hidden + place.names)
        self.drawing.entries.append({**row, "space_id": space_id, "path": path})
        which = row["node_id"], row["revision"], space_id
        self.events.append(NodeTrashed(*which, *place_in(row), entry_id, **facts_of(row)))
        return entry_id

    async def restore(self, one: RestoreEntry) -> Done:
        """Bring an entry back to its place, or to another."""
        if one.name is not None:
            valid_name(one.name)
        entry, place = await self.entry(one.entry_id)
        if one.parent:
            parent = await self.parent(one.parent)
        else:
            parent = await self._original(entry, place)
        await self._check_exposure(place, parent)
        node = await self.row(entry["node_id"])
        name = valid_name(one.name) if one.name is not None else node["name"]
        name, there = await self.free(parent, name, one.if_exists, node)
        if one.parent:
            await self._check_depth(place, parent)
        if parent.space_id != entry["space_id"]:
            await self._carry(place, parent.space_id)
        replaced = self._hide(there) if there else None
        await self.drawing.write()
        row = await self._row(
            "bring_back", node_id=node["node_id"], parent_id=parent.ids[-1], name=name
        )
        self.hidden.moved(node["node_id"])
        tenant = self.stamp.tenant
        await self.tx.execute(SQL["drop_entry"], tenant=tenant, entry_id=entry["entry_id"])
        await drop_empty(self.tx, tenant, [node["parent_id"]])
        self.events.append(
            NodeRestored(
                row["node_id"],
                row["revision"],
                parent.space_id,
                *place_in(row),
                entry["entry_id"],
                entry["space_id"],
                *place_in(node),
                **facts_of(row),
            )
        )
        return self._done(row, parent.space_id, (*parent.names, name), replaced)

    async def finish(self) -> None:
        """Write what one operation counted, so that the next is checked against it."""
        await settle(self.tx, self.stamp.tenant, self.ledger)
        self.ledger = Ledger(self.stamp.tenant, {})

    async def place(self, target: Target, needed: Right = Right.READ) -> Place:
        """Find an existing node where the caller may do what ``needed`` allows."""
        found = await self.drawing.find(Wanted(target))
        return present(found, target.path or str(target.node_id), needed)

    async def source(self, target: Target, if_revision: int | None) -> Place:
        """Find a node the caller may change; never a root."""
        place = await self.place(target, Right.CHANGE)
        if len(place.ids) == 1:
            raise Refused(TreeRuleBroken("id", "the root of a space stays where it is"))
        if if_revision not in (None, place.node["revision"]):
            raise Refused(StaleRevision(place.node["revision"]))
        return place

    async def movable(self, target: Target, if_revision: int | None) -> Place:
        """Find a node whose name and place the caller may change: they belong to its folder."""
        place = await self.source(target, if_revision)
        if Right.CHANGE not in place.rights[-2]:
            raise Refused(Forbidden("rename, move or trash what was shared with you"))
        return place

    async def parent(self, target: Target) -> Parent:
        """Find a folder the caller may put something into."""
        place = await self.place(target, Right.ADD)
        if place.node["kind"] != "folder":
            raise Refused(KindMismatch(place.path, "folder"))
        return Parent(place.ids, place.names, place.space["space_id"], place.rights[-1])

    async def entry(self, entry_id: UUID, needed: Right = Right.CHANGE) -> tuple[Row, Place]:
        """Find a trash entry, and where it is, if the caller may do that in its folder."""
        entry = await self.tx.fetchrow(SQL["entry"], tenant=self.stamp.tenant, entry_id=entry_id)
        if entry is None:
            raise Refused(EntryNotFound())
        chains = await walk_up(self.tx, self.stamp.caller, [entry["node_id"]])
        if not chains or chains[0]["root_space_id"] is None:
            raise Refused(EntryNotFound())  # a folder around it was purged
        (space,) = await spaces_of(self.tx, self.stamp.caller, [chains[0]["root_space_id"]])
        place = place_at(chains[0], space, self.stamp.caller)
        if not place or Right.READ not in place.rights[-2]:
            raise Refused(EntryNotFound())
        if needed not in place.rights[-2]:
            raise Refused(Forbidden("change anything"))
        return entry, place

    async def _original(self, entry: Row, was: Place) -> Parent:
        """Find the folder it was in, wherever that is now; else make it again from the path."""
        space_id = entry["space_id"]
        by_id = await self.drawing.find(Wanted(Target(node_id=NodeId(entry["parent_id"]))))
        if isinstance(by_id, Place):
            permitted(by_id, Right.CHANGE)
            return Parent(by_id.ids, by_id.names, by_id.space["space_id"])
        await holding.check_opens_nothing(self.tx, self.stamp.tenant, was.ids[:-1])
        above = Target(path=parent_path(entry["original_path"]), space_id=SpaceId(space_id))
        place = _found(await self.drawing.find(Wanted(above, is_kept=True)))
        permitted(place, Right.CHANGE)
        ids = place.ids
        if place.missing:
            ids = (*ids, self._folders(place)["node_id"])
        elif place.node["kind"] != "folder":
            raise Refused(KindMismatch(place.path, "folder"))
        return Parent(ids, place.names + place.missing, space_id)

    def _folders(self, place: Place) -> Row:
        """Draw what is missing of a place; return the last of it."""
        above = list(place.ids)
        for name in place.missing:
            row = self._new_folder(above[-1], name)
            self.drawing.tree.add(row)
            self.drawing.tree.grow(above, row["node_id"])
            space_id = place.space["space_id"]
            self.events.append(NodeCreated(row["node_id"], 1, space_id, above[-1], name))
            above.append(row["node_id"])
        return row

    def _new_folder(self, parent_id: UUID, name: str) -> Row:
        empty = ("space_id", "version", "size", "hash", "content_type", "content_modified_at")
        return {
            **dict.fromkeys(empty),
            "node_id": self.ids.uuid7(),
            "parent_id": parent_id,
            "kind": "folder",
            "name": name,
            "name_key": name_key(name),
            "revision": 1,
            "entry_id": None,
            "created_at": self.stamp.now,
            "modified_at": self.stamp.now,
            "modified_by": self.stamp.caller.principal.user_id,
        }

    def _change(self, place: Place, **columns: Any) -> Row:
        row = {
            **place.node,
            **columns,
            "revision": place.node["revision"] + 1,
            "modified_at": self.stamp.now,
            "modified_by": self.stamp.caller.principal.user_id,
        }
        is_hidden = row["entry_id"] is not None
        self.drawing.tree.change(place.node_id, row, is_hidden=is_hidden)
        return row

    async def free(
        self, parent: Parent, name: str, if_exists: IfExists, coming: Row, *, new: bool = False
    ) -> tuple[str, Place | None]:
        """Return the name that a node gets in a folder, and the file whose place it takes there.

        Only a file takes the place of a file, and only when that was asked for. A ``new`` node is
        made from ``coming``, which may have the name itself.
        """
        there = await self.drawing.at(parent.ids[-1], name)
        if there is None or (there == coming["node_id"] and not new):
            return name, None
        if if_exists is IfExists.RENAME:
            await self.drawing.write()
            taken = await numbered_keys(self.tx, self.stamp, [(parent.ids[-1], name)])
            return Picture({}, taken, self.ids.uuid7).free_name(parent.ids[-1], name), None
        if if_exists is IfExists.FAIL or coming["kind"] == "folder":
            raise Refused(NameTaken(name))
        return name, await self._replaceable(there, name, new=new)

    async def _replaceable(self, node_id: UUID, name: str, *, new: bool) -> Place:
        found = await self.drawing.find(Wanted(Target(node_id=NodeId(node_id))))
        if isinstance(found, Refusal):
            raise Refused(NameTaken(name))  # a folder that the caller may not see
        if found.node["kind"] == "folder":
            raise Refused(KindMismatch(found.path, "file"))
        permitted(found, Right.CHANGE)
        if not (new or Right.CHANGE in found.rights_into):  # it is trashed, not written to
            raise Refused(Forbidden("replace anything"))
        return found

    async def _check_depth(self, place: Place, parent: Parent) -> None:
        """Measure a folder only when it goes deeper, so that a rename stays one row."""
        if place.node["kind"] == "file" or len(parent.ids) < len(place.ids):
            below = 0
        else:
            below = await self.drawing.height(place.node_id, MAX_DEPTH - len(parent.ids))
        if len(parent.ids) + below > MAX_DEPTH:
            raise Refused(TreeRuleBroken("parentId", f"at most {MAX_DEPTH} levels are possible"))

    async def _check_exposure(self, place: Place, parent: Parent) -> None:
        """Refuse to take something from its owner, or a restricted folder to others who may share.

        What leaves a space is gone from there as if it were purged, and takes the same right.
        Whoever may share a folder is not held by a restriction below it. Read only where the new
        place has such people, which the old one has not.
        """
        if parent.space_id != place.space["space_id"] and Right.SHARE not in place.rights[-2]:
            raise Refused(Forbidden("take anything out of the space"))
        if place.node["kind"] == "file" or Right.SHARE in place.rights[-1]:
            return
        tenant, new = self.stamp.tenant, [one for one in parent.ids if one not in place.ids]
        if not (new and await self.tx.fetchrow(SQL["sharers_on"], tenant=tenant, ids=new)):
            return
        await self.drawing.write()
        at = {"tenant": tenant, "node_id": place.node_id, "stop": STOP}
        if await self.tx.fetchrow(SQL["restricted_in"], **at):
            raise Refused(Forbidden("move a restricted folder to where others may share it"))

    async def _carry(self, place: Place, space_id: UUID) -> None:
        await self.drawing.write()
        size = await self.carriage.weigh(self.tx, self.stamp.tenant, place.node_id)
        spaces = [place.space["space_id"], space_id]
        (await lock_ledger(self.tx, self.stamp, spaces)).check(space_id, size, new=False)
        self.ledger.add(space_id, used=size)
        self.ledger.add(place.space["space_id"], used=-size)
        await self.carriage.carry(self.tx, self.stamp.tenant, place.node_id, space_id)

    async def row(self, node_id: UUID) -> Row:
        """Read one node back."""
        key = {"tenant": self.stamp.tenant, "node_id": node_id}
        return _there(await self.tx.fetchrow(SQL["node"], **key))

    async def _row(self, query: str, *, node_id: UUID, parent_id: UUID, name: str) -> Row:
        row = await self.tx.fetchrow(
            SQL[query],
            **self.stamp.who,
            node_id=node_id,
            parent_id=parent_id,
            name=name,
            name_key=name_key(name),
        )
        return _there(row)

    def _done(
        self, row: Row, space_id: UUID, names: Sequence[str], entry_id: UUID | None = None
    ) -> Done:
        return Done(row, space_id, join(tuple(names)), len(self.events) - 1, entry_id)


def _found(found: Place | Refusal) -> Place:
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def _there(row: Row | None) -> Row:
    if row is None:
        raise AssertionError("the tree lock keeps this row")
    return row
