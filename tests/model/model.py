"""The namespace on one page: what the files room must answer, without database, clock or ids.

A second opinion: it shares nothing with the room but the words of the contract. Every act answers
what it was about, or raises ``No`` and has changed nothing.
"""

from attrs import evolve

from bitvault.actors.files import contract as c
from bitvault.kernel.refusal import Forbidden
from tests.model.tree import (
    EDITOR,
    MANAGER,
    Entry,
    Node,
    Place,
    Space,
    Tree,
    Upload,
    nfc,
    no,
    permitted,
    size_of,
)


class Model(Tree):
    """A tenant, and what can be done to it."""

    # Operations of an Apply

    def apply(self, user: int, one: c.Operation) -> Node:  # noqa: PLR0911 - one for each operation
        """Do one operation and answer its node."""
        match one:
            case c.MakeFolder():
                return self._make_folder(user, one)
            case c.MoveNode():
                return self._move(user, one)
            case c.CopyNode():
                return self._copy(user, one)
            case c.TrashNode():
                return self._trash(self.source(user, one))
            case c.RestoreEntry():
                return self._restore(user, one)
            case c.PurgeEntry():
                return self._purge(self._entry(user, one, MANAGER))
            case c.RestoreVersion():
                return self._restore_version(user, one)

    def _make_folder(self, user: int, one: c.MakeFolder) -> Node:
        assert one.target
        place = permitted(self.find(user, one.target), user)
        if not place.missing and not (one.exist_ok and not place.node.versions):
            no(c.NameTaken(place.node.name))
        if len(place.missing) > 1 and not one.parents:
            no(c.NodeNotFound(place.missing[0]))
        return self.folders(place)

    def _move(self, user: int, one: c.MoveNode) -> Node:
        place = self.source(user, one)
        to = self.folder(user, one.parent) if one.parent else Place(place.space, place.nodes[:-1])
        if place.node in to.nodes:
            no(c.TreeRuleBroken("parentId", "cycle"))
        _may_leave(user, place.space, to.space)
        name, there = self.free(to.node, one, place.node)
        self._carry(place.node, place.space, to.space)
        self._replace(there, to.space)
        return _put(place.node, to.node, name)

    def _carry(self, node: Node, here: Space, there: Space) -> None:
        if here is not there:
            self.fits(size_of(self.holding(node)), there, tenant=False)
            below = [entry for entry in self.entries if node in entry.node.chain[:-1]]
            self.seen["carried" + " with trash below" * bool(below)] += 1
            for entry in below:
                entry.space = there

    def _copy(self, user: int, one: c.CopyNode) -> Node:
        node, to = self.existing(user, one.target).node, self.folder(user, one.parent)
        if node.parent is None:
            no(c.TreeRuleBroken("id", "root"))
        name, there = self.free(to.node, one, node)
        if there:
            return self._copy_onto(there, node.versions[-1], to.space)
        sources = list(self.below(node))
        self.fits(sum(n.versions[-1][0] for n in sources if n.versions), to.space)
        copies: dict[Node | None, Node] = {}
        for old in sources:
            copies[old] = self.add(copies.get(old.parent, to.node), old.name, *old.versions[-1:])
        copies[node].name = name
        return copies[node]

    def _copy_onto(self, there: Node, version: tuple[int, str], space: Space) -> Node:
        self.seen["copied onto"] += 1
        if there.versions[-1][1] == version[1]:
            return there
        self.fits(version[0], space)
        return _written(there, version)

    def _replace(self, there: Node | None, space: Space) -> None:
        if there:
            self.seen["replaced"] += 1
            self._trash(Place(space, there.chain))

    def _trash(self, place: Place) -> Node:
        place.node.entry = Entry(place.node, place.space, place.node.path)
        self.entries.append(place.node.entry)
        place.node.revision += 1
        return place.node

    def _entry(self, user: int, one: c.RestoreEntry | c.PurgeEntry, rank: int = EDITOR) -> Entry:
        entry = next((e for e in self.entries if e.entry_id == one.entry_id), None)
        if entry is None or not entry.space.ranks.get(user):
            no(c.EntryNotFound())
        permitted(Place(entry.space, [entry.node]), user, rank)
        return entry

    def _restore(self, user: int, one: c.RestoreEntry) -> Node:
        entry = self._entry(user, one)
        place = self.folder(user, one.parent) if one.parent else self._origin(entry)
        _may_leave(user, entry.space, place.space)
        name, there = nfc(one.name or entry.node.name), None
        if not place.missing:
            name, there = self.free(place.node, one, entry.node)
        self._carry(entry.node, entry.space, place.space)
        self._replace(there, place.space)
        self.entries.remove(entry)
        to, above, entry.node.entry = self.folders(place), entry.node.parent, None
        _put(entry.node, to, name)
        self.drop_empty(above)
        return entry.node

    def _origin(self, entry: Entry) -> Place:
        """The folder it was in, wherever that is now; if that is in the trash, the path it had."""
        parent = entry.node.parent
        if parent and self.home(parent):
            return Place(entry.space, parent.chain)
        names = tuple(entry.path.split("/")[1:-1])
        place = self.walk(Place(entry.space, [entry.space.root]), names)
        return no(c.KindMismatch("", "folder")) if place.node.versions else place

    def _purge(self, entry: Entry) -> Node:
        """What has an entry of its own stays, and the folders that lead to it, without one."""
        above = entry.node.parent
        self.entries.remove(entry)
        others = [e.node for e in self.entries if entry.node in e.node.chain]
        left = [n for n in self.nodes if any(other in n.chain for other in others)]
        kept = {id(one) for node in left for one in node.chain}
        self.seen["purged with trash below"] += id(entry.node) in kept
        below = self.holding(entry.node)
        self.nodes = [node for node in self.nodes if node not in below or id(node) in kept]
        for node in below:
            if id(node) in kept and node not in left:
                node.entry = entry
        self.drop_empty(above)
        return entry.node

    def _restore_version(self, user: int, one: c.RestoreVersion) -> Node:
        place = self.source(user, one)
        if not place.node.versions:
            no(c.KindMismatch(place.node.path, "file"))
        if not 0 < one.version <= len(place.node.versions):
            no(c.VersionNotFound(one.version))
        version = place.node.versions[one.version - 1]
        self.fits(version[0], place.space)
        return _written(place.node, version)

    # Uploads

    def init(self, user: int, draft: c.UploadDraft) -> Upload | Node:
        """Open an upload, or answer the file when its bytes need not be sent."""
        assert draft.target
        place = self._target(user, self.find(user, draft.target))
        number, same = self._decide(place, draft)
        if same:
            return place.node
        self.fits(draft.size, place.space)
        if self._readable(user, draft):
            return self._land(place, draft, number=number)
        anchor, names = place.nodes[-1], place.missing
        if not names:
            anchor, names = place.nodes[-2], (place.typed,)
        self.uploads.append(Upload(user, place.space, anchor, names, draft))
        return self.uploads[-1]

    def commit(self, user: int, upload: Upload, if_exists: c.IfExists | None = None) -> Node:
        """Put an open upload whose bytes are there in its place."""
        draft = upload.draft
        if if_exists is not None:
            draft = evolve(draft, if_exists=if_exists, base_version=None)
        if upload.user != user:
            no(c.UploadNotFound())
        if upload.state != "open":
            no(c.UploadClosed(upload.state))
        space, anchor = self.entered(user, upload.anchor)
        place = self._target(user, self.walk(Place(space, anchor.chain), upload.names))
        if place.space is not upload.space:
            self.seen["committed elsewhere"] += 1
            self.fits(upload.draft.size, place.space, tenant=False)
        number, same = self._decide(place, draft)
        upload.state = "committed"
        return place.node if same else self._land(place, draft, number=number)

    def _target(self, user: int, place: Place) -> Place:
        permitted(place, user)
        if not place.missing and place.node.parent is None:
            no(c.KindMismatch("/", "file"))
        return place

    def _decide(self, place: Place, draft: c.UploadDraft) -> tuple[bool, bool]:
        """Say whether to take a numbered name, and whether the same content is there already."""
        node, base = place.node, draft.base_version
        if place.missing:
            return (False, False) if not base else no(c.StaleBase(0))
        same = bool(node.versions) and node.versions[-1][1] == draft.hash
        if node.versions and base is not None:
            stale = not same and base != len(node.versions)
            return (False, same) if not stale else no(c.StaleBase(len(node.versions)))
        if draft.if_exists is c.IfExists.FAIL:
            no(c.NameTaken(node.name))
        if draft.if_exists is c.IfExists.REPLACE and not node.versions:
            no(c.KindMismatch(node.path, "file"))
        number = draft.if_exists is c.IfExists.RENAME
        return number, same and not number

    def _readable(self, user: int, draft: c.UploadDraft) -> bool:
        spaces = [space for space in self.spaces if space.ranks.get(user)]
        nodes = (node for space in spaces for node in self.below(space.root))
        return any((draft.size, draft.hash) in node.versions for node in nodes)

    def _land(self, place: Place, draft: c.UploadDraft, *, number: bool) -> Node:
        version = (draft.size, draft.hash or "")
        if place.missing:
            to = self.folders(Place(place.space, place.nodes, place.missing[:-1]))
            return self.add(to, place.missing[-1], version)
        if number:
            to = place.nodes[-2]
            return self.add(to, self.numbered(to, nfc(place.typed)), version)
        return _written(place.node, version)


def _may_leave(user: int, here: Space, there: Space) -> None:
    if here is not there and here.ranks[user] < MANAGER:
        no(Forbidden("take anything out of the space"))


def _put(node: Node, parent: Node, name: str) -> Node:
    node.parent, node.name, node.revision = parent, name, node.revision + 1
    return node


def _written(node: Node, version: tuple[int, str]) -> Node:
    node.versions.append(version)
    node.revision += 1
    return node
