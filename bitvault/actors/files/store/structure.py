"""Changing the shape of a tree, under the tenant's tree lock (reliability §4.8): no cycles."""

from collections.abc import Sequence
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
    Role,
    StaleRevision,
    Target,
    TrashNode,
    TreeRuleBroken,
)
from bitvault.actors.files.rules.drafts import place_of
from bitvault.actors.files.rules.names import MAX_DEPTH, join, name_key, valid_name
from bitvault.actors.files.rules.plan import Picture
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.store.contents import Stamp, lock_ledger, numbered_keys, settle
from bitvault.actors.files.store.locate import (
    SQL as LOCATE,
)
from bitvault.actors.files.store.locate import (
    Place,
    Wanted,
    locate,
    locate_one,
    permitted,
    present,
)
from bitvault.actors.files.store.spaces import role_of
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.events import Event
from bitvault.kernel.ids import Ids, NodeId, SpaceId
from bitvault.kernel.refusal import Refusal, Refused

SQL = load_queries("bitvault.actors.files.store", "structure.sql")


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
    events: list[Event] = field(factory=list)
    ledger: Ledger = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start without changes."""
        self.ledger = Ledger(self.stamp.tenant, {})

    async def lock(self) -> None:
        """Take the tenant's tree lock; every structure operation does, before it looks."""
        await self.tx.fetch(LOCATE["tree_lock"], tenant=self.stamp.tenant)

    async def make_folder(self, one: MakeFolder) -> Done:
        """Create a folder, with its parents when asked to."""
        wanted = Wanted(*place_of(one.target, one.parent, one.name))
        place = await self._locate(wanted)
        permitted(place, Role.EDITOR)
        if not place.missing:
            if place.node["kind"] == "folder" and one.exist_ok:
                return Done(place.node, place.space["space_id"], place.path, None)
            raise Refused(NameTaken(place.node["name"]))
        if len(place.missing) > 1 and not one.parents:
            raise Refused(await self._absent(wanted))
        if len(place.names) + len(place.missing) > MAX_DEPTH:
            raise Refused(TreeRuleBroken("path", f"must be at most {MAX_DEPTH} levels deep"))
        row = await self._folders(place.space["space_id"], place.node_id, place.missing)
        return Done(row, place.space["space_id"], place.path, len(self.events) - 1)

    async def move(self, one: MoveNode) -> Done:
        """Rename or move: one row, and one event."""
        place = await self.source(one.target, one.if_revision)
        parent = await self.parent(one.parent) if one.parent else _above(place)
        if place.node_id in parent.ids:
            raise Refused(TreeRuleBroken("parentId", "must not be inside the node itself"))
        await self._check_depth(place, parent)
        name = valid_name(one.name) if one.name is not None else place.node["name"]
        name = await self.free(parent.ids[-1], name, one.if_exists, place.node_id)
        if parent.space_id != place.space["space_id"]:
            await self._carry(place, parent.space_id)
        before = place.node
        row = await self._row("move", node_id=place.node_id, parent_id=parent.ids[-1], name=name)
        self.events.append(
            NodeMoved(
                place.node_id,
                row["revision"],
                parent.space_id,
                before["parent_id"],
                before["name"],
                row["parent_id"],
                name,
            )
        )
        return self._done(row, parent.space_id, (*parent.names, name))

    async def trash(self, one: TrashNode) -> Done:
        """Hide a subtree behind one entry."""
        place = await self.source(one.target, one.if_revision)
        entry_id, space_id = self.ids.uuid7(), place.space["space_id"]
        await self.tx.execute(
            SQL["insert_entry"],
            **self._who(),
            entry_id=entry_id,
            space_id=space_id,
            node_id=place.node_id,
            parent_id=place.ids[-2],
            path=place.path,
        )
        row = await self.tx.fetchrow(
            SQL["mark_trashed"], **self._who(), entry_id=entry_id, node_id=place.node_id
        )
        row = _there(row)
        event = NodeTrashed(
            row["node_id"], row["revision"], space_id, row["parent_id"], row["name"], entry_id
        )
        self.events.append(event)
        done = self._done(row, space_id, place.names)
        done.entry_id = entry_id
        return done

    async def restore(self, one: RestoreEntry) -> Done:
        """Bring an entry back to its place, or to another."""
        if one.name is not None:
            valid_name(one.name)
        entry, root = await self._entry_in(one.entry_id)
        if one.parent:
            parent = await self.parent(one.parent)
        else:
            parent = await self._original(entry)
        node = await self.row(entry["node_id"])
        name = valid_name(one.name) if one.name is not None else node["name"]
        name = await self.free(parent.ids[-1], name, one.if_exists, node["node_id"])
        place = Place(root.space, root.role, (*root.ids, node["node_id"]), (name,), node, ())
        if one.parent:
            await self._check_depth(place, parent)
        if parent.space_id != entry["space_id"]:
            await self._carry(place, parent.space_id)
        row = await self._row(
            "bring_back", node_id=node["node_id"], parent_id=parent.ids[-1], name=name
        )
        await self.tx.execute(
            SQL["drop_entry"], tenant=self.stamp.tenant, entry_id=entry["entry_id"]
        )
        self.events.append(
            NodeRestored(
                row["node_id"],
                row["revision"],
                parent.space_id,
                row["parent_id"],
                name,
                entry["entry_id"],
            )
        )
        return self._done(row, parent.space_id, (*parent.names, name))

    async def finish(self) -> None:
        """Write what one operation counted, so that the next is checked against it."""
        await settle(self.tx, self.stamp.tenant, self.ledger)
        self.ledger = Ledger(self.stamp.tenant, {})

    async def _locate(self, wanted: Wanted) -> Place:
        (found,) = await locate(self.tx, self.stamp.caller, [wanted])
        if isinstance(found, Refusal):
            raise Refused(found)
        return found

    async def _absent(self, wanted: Wanted) -> Refusal:
        place = await self._locate(wanted)
        return NodeNotFound(join((*place.names, *place.missing[:-1])))

    async def source(self, target: Target, if_revision: int | None) -> Place:
        """Find a node the caller may change; never a root."""
        place = await locate_one(self.tx, self.stamp.caller, target, Role.EDITOR)
        if len(place.ids) == 1:
            raise Refused(TreeRuleBroken("id", "the root of a space stays where it is"))
        if if_revision not in (None, place.node["revision"]):
            raise Refused(StaleRevision(place.node["revision"]))
        return place

    async def parent(self, target: Target) -> "Parent":
        """Find a folder the caller may put something into."""
        place = await locate_one(self.tx, self.stamp.caller, target, Role.EDITOR)
        if place.node["kind"] != "folder":
            raise Refused(KindMismatch(place.path, "folder"))
        return Parent(place.ids, place.names, place.space["space_id"])

    async def entry(self, entry_id: UUID) -> Row:
        """Find a trash entry that the caller may restore or purge."""
        return (await self._entry_in(entry_id))[0]

    async def _entry_in(self, entry_id: UUID) -> tuple[Row, Place]:
        entry = await self.tx.fetchrow(SQL["entry"], tenant=self.stamp.tenant, entry_id=entry_id)
        if entry is None:
            raise Refused(EntryNotFound())
        root = Wanted(Target(path="/", space_id=SpaceId(entry["space_id"])))
        (found,) = await locate(self.tx, self.stamp.caller, [root])
        if isinstance(found, Refusal) or role_of(found.space, self.stamp.caller) is None:
            raise Refused(EntryNotFound())
        permitted(found, Role.EDITOR)
        chains = await self.tx.fetch(
            LOCATE["walk_up"], tenant=self.stamp.tenant, ids=[entry["node_id"]]
        )
        if not chains or chains[0]["root_space_id"] is None:
            raise Refused(EntryNotFound())  # a folder around it was purged
        return entry, found

    async def _original(self, entry: Row) -> "Parent":
        """Find the folder it was in, wherever that is now; else make it anew from the path."""
        caller, space_id = self.stamp.caller, entry["space_id"]
        by_id, by_path = await locate(
            self.tx,
            caller,
            [
                Wanted(Target(node_id=NodeId(entry["parent_id"]))),
                Wanted(Target(path=_parent_path(entry), space_id=SpaceId(space_id))),
            ],
        )
        if isinstance(by_id, Place):
            return Parent(by_id.ids, by_id.names, by_id.space["space_id"])
        place = (
            present(by_path, entry["original_path"]) if isinstance(by_path, Refusal) else by_path
        )
        ids = place.ids
        if place.missing:
            row = await self._folders(space_id, place.node_id, place.missing)
            ids = (*ids, row["node_id"])
        elif place.node["kind"] != "folder":
            raise Refused(KindMismatch(place.path, "folder"))
        return Parent(ids, place.names + place.missing, space_id)

    async def _folders(self, space_id: UUID, parent_id: UUID, names: Sequence[str]) -> Row:
        ids = [self.ids.uuid7() for _ in names]
        parents = [parent_id, *ids[:-1]]
        await self.tx.execute(
            SQL["insert_folders"],
            **self._who(),
            ids=ids,
            parents=parents,
            names=list(names),
            keys=[name_key(name) for name in names],
        )
        self.events += [
            NodeCreated(node_id, 1, space_id, parent, name)
            for node_id, parent, name in zip(ids, parents, names, strict=True)
        ]
        return await self.row(ids[-1])

    async def free(
        self, parent_id: UUID, name: str, if_exists: IfExists, own: UUID | None = None
    ) -> str:
        """Return ``name``, or a numbered one when it is taken and that was asked for."""
        rows = await self.tx.fetch(
            LOCATE["children_named"],
            tenant=self.stamp.tenant,
            parents=[parent_id],
            keys=[name_key(name)],
        )
        if not rows or rows[0]["node_id"] == own:
            return name
        if if_exists is not IfExists.RENAME:
            raise Refused(NameTaken(name))
        taken = await numbered_keys(self.tx, self.stamp, [(parent_id, name)])
        return Picture({}, taken, self.ids.uuid7).free_name(parent_id, name)

    async def _check_depth(self, place: Place, parent: "Parent") -> None:
        """Measure a folder only when it goes deeper, so that a rename stays one row."""
        if place.node["kind"] == "file" or len(parent.ids) < len(place.ids):
            below = 0
        else:
            row = await self.tx.fetchrow(
                SQL["subtree_depth"], tenant=self.stamp.tenant, node_id=place.node_id
            )
            below = _there(row)["depth"]
        if len(parent.ids) + below > MAX_DEPTH:
            raise Refused(TreeRuleBroken("parentId", f"at most {MAX_DEPTH} levels are possible"))

    async def _carry(self, place: Place, space_id: UUID) -> None:
        row = await self.tx.fetchrow(
            SQL["subtree_bytes"], tenant=self.stamp.tenant, node_id=place.node_id
        )
        size = _there(row)["bytes"]
        spaces = [place.space["space_id"], space_id]
        (await lock_ledger(self.tx, self.stamp, spaces)).check(space_id, size, new=False)
        self.ledger.add(space_id, used=size)
        self.ledger.add(place.space["space_id"], used=-size)
        await self.tx.execute(
            SQL["carry_entries"],
            tenant=self.stamp.tenant,
            node_id=place.node_id,
            space_id=space_id,
        )

    async def row(self, node_id: UUID) -> Row:
        """Read one node back."""
        return _there(
            await self.tx.fetchrow(SQL["node"], tenant=self.stamp.tenant, node_id=node_id)
        )

    async def _row(self, query: str, *, node_id: UUID, parent_id: UUID, name: str) -> Row:
        row = await self.tx.fetchrow(
            SQL[query],
            **self._who(),
            node_id=node_id,
            parent_id=parent_id,
            name=name,
            name_key=name_key(name),
        )
        return _there(row)

    def _done(self, row: Row, space_id: UUID, names: Sequence[str]) -> Done:
        return Done(row, space_id, join(tuple(names)), len(self.events) - 1)

    def _who(self) -> dict[str, object]:
        user_id = self.stamp.caller.principal.user_id
        return {"tenant": self.stamp.tenant, "now": self.stamp.now, "user_id": user_id}


@define
class Parent:
    """A folder that something goes into: its chain of ids and names, and its space."""

    ids: tuple[UUID, ...]
    names: tuple[str, ...]
    space_id: UUID


def _above(place: Place) -> Parent:
    return Parent(place.ids[:-1], place.names[:-1], place.space["space_id"])


def _parent_path(entry: Row) -> str:
    path: str = entry["original_path"].rpartition("/")[0]
    return path or "/"


def _there(row: Row | None) -> Row:
    if row is None:
        raise AssertionError("the tree lock keeps this row")
    return row
