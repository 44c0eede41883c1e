"""Places: where a node is, or will be, and what the caller may do there."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from bitvault.actors.files.contract import Node, NodeNotFound, Step
from bitvault.actors.files.rules.access import role_in
from bitvault.actors.files.rules.names import join
from bitvault.drivers.postgres.port import Row
from bitvault.kernel.access import NONE, Right, confined, rights_along, rights_of, top_of
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refusal, Refused


@frozen
class Place:
    """Where something is: the chain of existing nodes from the root, and what is missing."""

    space: Row
    rights: tuple[Right, ...]
    """What the caller may do to each of ``ids``."""
    ids: tuple[UUID, ...]
    names: tuple[str, ...]
    """Of ``ids`` without the root and without what the caller may not see above."""
    node: Row
    """The deepest existing node."""
    missing: tuple[str, ...]
    typed: str = ""
    """The last name of what was asked for as the caller wrote it, whatever exists."""
    hidden: tuple[str, ...] = ()
    """Names above ``names`` that the caller may not see."""
    dropped: tuple[str, ...] = ()
    """What the caller wrote below a folder they may add to and see nothing of, whatever exists."""

    @property
    def node_id(self) -> UUID:
        """Return the id of the deepest existing node."""
        return self.ids[-1]

    @property
    def path(self) -> str:
        """Return the path asked for, in the case that exists, from where the caller may see."""
        return join(self.dropped or self.names + self.missing)

    @property
    def depth(self) -> int:
        """Return how many levels below the root it is, or will be."""
        return len(self.ids) - 1 + len(self.missing)

    @property
    def rights_into(self) -> Right:
        """Return what the caller may do to the folder that it is, or will be, in."""
        if self.missing:
            return self.rights[-1]
        return self.rights[-2] if len(self.rights) > 1 else NONE

    @property
    def drop_index(self) -> int:
        """Return which of ``ids`` the folder is that ``dropped`` is below."""
        return self.depth - len(self.dropped)

    @property
    def is_top(self) -> bool:
        """Say whether it is the highest node on its way that the caller may see."""
        return len(self.ids) > 1 and Right.READ not in self.rights[-2]

    @property
    def hides_parent(self) -> bool:
        """Say whether what is there already is in a folder that the caller may not see."""
        return self.is_top and not self.missing

    def was_at(self, original_path: str) -> str:
        """Return where a trashed node was, as far as the caller may know."""
        return join(self.names) if self.hidden else original_path

    def described(self) -> Node:
        """Return the existing node as the contract shows it."""
        node = node_of(self.node, self.space["space_id"], join(self.names))
        return evolve(node, parent_id=None) if self.is_top else node

    def shown(self, row: Row) -> Row:
        """Return a row of the existing node without what the caller may not see of it."""
        return {**row, "parent_id": None} if self.hides_parent else row


@frozen
class Parent:
    """A folder that something goes into: its chain of ids and names, and its space."""

    ids: tuple[UUID, ...]
    names: tuple[str, ...]
    space_id: UUID
    rights: Right = NONE
    """What the caller may do there, where that was asked."""


def parent_of(place: Place) -> Parent:
    """Return the folder that an existing node is in."""
    return Parent(place.ids[:-1], place.names[:-1], place.space["space_id"])


def steps_of(place: Place) -> tuple[Step, ...]:
    """Return the way to an existing node; what the caller may not see has no path."""
    top, above = top_of(place.rights), len(place.hidden)
    return tuple(
        Step(NodeId(node_id), join(place.names[: index - above]) if index >= top else None)
        for index, node_id in enumerate(place.ids)
    )


def dropped_in(place: Place, names: Sequence[str], first: int) -> tuple[str, ...]:
    """Return what of ``names`` is below a folder where the caller may add, and sees nothing.

    ``names`` are below ``ids[first]``. Nothing, where the folder that the last name goes into may
    be seen, or where what leads there can neither be seen nor added to.
    """
    if not names or Right.READ in place.rights_into:
        return ()
    folders = len(place.ids) - (place.node["kind"] != "folder")
    for index in range(first, min(folders, first + len(names))):
        if Right.READ not in place.rights[index]:
            return tuple(names[index - first :]) if Right.ADD in place.rights[index] else ()
    return ()


def node_of(row: Mapping[str, Any], space_id: UUID, path: str) -> Node:
    """Build the contract's node from a row."""
    return Node(
        node_id=NodeId(row["node_id"]),
        kind=row["kind"],
        space_id=SpaceId(space_id),
        parent_id=NodeId(row["parent_id"]) if row["parent_id"] else None,
        name=row["name"],
        path=path,
        size=row["size"],
        hash=row["hash"],
        version=row["version"],
        revision=row["revision"],
        content_type=row["content_type"],
        content_modified_at=row["content_modified_at"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        modified_by=UserId(row["modified_by"]),
    )


def present(found: Place | Refusal, label: str, needed: Right = Right.READ) -> Place:
    """Return an existing place where the caller may do what ``needed`` allows, or refuse."""
    if isinstance(found, Refusal):
        raise Refused(found)
    if found.missing:
        raise Refused(NodeNotFound(label))
    permitted(found, needed)
    return found


def permitted(found: Place, needed: Right) -> None:
    """Refuse when the caller may see the place, but do no more."""
    if needed not in found.rights[-1]:
        shares = needed is Right.SHARE
        raise Refused(Forbidden("see or say who has access" if shares else "change anything"))


def rights_in(space: Row, user_id: UUID) -> Right:
    """Return what a user may do in a space, before any grant."""
    owns = space["owner_id"] == user_id
    return rights_of(role_in(space["kind"], owns=owns, member_role=space["member_role"]))


def rights_at(chain: Row, space: Row, caller: Caller) -> Sequence[Right]:
    """Return what the caller may do to each node of a walk up."""
    owned = rights_along(rights_in(space, caller.principal.user_id), chain["granted"])
    return confined(caller.principal.confined_to, chain["ids"], owned)


def place_at(chain: Row, space: Row, caller: Caller) -> Place | None:
    """Return where a walk up began, live or trashed; None if the caller may not see it."""
    rights = rights_at(chain, space, caller)
    names = chain["names"] or []
    if Right.READ not in rights[-1]:
        return None
    return place_of_chain(space, chain, chain["ids"], names, rights)


def place_of_chain(
    space: Row, node: Row, ids: Sequence[UUID], names: Sequence[str], rights: Sequence[Right]
) -> Place:
    """Build the place at the end of a chain; names above what may be seen are hidden."""
    hidden = max(0, top_of(rights) - 1)
    return Place(
        space=space,
        rights=tuple(rights),
        ids=tuple(ids),
        names=tuple(names[hidden:]),
        node=node,
        missing=(),
        hidden=tuple(names[:hidden]),
    )
