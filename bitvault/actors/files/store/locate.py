"""Finding nodes by id or path, many at once: a few round trips whatever the number."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.files.contract import (
    KindMismatch,
    Node,
    NodeNotFound,
    Role,
    SpaceNotFound,
    Target,
)
from bitvault.actors.files.rules.access import allows, role_in
from bitvault.actors.files.rules.names import Address, join, name_key, parse_path, valid_name
from bitvault.actors.files.rules.tree import SpaceKey, Tree
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused

SQL = load_queries("bitvault.actors.files.store", "locate.sql")


OWN: SpaceKey = (None, None)
"""The key of the caller's personal space."""


class PersonalSpaceMissing(Exception):  # noqa: N818 - asks for the space to be made, then retried
    """The caller's personal space does not exist yet."""


@frozen
class Wanted:
    """A place asked for: a target, and the names below it when the target is an ancestor."""

    target: Target
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return how the caller wrote it."""
        return self.target.path or str(self.target.node_id)


@frozen
class Place:
    """Where something is: the chain of existing nodes from the root, and what is missing."""

    space: Row
    role: Role
    ids: tuple[UUID, ...]
    names: tuple[str, ...]
    """Names of ``ids`` without the root's."""
    node: Row
    """The deepest existing node."""
    missing: tuple[str, ...]
    typed: str = ""
    """The last name of what was asked for as the caller wrote it, whatever exists."""

    @property
    def node_id(self) -> UUID:
        """Return the id of the deepest existing node."""
        return self.ids[-1]

    @property
    def path(self) -> str:
        """Return the path asked for, in the case that exists."""
        return join(self.names + self.missing)

    def described(self) -> Node:
        """Return the existing node as the contract shows it."""
        return node_of(self.node, self.space["space_id"], join(self.names))


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


@define
class Search:
    """One wanted place on its way to an answer."""

    wanted: Wanted
    address: Address | None = None
    start: Row | None = None
    names: tuple[str, ...] = ()
    refusal: Refusal | None = None
    space: Row | None = None
    role: Role | None = None
    found: Row | None = field(default=None)

    @property
    def space_key(self) -> SpaceKey:
        """Return what its space is looked up by."""
        if self.address is None:
            return (self.start["root_space_id"] if self.start else None), None
        name = self.address.space_name
        return self.address.space_id, name and name_key(name)

    @property
    def start_id(self) -> UUID:
        """Return the node that its names are below."""
        row = self.start or self.space
        if row is None:
            raise AssertionError("a search without a refusal has a start")
        start: UUID = row["node_id"] if self.start else row["root_id"]
        return start

    @property
    def keys(self) -> list[str]:
        """Return the keys of its names."""
        return [name_key(name) for name in self.names]


async def locate(
    tx: Transaction, caller: Caller, wanted: Sequence[Wanted]
) -> list[Place | Refusal]:
    """Answer each wanted place with a ``Place`` the caller may read, or with a refusal.

    Raises:
        PersonalSpaceMissing: a path leads into the caller's personal space, which is not there.
    """
    return [_answer(search) for search in await search_for(tx, caller, wanted)]


async def search_for(tx: Transaction, caller: Caller, wanted: Sequence[Wanted]) -> list[Search]:
    """Find each wanted place, and keep what was found on the way."""
    searches = [_parsed(one) for one in wanted]
    await _walk_up(tx, caller, searches)
    await _enter_spaces(tx, caller, searches)
    await _walk_down(tx, caller, searches)
    return searches


def locate_in(tree: Tree, caller: Caller, wanted: Wanted) -> Place | Refusal:
    """Answer as ``locate`` does, from what is drawn.

    Raises:
        Unknown: it is not drawn that far.
    """
    search = _parsed(wanted)
    if search.refusal is None and search.address is None and wanted.target.node_id:
        _begin(search, tree.up(wanted.target.node_id))
    if search.refusal is None:
        _enter(search, tree.space(search.space_key), caller.principal.user_id)
    if search.refusal is None and (search.address or search.names):
        search.found = tree.down(search.start_id, search.keys)
    return _answer(search)


async def locate_one(
    tx: Transaction, caller: Caller, target: Target, needed: Role = Role.VIEWER
) -> Place:
    """Find one existing node or raise ``Refused``."""
    (found,) = await locate(tx, caller, [Wanted(target)])
    return present(found, target.path or str(target.node_id), needed)


def present(found: Place | Refusal, label: str, needed: Role = Role.VIEWER) -> Place:
    """Return an existing place where the caller may do what ``needed`` allows, or refuse."""
    if isinstance(found, Refusal):
        raise Refused(found)
    if found.missing:
        raise Refused(NodeNotFound(label))
    permitted(found, needed)
    return found


