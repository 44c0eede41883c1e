"""The part of a tree that a batch of operations looks at and changes, drawn in memory.

Under the tree lock nobody else changes the tree, so what was loaded stays true. What an operation
changes is drawn at once, for the next one to see, and written later together with what others
changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.files.rules.names import MAX_DEPTH, name_key

SpaceKey = tuple[UUID | None, str | None]
"""How a space is asked for: by id, by a team's name key, or by neither: the caller's own."""
Row = Mapping[str, Any]
_Spot = tuple[UUID, str]


class Unknown(Exception):  # noqa: N818 - not an error: load it, then ask again
    """The tree is not drawn that far."""


@frozen
class Chain:
    """Nodes from a root down; ``names`` without the root's."""

    ids: Sequence[UUID]
    names: Sequence[str]
    granted: Sequence[int]


@define
class Knot:
    """A node: where it hangs, and its row once it was asked for itself."""

    node_id: UUID
    parent_id: UUID | None
    name: str
    space_id: UUID | None = None
    """Of a root."""
    granted: int = 0
    """What was granted to the caller on this node itself (``kernel/access.py``)."""
    is_hidden: bool = False
    """Whether it is the node of a trash entry; all below it is hidden with it."""
    row: Row | None = None
    stored: int | None = None
    """The revision that is in the database; None for a folder that is only drawn."""

    @property
    def spot(self) -> _Spot:
        """Return its place; a root has none."""
        if self.parent_id is None:
            raise AssertionError("a root stays where it is")
        return self.parent_id, name_key(self.name)


@define
class Tree:
    """What is known, and what of it is not written yet."""

    knots: dict[UUID, Knot] = field(factory=dict)
    below: dict[_Spot, UUID | None] = field(factory=dict)
    """Which live node is at a place; None for none."""
    gone: set[UUID] = field(factory=set)
    """Ids that are no live node's."""
    fresh: set[UUID] = field(factory=set)
    """Folders made here: nothing is in them but what is drawn."""
    spaces: dict[SpaceKey, Row | None] = field(factory=dict)
    heights: dict[UUID, int] = field(factory=dict)
    """At most so many levels of folders are below a folder that was measured."""
    created: dict[UUID, Knot] = field(factory=dict)
    changed: dict[UUID, Knot] = field(factory=dict)
    left: dict[_Spot, UUID] = field(factory=dict)
    """Places that are free as soon as ``changed`` is written, and who was there."""

    def learn_chain(self, chain: Chain, space_id: UUID, row: Row) -> None:
        """Draw the live nodes from a root down to the one whose row this is."""
        ids, names, granted = chain.ids, chain.names, chain.granted
        for index, node_id in enumerate(ids):
            if node_id not in self.knots:
                above, name = (ids[index - 1], names[index - 1]) if index else (None, "")
                root_of = None if index else space_id
                self.knots[node_id] = Knot(node_id, above, name, root_of, granted[index])
                if index:
                    self.below[self.knots[node_id].spot] = node_id
        knot = self.knots[ids[-1]]
        if knot.row is None:
            knot.row, knot.stored = row, row["revision"]

    def learn_child(self, row: Row) -> None:
        """Draw a live node below a folder that is drawn."""
        if row["node_id"] not in self.knots:
            knot = Knot(row["node_id"], row["parent_id"], row["name"], None, row["granted"])
            self.knots[knot.node_id] = knot
            self.below[knot.spot] = knot.node_id
        knot = self.knots[row["node_id"]]
        if knot.row is None:
            knot.row, knot.stored = row, row["revision"]

    def learn_free(self, parent_id: UUID, key: str) -> None:
        """Note that nothing is at a place, unless something was drawn there."""
        self.below.setdefault((parent_id, key), None)

    def space(self, key: SpaceKey) -> Row | None:
        """Return a space's row; None when there is none."""
        try:
            return self.spaces[key]
        except KeyError:
            raise Unknown from None

    def whole(self, node_id: UUID) -> Knot:
        """Return a node with its row."""
        knot = self.knots.get(node_id)
        if knot is None or knot.row is None:
            raise Unknown
        return knot

    def at(self, parent_id: UUID, key: str) -> UUID | None:
        """Return the live node at a place."""
        try:
            return self.below[parent_id, key]
        except KeyError:
            if parent_id in self.fresh:
                return None
            raise Unknown from None

    def up(self, node_id: UUID) -> Row | None:
        """Answer as ``walk_up`` does: a node's row, with the chain from its root."""
        if node_id in self.gone:
            return None
        whole = self.whole(node_id)
        ids, names, trashed, knot = [node_id], [], whole.is_hidden, whole
        granted = [whole.granted]
        while knot.parent_id is not None:
            names.append(knot.name)
            knot = self.knots[knot.parent_id]
            ids.append(knot.node_id)
            granted.append(knot.granted)
            trashed = trashed or knot.is_hidden
        return {
            **(whole.row or {}),
            "ids": ids[::-1],
            "names": names[::-1],
            "granted": granted[::-1],
            "root_space_id": knot.space_id,
            "trashed": trashed,
        }

    def down(self, start: UUID, keys: Sequence[str]) -> Row:
        """Answer as ``walk_down`` does: the deepest existing node along the keys."""
        ids, names = [start], []
        for key in keys:
            child = None if self._is_file(ids[-1]) else self.at(ids[-1], key)
            if child is None:
                break
            ids.append(child)
            names.append(self.knots[child].name)
        row = self.whole(ids[-1]).row or {}
        granted = [self.knots[node_id].granted for node_id in ids]
        return {**row, "depth": len(names), "ids": ids, "names": names, "granted": granted}

    def _is_file(self, node_id: UUID) -> bool:
        knot = self.knots.get(node_id)
        return knot is not None and knot.row is not None and knot.row["kind"] == "file"

    def blocks(self, knot: Knot, spot: _Spot) -> bool:
        """Say whether what is drawn must be written before ``knot`` may take a place.

        One statement cannot give a name from one node to another. What went to the trash is
        written first, and needs no name; new folders are written last, and may have any.
        """
        before = self.left.get(spot, knot.node_id)
        is_given = before != knot.node_id and not self.knots[before].is_hidden
        return knot.stored is not None and is_given

    def add(self, row: Row) -> Knot:
        """Draw a new folder."""
        knot = Knot(row["node_id"], row["parent_id"], row["name"], row=row)
        self.knots[knot.node_id] = self.created[knot.node_id] = knot
        self.below[knot.spot] = knot.node_id
        self.fresh.add(knot.node_id)
        self.heights[knot.node_id] = 0
        return knot

    def change(self, node_id: UUID, row: Row, *, is_hidden: bool = False) -> None:
        """Draw a node's new row: another place, or the trash."""
        knot = self.whole(node_id)
        self.below[knot.spot] = None
        if knot.stored is not None:
            self.left[knot.spot] = node_id
            self.changed[node_id] = knot
        knot.row, knot.is_hidden = row, is_hidden
        knot.parent_id, knot.name = row["parent_id"], row["name"]
        if not is_hidden:
            self.below[knot.spot] = node_id

    def grow(self, ids: Iterable[UUID], node_id: UUID) -> None:
        """Count the levels that the folders ``ids`` have at most, with a node put below them."""
        known = 0 if self._is_file(node_id) else self.heights.get(node_id, MAX_DEPTH)
        for above in ids:
            if above in self.heights:
                self.heights[above] += known + 1

    def written(self) -> None:
        """Take what is drawn for written."""
        for knot in (*self.created.values(), *self.changed.values()):
            knot.stored = knot.row["revision"] if knot.row else None
        self.created, self.changed, self.left = {}, {}, {}
