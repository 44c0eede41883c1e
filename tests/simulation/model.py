"""The oracle's own tree: what a namespace is, built from the journal. Imports nothing of BitVault.

The journal gives one order of everything that happened in a tenant. ``Tree.after`` takes one event
and says what it breaks; the states in between are what a client may have met, so an outcome nobody
heard of is simply one of them.
"""

import unicodedata  # noqa: TID251 - a table that is not the one tested
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from attrs import evolve, field, frozen


def name_key(name: str) -> str:
    """Return what two names of one folder may not share."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", folded)


def numbered(name: str, number: int) -> str:
    """Return the name that a rename on conflict tries."""
    stem, dot, extension = name.rpartition(".")
    return f"{stem} ({number}).{extension}" if dot and stem else f"{name} ({number})"


@frozen
class Event:
    """A journal's line."""

    seq: int
    request: str
    """What the client called the request that caused it; empty for the platform's own."""
    kind: str
    subject: UUID
    revision: int
    payload: Mapping[str, Any]
    actor: UUID | None = None
    """Whose request it was."""

    @property
    def is_root(self) -> bool:
        """Whether it is the birth of a space, which nobody asks for by itself."""
        return self.payload.get("parent_id", "") is None


@frozen
class Node:
    """A file or folder; a root has no parent."""

    node_id: UUID
    parent: UUID | None
    kind: str
    name: str
    revision: int = 1
    entry: UUID | None = None
    versions: tuple[tuple[int, str], ...] = ()
    """Size and hash of each version, oldest first."""

    @property
    def version(self) -> int | None:
        """Return the current version's number, None for a folder."""
        return len(self.versions) or None


@frozen
class Entry:
    """A trash entry: whose place it remembers."""

    node_id: UUID
    parent: UUID
    path: str
    root: UUID


@frozen
class Tree:
    """Every node of a tenant at one moment."""

    nodes: Mapping[UUID, Node] = field(factory=dict)
    entries: Mapping[UUID, Entry] = field(factory=dict)

    def after(self, event: Event) -> "tuple[Tree, list[str]]":
        """Return the tree after an event, and what the event breaks."""
        step = _STEPS.get(event.kind)
        if step is None:
            return self, []
        broken: list[str] = []
        tree = step(self, event, broken)
        return tree, [f"{each} (event {event.seq}, {event.kind})" for each in broken]

    def root(self, name: str) -> Node | None:
        """Return the root of a space by its name."""
        roots = (node for node in self.nodes.values() if node.parent is None)
        return next((node for node in roots if name_key(node.name) == name_key(name)), None)

    def chain(self, node_id: UUID | None) -> list[Node] | None:
        """Return root … node, or None when anything on the way is in the trash or gone."""
        found: list[Node] = []
        while node_id is not None:
            node = self.nodes.get(node_id)
            if node is None or node.entry is not None or len(found) > len(self.nodes):
                return None
            found.append(node)
            node_id = node.parent
        return found[::-1]

    def child(self, parent: UUID, name: str) -> Node | None:
        """Return the live child of that name."""
        return next((n for n in self.children(parent) if name_key(n.name) == name_key(name)), None)

    def children(self, parent: UUID) -> list[Node]:
        """Return the live children."""
        return [n for n in self.nodes.values() if n.parent == parent and n.entry is None]

    def below(self, node_id: UUID) -> Iterator[Node]:
        """Yield a node and everything below it, the trashed too."""
        yield self.nodes[node_id]
        for node in list(self.nodes.values()):
            if node.parent == node_id:
                yield from self.below(node.node_id)

    def walk(self, start: UUID, names: tuple[str, ...]) -> tuple[list[Node], tuple[str, ...]]:
        """Follow names down as far as there are live nodes: what was met, what is missing."""
        met: list[Node] = []
        for index, name in enumerate(names):
            node = self.child(met[-1].node_id if met else start, name)
            if node is None:
                return met, names[index:]
            met.append(node)
        return met, ()

    def put(self, node: Node) -> "Tree":
        """Return the tree with this node as it is now."""
        return evolve(self, nodes={**self.nodes, node.node_id: node})

    def path(self, node_id: UUID) -> str:
        """Return the path from the node's root, or as far up as the events tell of its folders."""
        names: list[str] = []
        node = self.nodes.get(node_id)
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = self.nodes.get(node.parent)
        return "/" + "/".join(reversed(names))


# One function for each kind of event


def _created(tree: Tree, event: Event, broken: list[str]) -> Tree:
    return _born(tree, event, "folder", (), broken)


def _committed(tree: Tree, event: Event, broken: list[str]) -> Tree:
    payload = event.payload
    content = (payload["size"], payload["hash"])
    node = tree.nodes.get(event.subject)
    if payload["version"] == 1:
        return _born(tree, event, "file", (content,), broken)
    if node is None:
        broken.append("I9 a later version of no file")
        return tree
    if payload["version"] != (node.version or 0) + 1:
        broken.append(f"I9 version {payload['version']} follows {node.version}")
    if tree.chain(node.node_id) is None:
        broken.append("I12 a version of a node that is not live")
    if (node.parent, node.name) != (UUID(payload["parent_id"]), payload["name"]):
        broken.append("I8b a version of a node that is elsewhere")
    again = payload.get("restored_from")
    if again and node.versions[again - 1] != content:
        broken.append("I9 a restored version differs from what it restores")
    return _next(tree, node, event, broken, versions=(*node.versions, content))


