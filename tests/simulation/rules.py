"""The oracle's own idea of what an operation does to a tree, or why it is refused.

``expect`` answers for one tree. Where several things stand in the way, any of them may be said.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from attrs import frozen

from tests.simulation.model import Node, Tree, numbered
from tests.simulation.observations import Done, Step

Fits = Callable[[Tree, Done], bool]
_TEAM = "Team"


@frozen
class Refused:
    """It cannot be done; any of these codes says why."""

    codes: frozenset[str]


@frozen
class Same:
    """There is nothing to change: the node is as wanted."""

    node: Node


@frozen
class Change:
    """It is done; ``fits`` says whether a tree and an answer are what comes of it."""

    fits: Fits
    more: int = 0
    """How many of its events come after the one that is answered: a copy answers its root's."""


Expected = Refused | Same | Change


def _no(*codes: str) -> Refused:
    return Refused(frozenset(codes))


@frozen
class Place:
    """Where a path leads: what is met from the root down, and what is missing."""

    met: tuple[Node, ...]
    missing: tuple[str, ...]

    @property
    def node(self) -> Node:
        """Return the deepest node there is."""
        return self.met[-1]

    def absent(self) -> Refused | None:
        """Return why there is nothing at this path."""
        if not self.missing:
            return None
        return _no("kind_mismatch" if self.node.kind == "file" else "node_not_found")


def place(tree: Tree, path: str, login: str) -> Place | None:
    """Follow a path; None while its space does not exist."""
    label, _, rest = path.rpartition(":") if ":" in path else ("", "", path)
    root = tree.root(label or login)
    if root is None:
        return None
    names = tuple(name for name in rest.split("/") if name)
    met, missing = tree.walk(root.node_id, names)
    return Place((root, *met), missing)


def visible(tree: Tree, node_id: UUID, login: str) -> list[Node] | None:
    """Return root … node, or None where there is no such node for this user."""
    chain = tree.chain(node_id)
    return chain if chain and chain[0].name in (_TEAM, login) else None


def expect(tree: Tree, step: Step, login: str) -> Expected | None:
    """Say what a step comes to in this tree; None when the tree cannot say."""
    return _RULES[step.kind](tree, step, login)


def _mkdir(tree: Tree, step: Step, login: str) -> Expected | None:
    at = place(tree, step.path, login)
    if at is None:
        return None
    if not at.missing:
        return Same(at.node) if at.node.kind == "folder" else _no("name_taken")
    if at.node.kind == "file":
        return _no("kind_mismatch")

    def fits(after: Tree, done: Done) -> bool:
        met, missing = after.walk(at.node.node_id, at.missing)
        fresh = [node for node in met if node.node_id not in tree.nodes and node.kind == "folder"]
        alone = len(after.nodes) == len(tree.nodes) + len(fresh)
        return not missing and len(fresh) == len(met) and alone and done.node_id == met[-1].node_id

    return Change(fits)


def _source(tree: Tree, path: str, login: str) -> Node | Refused | None:
    at = place(tree, path, login)
    return at and (at.absent() or at.node)


def _folder(tree: Tree, path: str, login: str) -> Node | Refused | None:
    found = _source(tree, path, login)
    return _no("kind_mismatch") if isinstance(found, Node) and found.kind == "file" else found


def _free(tree: Tree, parent: Node, name: str, step: Step, own: Node | None) -> str | None:
    """Return the name something gets in a folder; None when it is taken."""
    other = tree.child(parent.node_id, name)
    if other is None or (own and other.node_id == own.node_id):
        return name
    if step.if_exists != "rename":
        return None
    return next(n for i in range(2, 99) if not tree.child(parent.node_id, n := numbered(name, i)))


def _rival(
    tree: Tree, parent: Node, name: str, step: Step, coming: Node, *, new: bool = False
) -> Node | Refused | None:
    """Return the file whose place something takes, when that was asked for."""
    other = tree.child(parent.node_id, name)
    own = other is not None and other.node_id == coming.node_id and not new
    if step.if_exists != "replace" or other is None or own:
        return None
    if coming.kind == "folder":
        return _no("name_taken")
    return _no("kind_mismatch") if other.kind == "folder" else other


