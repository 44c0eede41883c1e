"""What there is in the model, how it is found, and what a name, a rank and a quota allow.

Byte figures and reference counts are never kept but always counted anew from the versions that
there are, so that they cannot drift with the room's.
"""

import unicodedata  # noqa: TID251 - a table that is not the one tested
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, NoReturn
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.files import contract as c
from bitvault.kernel.refusal import Forbidden, Refusal

NOBODY, VIEWER, EDITOR, MANAGER = range(4)


class No(Exception):  # noqa: N818 - carries an answer
    """The answer is a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@define(eq=False)
class Space:
    """A tree with a quota; ``ranks`` says by user who may do what."""

    name: str
    ranks: dict[int, int]
    quota: int | None = None
    team: bool = False
    space_id: UUID | None = None
    root: "Node" = field(init=False)


@define(eq=False)
class Node:
    """A folder, or a file when it has versions: (size, hash), oldest first."""

    parent: "Node | None"
    name: str
    versions: list[tuple[int, str]] = field(factory=list)
    revision: int = 1
    entry: "Entry | None" = None
    node_id: UUID | None = None

    @property
    def chain(self) -> "list[Node]":
        """From the root down to here."""
        return [*(self.parent.chain if self.parent else []), self]

    @property
    def path(self) -> str:
        """Where it is; in the trash, where it was."""
        return self.entry.path if self.entry else "/" + "/".join(n.name for n in self.chain[1:])


@define(eq=False)
class Entry:
    """What one deletion put in the trash of a space."""

    node: Node
    space: Space
    path: str
    entry_id: UUID | None = None


@define(eq=False)
class Upload:
    """An opened upload, aimed at names below the deepest folder that was there."""

    user: int
    space: Space
    anchor: Node
    names: tuple[str, ...]
    draft: c.UploadDraft
    state: str = "open"


@frozen
class Place:
    """What there is of a path: the nodes from the root down, and the names that are missing."""

    space: Space
    nodes: list[Node]
    missing: tuple[str, ...] = ()
    typed: str = ""
    """The last name as it was asked for."""

    @property
    def node(self) -> Node:
        """The deepest node that is there."""
        return self.nodes[-1]


@define(eq=False)
class Tree:
    """A tenant's spaces and all in them."""

    spaces: list[Space]
    quota: int
    nodes: list[Node] = field(factory=list)
    entries: list[Entry] = field(factory=list)
    uploads: list[Upload] = field(factory=list)
    seen: Counter[str] = field(factory=Counter)
    """What rare things happened."""

    def __attrs_post_init__(self) -> None:
        """Give each space its root."""
        for space in self.spaces:
            space.root = self.add(None, space.name)

    # What there is

    def children(self, parent: Node) -> list[Node]:
        """The live children of a folder, by key."""
        found = [node for node in self.nodes if node.parent is parent and not node.entry]
        return sorted(found, key=lambda node: name_key(node.name).encode())

    def below(self, top: Node) -> Iterator[Node]:
        """A node and all live nodes below it."""
        yield top
        for child in self.children(top):
            yield from self.below(child)

    def holding(self, top: Node) -> list[Node]:
        """A node and all below it; what is in the trash there goes where its folder goes."""
        return [node for node in self.nodes if top in node.chain]

    def drop_empty(self, node: Node | None) -> None:
        """Remove folders that a purge kept for what was below them, and that hold nothing."""
        while (
            node and node.entry and node.entry not in self.entries and self.holding(node) == [node]
        ):
            self.nodes.remove(node)
            node = node.parent

    def used(self, *spaces: Space) -> int:
        """Bytes of every version in the spaces, with their trash."""
        return sum(size_of(self.holding(space.root)) for space in spaces)

    def reserved(self, *spaces: Space) -> int:
        """Bytes announced and not yet committed."""
        waiting = (u for u in self.uploads if u.state == "open" and u.space in spaces)
        return sum(upload.draft.size for upload in waiting)

    def refs(self) -> Counter[str]:
        """How many versions have each content."""
        return Counter(digest for node in self.nodes for _, digest in node.versions)

    # Finding, permission, names, quota

    def find(self, user: int, target: c.Target) -> Place:
        """Walk along a path, or go to a node by id."""
        path, names = target.path, ()
        if path is not None:
            space = self._space(user, target)
            if space is None or not space.ranks.get(user):
                no(c.SpaceNotFound(path))
            start, names = space.root, tuple(path.partition("/")[2].split("/"))
        else:
            known = (node for node in self.nodes if node.node_id == target.node_id)
            space, start = self.entered(user, next(known, None))
        return self.walk(Place(space, start.chain), tuple(name for name in names if name))

    def _space(self, user: int, target: c.Target) -> Space | None:
        label = (target.path or "").partition(":/")[0]
        for space in self.spaces:
            if label and not label.startswith("/"):
                hit = space.team and space.name == label
            elif target.space_id:
                hit = space.space_id == target.space_id
            else:
                hit = not space.team and space.ranks.get(user, NOBODY) > NOBODY
            if hit:
                return space
        return None

    def entered(self, user: int, node: Node | None) -> tuple[Space, Node]:
        """Return a live node with its space, if the user may see it."""
        space = self.home(node) if node else None
        if node is None or space is None or not space.ranks.get(user):
            no(c.NodeNotFound(""))
        return space, node

    def home(self, node: Node) -> Space | None:
        """The space of a live node; None when it, or something above it, is not live."""
        if any(above.entry or above not in self.nodes for above in node.chain):
            return None
        return next(space for space in self.spaces if space.root is node.chain[0])

    def walk(self, place: Place, names: tuple[str, ...]) -> Place:
        """Go down by names as far as there is something."""
        for index, name in enumerate(names):
            child = self.child(place.node, name)
            if child is None and place.node.versions:
                no(c.KindMismatch(place.node.path, "folder"))
            if child is None:
                return Place(place.space, place.nodes, names[index:])
            place = Place(place.space, [*place.nodes, child], (), name)
        return place

    def existing(self, user: int, target: c.Target, rank: int = VIEWER) -> Place:
        """Find what is there, and what the user may do with it."""
        place = self.find(user, target)
        if place.missing:
            no(c.NodeNotFound(place.missing[0]))
        return permitted(place, user, rank)

    def source(self, user: int, one: Any) -> Place:
        """Find what an operation is to change: no root, and in the revision that is known."""
        place = self.existing(user, one.target, EDITOR)
        if place.node.parent is None:
            no(c.TreeRuleBroken("id", "root"))
        if one.if_revision not in (None, place.node.revision):
            no(c.StaleRevision(place.node.revision))
        return place

    def folder(self, user: int, target: c.Target) -> Place:
        """Find a folder that something may be put into."""
        place = self.existing(user, target, EDITOR)
        return no(c.KindMismatch("", "folder")) if place.node.versions else place

    def child(self, parent: Node, name: str) -> Node | None:
        """The live child of that name, however it is written."""
        same = (n for n in self.children(parent) if name_key(n.name) == name_key(name))
        return next(same, None)

    def free(self, to: Node, one: Any, own: Node) -> tuple[str, Node | None]:
        """Return the name that something gets in a folder, and the file that it replaces there."""
        name = nfc(one.name or own.name)
        there = self.child(to, name)
        if there is None or (there is own and not isinstance(one, c.CopyNode)):
            return name, None
        if one.if_exists is c.IfExists.RENAME:
            return self.numbered(to, name), None
        if one.if_exists is c.IfExists.FAIL or not own.versions:
            no(c.NameTaken(name))
        return (name, there) if there.versions else no(c.KindMismatch("", "file"))

    def numbered(self, to: Node, name: str) -> str:
        """Return the first ``name (n)`` that is free."""
        stem, dot, end = name.rpartition(".")
        if not stem or " " in end:
            stem, dot, end = name, "", ""
        names = (f"{stem.rstrip()} ({n}){dot}{end}" for n in count(2))
        return next(one for one in names if not self.child(to, one))

    def fits(self, size: int, space: Space, *, tenant: bool = True) -> None:
        """Refuse what a quota does not allow; what only moves is not new to the ``tenant``."""
        left = [self.quota - self.used(*self.spaces) - self.reserved(*self.spaces)] * tenant
        if space.quota is not None:
            left.append(space.quota - self.used(space) - self.reserved(space))
        if any(size > one for one in left):
            no(c.QuotaExceeded(size, max(0, min(left))))

    def add(self, parent: Node | None, name: str, *version: tuple[int, str]) -> Node:
        """Put a new node in a folder."""
        self.nodes.append(Node(parent, nfc(name), list(version)))
        return self.nodes[-1]

    def folders(self, place: Place) -> Node:
        """Make the folders that are missing."""
        node = place.node
        for name in place.missing:
            node = self.child(node, name) or self.add(node, name)
        return node


def nfc(name: str) -> str:
    """Return how a name is kept."""
    return unicodedata.normalize("NFC", name)


def name_key(name: str) -> str:
    """Return what makes two names the same (Unicode's canonical caseless matching)."""
    return nfc(unicodedata.normalize("NFD", name).casefold())


def no(refusal: Refusal) -> NoReturn:
    """Refuse."""
    raise No(refusal)


def size_of(nodes: Iterable[Node]) -> int:
    """Count the bytes of all versions."""
    return sum(size for node in nodes for size, _ in node.versions)


def permitted(place: Place, user: int, rank: int = EDITOR) -> Place:
    """Refuse a user of too weak a rank."""
    return place if place.space.ranks[user] >= rank else no(Forbidden("change anything"))