def _born(
    tree: Tree, event: Event, kind: str, versions: tuple[tuple[int, str], ...], broken: list[str]
) -> Tree:
    parent, name = event.payload["parent_id"], event.payload["name"]
    if event.subject in tree.nodes:
        broken.append("I8b a node is created twice")
    if event.revision != 1:
        broken.append("I8b a new node has another revision than 1")
    node = Node(event.subject, UUID(parent) if parent else None, kind, name, versions=versions)
    if node.parent is not None:
        _check_place(tree, node.parent, node, broken)
    return tree.put(node)


def _moved(tree: Tree, event: Event, broken: list[str]) -> Tree:
    node = _known(tree, event, broken)
    if node is None:
        return tree
    payload = event.payload
    before = (UUID(payload["from_parent_id"]), payload["from_name"])
    if tree.chain(node.node_id) is None or (node.parent, node.name) != before:
        broken.append("I12 a node is moved from where it is not")
    return _placed(tree, node, event, broken)


def _trashed(tree: Tree, event: Event, broken: list[str]) -> Tree:
    node = _known(tree, event, broken)
    if node is None or node.parent is None:
        return tree
    chain = tree.chain(node.node_id)
    if chain is None:
        broken.append("I14 what is not live is trashed")
    entry_id = UUID(event.payload["entry_id"])
    root = chain[0].node_id if chain else node.parent
    entry = Entry(node.node_id, node.parent, tree.path(node.node_id), root)
    tree = evolve(tree, entries={**tree.entries, entry_id: entry})
    return _next(tree, node, event, broken, entry=entry_id)


def _restored(tree: Tree, event: Event, broken: list[str]) -> Tree:
    node = _known(tree, event, broken)
    if node is None:
        return tree
    if node.entry != UUID(event.payload["entry_id"]):
        broken.append("I14 what is not in the trash is restored")
    tree = _without(tree, UUID(event.payload["entry_id"]))
    return _emptied(_placed(tree, evolve(node, entry=None), event, broken), node.parent)


def _purged(tree: Tree, event: Event, broken: list[str]) -> Tree:
    node = _known(tree, event, broken)
    if node is None:
        return tree
    if node.entry != UUID(event.payload["entry_id"]):
        broken.append("I14 what is not in the trash is purged")
    _check_revision(node, event, broken)
    entry_id = UUID(event.payload["entry_id"])
    node = evolve(node, revision=event.revision)
    tree = _removed(_without(tree.put(node), entry_id), node, entry_id)
    if (node.node_id in tree.nodes) != event.payload["holds_trash"]:
        broken.append("I14 a purge tells wrongly whether it left something in the trash")
    return _emptied(tree, node.parent)


def _removed(tree: Tree, node: Node, entry_id: UUID) -> Tree:
    """Remove a node and what is below, but what has an entry of its own and what leads there."""
    for each in tree.children(node.node_id):
        tree = _removed(tree, each, entry_id)
    if any(each.parent == node.node_id for each in tree.nodes.values()):
        return tree.put(evolve(node, entry=entry_id))
    return evolve(tree, nodes={key: one for key, one in tree.nodes.items() if one is not node})


def _emptied(tree: Tree, node_id: UUID | None) -> Tree:
    """Remove folders that a purge kept for what was below them, and that hold nothing."""
    node = tree.nodes.get(node_id) if node_id else None
    is_kept = node is not None and node.entry is not None and node.entry not in tree.entries
    if node is None or not is_kept or len(list(tree.below(node.node_id))) > 1:
        return tree
    left = {key: one for key, one in tree.nodes.items() if one is not node}
    return _emptied(evolve(tree, nodes=left), node.parent)


def _placed(tree: Tree, node: Node, event: Event, broken: list[str]) -> Tree:
    parent, name = UUID(event.payload["parent_id"]), event.payload["name"]
    if node.node_id in {each.node_id for each in tree.chain(parent) or ()}:
        broken.append("I12 a folder is put into itself")
    _check_place(tree, parent, evolve(node, name=name), broken)
    return _next(tree, node, event, broken, parent=parent, name=name)


def _next(tree: Tree, node: Node, event: Event, broken: list[str], **changes: Any) -> Tree:
    _check_revision(node, event, broken)
    return tree.put(evolve(node, revision=event.revision, **changes))


def _known(tree: Tree, event: Event, broken: list[str]) -> Node | None:
    if event.subject not in tree.nodes:
        broken.append("I5 an event of a node that was never created")
    return tree.nodes.get(event.subject)


def _check_revision(node: Node, event: Event, broken: list[str]) -> None:
    if event.revision != node.revision + 1:
        broken.append(f"I8b revision {event.revision} follows {node.revision}")


def _check_place(tree: Tree, parent: UUID, node: Node, broken: list[str]) -> None:
    chain = tree.chain(parent)
    if chain is None:
        broken.append("I12 something appears in a folder that is not live")
    elif chain[-1].kind != "folder":
        broken.append("I12 something appears in a file")
    other = tree.child(parent, node.name)
    if other is not None and other.node_id != node.node_id:
        broken.append("I13 two of one name in a folder")


def _without(tree: Tree, entry_id: UUID) -> Tree:
    return evolve(tree, entries={k: e for k, e in tree.entries.items() if k != entry_id})


_STEPS = {
    "node.created": _created,
    "node.committed": _committed,
    "node.moved": _moved,
    "node.trashed": _trashed,
    "node.restored": _restored,
    "node.purged": _purged,
}