def _put_as(tree: Tree, parent: Node, name: str, step: Step, node: Node) -> Expected:
    """Say what comes of putting a node into a folder under this name."""
    rival = _rival(tree, parent, name, step, node)
    if isinstance(rival, Refused):
        return rival
    if rival is not None:
        return Change(_instead(node, parent, name, rival))
    free = _free(tree, parent, name, step, node)
    return _no("name_taken") if free is None else Change(_put(node, parent, free))


def _instead(node: Node, parent: Node, name: str, rival: Node) -> Fits:
    def fits(after: Tree, done: Done) -> bool:
        entry = after.nodes[rival.node_id].entry
        gone = entry is not None and entry == done.entry
        return gone and _put(node, parent, name)(after, done)

    return fits


def _move(tree: Tree, step: Step, login: str) -> Expected | None:
    node, parent = _source(tree, step.path, login), _folder(tree, step.to, login)
    if stopped := _stops(node, parent):
        return stopped
    if not isinstance(node, Node) or not isinstance(parent, Node):
        return None
    if node.node_id in {each.node_id for each in tree.chain(parent.node_id) or ()}:
        return _no("tree_rule")
    return _put_as(tree, parent, step.name or node.name, step, node)


def _stops(*found: Node | Refused | None) -> Refused | None:
    codes = [each.codes for each in found if isinstance(each, Refused)]
    return Refused(frozenset[str]().union(*codes)) if codes else None


def _put(node: Node, parent: Node, name: str) -> Fits:
    def fits(after: Tree, done: Done) -> bool:
        now = after.nodes.get(node.node_id)
        wanted = (node.node_id, parent.node_id, name, None)
        return now is not None and (done.node_id, now.parent, now.name, now.entry) == wanted

    return fits


def _trash(tree: Tree, step: Step, login: str) -> Expected | None:
    node = _source(tree, step.path, login)
    if not isinstance(node, Node):
        return node

    def fits(after: Tree, done: Done) -> bool:
        entry = after.nodes[node.node_id].entry
        return done.node_id == node.node_id and entry is not None and entry == done.entry

    return Change(fits)


def _restore(tree: Tree, step: Step, login: str) -> Expected | None:
    entry = tree.entries.get(step.entry) if step.entry else None
    if entry is None:
        return _no("trash_entry_not_found")
    node = tree.nodes[entry.node_id]
    if step.to:
        parent = _folder(tree, step.to, login)
    else:
        chain = visible(tree, entry.parent, login)
        parent = chain[-1] if chain else None
        if parent is None:
            return _restore_anew(tree, step, node, entry.root, entry.path)
    if not isinstance(parent, Node):
        return parent
    return _put_as(tree, parent, step.name or node.name, step, node)


def _restore_anew(tree: Tree, step: Step, node: Node, root: object, path: str) -> Expected:
    """Its folder is gone: the path it had is followed, and what is missing is made."""
    names = tuple(name for name in path.split("/") if name)[:-1]
    met, missing = tree.walk(root, names)  # type: ignore[arg-type]
    anchor = met[-1] if met else tree.nodes[root]  # type: ignore[index]
    if anchor.kind == "file":
        return _no("kind_mismatch")
    name = step.name or node.name
    if not missing:
        return _put_as(tree, anchor, name, step, node)

    def fits(after: Tree, done: Done) -> bool:
        chain, lacking = after.walk(anchor.node_id, missing)
        parent = chain[-1] if chain else anchor
        return not lacking and _put(node, parent, name)(after, done)

    return Change(fits)


def _purge(tree: Tree, step: Step, login: str) -> Expected | None:
    entry = tree.entries.get(step.entry) if step.entry else None
    if entry is None:
        return _no("trash_entry_not_found")

    def fits(after: Tree, done: Done) -> bool:
        is_gone = step.entry not in after.entries and after.chain(entry.node_id) is None
        return entry.node_id == done.node_id and is_gone

    return Change(fits)


def _copy(tree: Tree, step: Step, login: str) -> Expected | None:
    node, parent = _source(tree, step.path, login), _folder(tree, step.to, login)
    if stopped := _stops(node, parent):
        return stopped
    if not isinstance(node, Node) or not isinstance(parent, Node):
        return None
    rival = _rival(tree, parent, step.name or node.name, step, node, new=True)
    if isinstance(rival, Refused):
        return rival
    if rival is not None:
        is_same = rival.versions[-1:] == node.versions[-1:]
        return Same(rival) if is_same else Change(_next_of(rival, node))
    name = _free(tree, parent, step.name or node.name, step, None)
    if name is None:
        return _no("name_taken")

    def fits(after: Tree, done: Done) -> bool:
        made = after.child(parent.node_id, name)
        if made is None or made.node_id != done.node_id or made.node_id in tree.nodes:
            return False
        fresh = len(after.nodes) - len(tree.nodes)
        shape = _shape(tree, node)
        return _shape(after, made)[1:] == shape[1:] and fresh == _count(tree, node)

    return Change(fits, _count(tree, node) - 1)


