"""Drawing a tree for a batch of operations: loaded before they look, written after they changed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from attrs import define, field

from bitvault.actors.files.contract import (
    MakeFolder,
    MoveNode,
    Operation,
    Target,
    TrashNode,
)
from bitvault.actors.files.rules.drafts import place_of
from bitvault.actors.files.rules.names import name_key, valid_name
from bitvault.actors.files.rules.tree import Chain, Knot, Tree, Unknown
from bitvault.actors.files.store.contents import Raced, Stamp
from bitvault.actors.files.store.locate import (
    SQL as LOCATE,
)
from bitvault.actors.files.store.locate import Search, Wanted, locate_in, said_to, search_for
from bitvault.actors.files.store.places import Place, present
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Right
from bitvault.kernel.refusal import Refusal, Refused

SQL = load_queries("bitvault.actors.files.store", "structure.sql")
Drawn = MakeFolder | MoveNode | TrashNode
"""Operations whose effect is drawn; the others read and write the database themselves."""
_NODE = ("node_id", "parent_id", "name", "name_key", "entry_id", "revision")
_ENTRY = ("entry_id", "space_id", "node_id", "parent_id", "path")


@define
class Drawing:
    """Answers from what is drawn; loads the rest when it is asked for, and writes before that."""

    tx: Transaction
    stamp: Stamp
    tree: Tree = field(factory=Tree)
    entries: list[Mapping[str, Any]] = field(factory=list)
    """Trash entries that are not written yet."""

    async def prepare(self, operations: Sequence[Operation]) -> None:
        """Load what these operations will look at, as far as it can be told now."""
        self.tree = Tree()
        await self._load([wanted for one in operations for wanted in _wanted(one)])
        moves = [one for one in operations if isinstance(one, MoveNode)]
        ends = [found for one in moves if (found := self._ends(one))]
        await self._load_spots([(above[-1], key) for _, above, key in ends])
        deeper = [
            place.node_id
            for place, above, _ in ends
            if place.node["kind"] == "folder" and len(above) >= len(place.ids)
        ]
        await self._measure(list(dict.fromkeys(deeper)))

    def _ends(self, one: MoveNode) -> tuple[Place, tuple[UUID, ...], str] | None:
        """Return what is moved, the chain of the folder it goes into, and its key there."""
        try:
            place = self._seen(one.target)
            above = self._seen(one.parent, Right.ADD).ids if one.parent else place.ids[:-1]
            name = place.node["name"] if one.name is None else valid_name(one.name)
        except (Refused, Unknown):
            return None
        return (place, above, name_key(name)) if above and len(place.ids) > 1 else None

    def _seen(self, target: Target, needed: Right = Right.CHANGE) -> Place:
        found = locate_in(self.tree, self.stamp.caller, Wanted(target))
        return present(found, "", needed)

    async def find(self, wanted: Wanted) -> Place | Refusal:
        """Answer as ``locate`` does, with what earlier operations changed."""
        try:
            return locate_in(self.tree, self.stamp.caller, wanted)
        except Unknown:
            await self.write()
            await self._load([wanted])
            return locate_in(self.tree, self.stamp.caller, wanted)

    async def at(self, parent_id: UUID, name: str) -> UUID | None:
        """Return the live node of this name in a folder."""
        key = name_key(name)
        try:
            return self.tree.at(parent_id, key)
        except Unknown:
            await self.write()
            await self._load_spots([(parent_id, key)])
            return self.tree.at(parent_id, key)

    async def height(self, node_id: UUID, most: int) -> int:
        """Return how many levels of folders are below a folder; exact if more than ``most``."""
        known = self.tree.heights.get(node_id)
        if known is None or known > most:
            await self.write()
            await self._measure([node_id])
        return self.tree.heights[node_id]

    async def make_room(self, node_id: UUID, parent_id: UUID, name: str) -> None:
        """Write first, if a name was given up that this node is about to take."""
        if self.tree.blocks(self.tree.whole(node_id), (parent_id, name_key(name))):
            await self.write()

    async def write(self) -> None:
        """Write what is drawn: what was trashed, other changes, new folders; names pass down.

        Raises:
            Raced: somebody changed one of the nodes, or took a name, without the tree lock.
        """
        created = list(self.tree.created.values())
        for is_hidden in (True, False):
            changed = [k for k in self.tree.changed.values() if k.is_hidden is is_hidden]
            if changed:
                stored = [knot.stored for knot in changed]
                done = await self._run("update_nodes", _rows(changed), _NODE, stored=stored)
                _complete(done, len(changed))
        if created:
            done = await self._run("insert_folders", _rows(created), _NODE)
            _complete(done, len(created))
        if self.entries:
            await self._run("insert_entries", self.entries, _ENTRY)
        self.entries = []
        self.tree.written()

    async def _run(
        self, query: str, rows: Sequence[Row], columns: Sequence[str], **more: list[Any]
    ) -> int:
        lists = {f"{column}s": [row[column] for row in rows] for column in columns}
        return await self.tx.execute(SQL[query], **self.stamp.who, **lists, **more)

    async def _load(self, wanted: Sequence[Wanted]) -> None:
        for search in await search_for(self.tx, self.stamp.caller, wanted):
            self._learn(search)

    def _learn(self, search: Search) -> None:
        start, found, space = search.start, search.found, search.space
        if start is None and search.is_walked and search.origin_id:
            self.tree.gone.add(search.origin_id)
        if start:
            chain = Chain(start["ids"], start["names"] or [], start["granted"])
            self.tree.learn_chain(chain, start["root_space_id"], start)
        if start is None and search.address is None:
            return
        self.tree.spaces[search.space_key] = space
        if found is None or space is None:
            return
        chain = Chain(found["ids"], found["names"], found["granted"])
        if start:
            chain = Chain(
                [*start["ids"], *chain.ids[1:]],
                [*(start["names"] or []), *chain.names],
                [*start["granted"], *chain.granted[1:]],
            )
        self.tree.learn_chain(chain, space["space_id"], found)
        missing = search.keys[found["depth"] :]
        if missing and found["kind"] == "folder":
            self.tree.learn_free(found["node_id"], missing[0])

    async def _load_spots(self, spots: Sequence[tuple[UUID, str]]) -> None:
        if not spots:
            return
        unique = list(dict.fromkeys(spots))
        rows = await self.tx.fetch(
            LOCATE["children_named"],
            tenant=self.stamp.tenant,
            parents=[parent_id for parent_id, _ in unique],
            keys=[key for _, key in unique],
            **said_to(self.stamp.caller),
        )
        for row in rows:
            self.tree.learn_child(row)
        for parent_id, key in unique:
            self.tree.learn_free(parent_id, key)

    async def _measure(self, ids: Sequence[UUID]) -> None:
        if not ids:
            return
        rows = await self.tx.fetch(SQL["heights"], tenant=self.stamp.tenant, ids=list(ids))
        self.tree.heights |= {row["node_id"]: row["height"] for row in rows}


def _wanted(one: Operation) -> list[Wanted]:
    match one:
        case MakeFolder():
            try:
                return [Wanted(*place_of(one.target, one.parent, one.name))]
            except Refused:
                return []
        case MoveNode(parent=None) | TrashNode():
            return [Wanted(one.target)]
        case MoveNode(parent=Target() as parent):
            return [Wanted(one.target), Wanted(parent)]
    return []


def _rows(knots: Sequence[Knot]) -> list[Row]:
    return [knot.row for knot in knots if knot.row is not None]


def _complete(done: int, wanted: int) -> None:
    if done != wanted:
        raise Raced