def permitted(found: Place, needed: Role) -> None:
    """Refuse when the caller's role is too weak."""
    if not allows(found.role, needed):
        raise Refused(Forbidden("change anything"))


def _parsed(one: Wanted) -> Search:
    search = Search(one)
    try:
        tail = tuple(valid_name(name) for name in one.names)
        if one.target.path is not None:
            search.address = parse_path(one.target.path, one.target.space_id)
            search.names = search.address.names + tail
        elif one.target.node_id is None:
            raise Refused(Invalid("path", "give an id or a path"))  # noqa: TRY301 - one exit for every refusal
        else:
            search.names = tail
    except Refused as refused:
        search.refusal = refused.refusal
    return search


async def _walk_up(tx: Transaction, caller: Caller, searches: list[Search]) -> None:
    asked = [s for s in searches if not s.refusal and s.address is None]
    if not asked:
        return
    ids = list(dict.fromkeys(s.wanted.target.node_id for s in asked))
    rows = await tx.fetch(SQL["walk_up"], tenant=caller.tenant_id, ids=ids)
    by_id = {row["node_id"]: row for row in rows}
    for search in asked:
        _begin(search, by_id.get(search.wanted.target.node_id))


def _begin(search: Search, row: Row | None) -> None:
    if row is None or row["trashed"] or row["root_space_id"] is None:
        search.refusal = NodeNotFound(search.wanted.label)
    search.start = row


async def _enter_spaces(tx: Transaction, caller: Caller, searches: list[Search]) -> None:
    asked = [s for s in searches if not s.refusal]
    if not asked:
        return
    user = caller.principal.user_id
    keys = list(dict.fromkeys(s.space_key for s in asked))
    rows = await spaces_of(
        tx,
        caller,
        [space_id for space_id, _ in keys if space_id],
        [name for _, name in keys if name],
        own=OWN in keys,
    )
    by_key: dict[SpaceKey, Row] = {}
    for row in rows:
        by_key[row["space_id"], None] = row
        if row["kind"] == "team":
            by_key[None, row["name_key"]] = row
        elif row["owner_id"] == user:
            by_key[OWN] = row
    for search in asked:
        _enter(search, by_key.get(search.space_key), user)


async def spaces_of(
    tx: Transaction,
    caller: Caller,
    ids: Sequence[UUID] = (),
    keys: Sequence[str] = (),
    *,
    own: bool = False,
) -> list[Row]:
    """Load spaces by id or name key, and the caller's own, with the caller's role in each."""
    who = {"tenant": caller.tenant_id, "user_id": caller.principal.user_id}
    rows: list[Row] = []
    if own:
        rows += await tx.fetch(SQL["own_space"], **who)
    if ids:
        rows += await tx.fetch(SQL["spaces_by_id"], **who, ids=list(dict.fromkeys(ids)))
    if keys:
        rows += await tx.fetch(SQL["spaces_by_key"], **who, keys=list(dict.fromkeys(keys)))
    return rows


def _enter(search: Search, row: Row | None, user: UUID) -> None:
    if row is None and search.space_key == OWN:
        raise PersonalSpaceMissing
    search.space = row
    search.role = (
        role_in(row["kind"], owns=row["owner_id"] == user, member_role=row["member_role"])
        if row
        else None
    )
    if search.role is None:
        label = search.wanted.label
        if search.address:
            name = search.address.space_name or str(search.address.space_id)
            search.refusal = SpaceNotFound(name)
        else:
            search.refusal = NodeNotFound(label)


async def _walk_down(tx: Transaction, caller: Caller, searches: list[Search]) -> None:
    asked = [(i, s) for i, s in enumerate(searches) if not s.refusal and (s.address or s.names)]
    if not asked:
        return
    rows = await tx.fetch(
        SQL["walk_down"],
        tenant=caller.tenant_id,
        ords=[i for i, _ in asked],
        starts=[s.start_id for _, s in asked],
        keys=["/".join(s.keys) for _, s in asked],
    )
    for row in rows:
        searches[row["ord"]].found = row


def _answer(search: Search) -> Place | Refusal:
    if search.refusal:
        return search.refusal
    above, node = search.start, search.found or search.start
    if node is None or search.space is None or search.role is None:
        raise AssertionError("a search without a refusal has a space and a node")
    ids, names = (above["ids"], above["names"] or []) if above else ([node["ids"][0]], [])
    depth = 0
    if search.found:
        ids, names = [*ids, *node["ids"][1:]], [*names, *node["names"]]
        depth = node["depth"]
    missing = search.names[depth:]
    if missing and node["kind"] != "folder":
        return KindMismatch(join(tuple(names)), "folder")
    typed = search.names[-1] if search.names else ""
    return Place(search.space, search.role, tuple(ids), tuple(names), node, missing, typed)