def _next_of(rival: Node, node: Node) -> Fits:
    """Say that a file got another's content for its next version."""
    versions = (*rival.versions, node.versions[-1])

    def fits(after: Tree, done: Done) -> bool:
        return done.node_id == rival.node_id and after.nodes[rival.node_id].versions == versions

    return fits


def _shape(tree: Tree, node: Node) -> tuple[object, ...]:
    below = sorted(_shape(tree, each) for each in tree.children(node.node_id))
    return (node.name, node.kind, node.versions[-1:], tuple(below))


def _count(tree: Tree, node: Node) -> int:
    return 1 + sum(_count(tree, each) for each in tree.children(node.node_id))


def _revert(tree: Tree, step: Step, login: str) -> Expected | None:
    node = _source(tree, step.path, login)
    if not isinstance(node, Node):
        return node
    if node.kind != "file":
        return _no("kind_mismatch")
    wanted = step.version or 0
    if wanted > (node.version or 0):
        return _no("version_not_found")
    versions = (*node.versions, node.versions[wanted - 1])

    def fits(after: Tree, done: Done) -> bool:
        return done.node_id == node.node_id and after.nodes[node.node_id].versions == versions

    return Change(fits)


def _upload(tree: Tree, step: Step, login: str) -> Expected | None:
    at = place(tree, step.path, login)
    return at and land(tree, step, at)


def land(tree: Tree, step: Step, at: Place) -> Expected:  # noqa: PLR0911 - one for each case
    """Say what an upload comes to when its path leads there: its base decides, else its rule."""
    if at.missing:
        if at.node.kind == "file":
            return _no("kind_mismatch")
        if step.version:
            return _no("stale_base")
        return Change(_file(tree, step, at.node, at.missing))
    node, parent = at.met[-1], at.met[-2]
    same = node.versions[-1:] == ((step.size, step.hash),)
    if node.kind == "file" and step.version is not None:
        if not same and step.version != node.version:
            return _no("stale_base")
        return Same(node) if same else Change(_newer(node, step))
    if step.if_exists == "rename":
        name = _free(tree, parent, step.path.rpartition("/")[2], step, None)
        return Change(_file(tree, step, parent, (name or "",)))
    if step.if_exists == "fail":
        return _no("name_taken")
    if node.kind == "folder":
        return _no("kind_mismatch")
    return Same(node) if same else Change(_newer(node, step))


def _newer(node: Node, step: Step) -> Fits:
    versions = (*node.versions, (step.size, step.hash))

    def fits(after: Tree, done: Done) -> bool:
        return done.node_id == node.node_id and after.nodes[node.node_id].versions == versions

    return fits


def _file(tree: Tree, step: Step, parent: Node, names: tuple[str, ...]) -> Fits:
    def fits(after: Tree, done: Done) -> bool:
        met, missing = after.walk(parent.node_id, names)
        fresh = all(node.node_id not in tree.nodes for node in met)
        if missing or not fresh or len(after.nodes) != len(tree.nodes) + len(met):
            return False
        content = ((step.size, step.hash),)
        return (met[-1].node_id, met[-1].versions) == (done.node_id, content)

    return fits


def _get(tree: Tree, step: Step, login: str) -> Expected | None:
    found = _source(tree, step.path, login)
    return Same(found) if isinstance(found, Node) else found


def _list(tree: Tree, step: Step, login: str) -> Expected | None:
    found = _folder(tree, step.path, login)
    return Same(found) if isinstance(found, Node) else found


_RULES: Mapping[str, Callable[[Tree, Step, str], Expected | None]] = {
    "mkdir": _mkdir,
    "move": _move,
    "trash": _trash,
    "restore": _restore,
    "purge": _purge,
    "copy": _copy,
    "revert": _revert,
    "upload": _upload,
    "get": _get,
    "list": _list,
    "foreign": lambda *_: _no("node_not_found"),
    "reuse": lambda *_: _no("idempotency_key_reused"),
}
