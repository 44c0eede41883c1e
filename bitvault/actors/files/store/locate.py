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
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused

SQL = load_queries("bitvault.actors.files.store", "locate.sql")


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
class _Search:
    """One wanted place on its way to an answer."""

    wanted: Wanted
    address: Address | None = None
    start: Row | None = None
    names: tuple[str, ...] = ()
    refusal: Refusal | None = None
    space: Row | None = None
    role: Role | None = None
    found: Row | None = field(default=None)


async def locate(
    tx: Transaction, caller: Caller, wanted: Sequence[Wanted]
) -> list[Place | Refusal]:
    """Answer each wanted place with a ``Place`` the caller may read, or with a refusal.

    Raises:
        PersonalSpaceMissing: a path leads into the caller's personal space, which is not there.
    """
    searches = [_parsed(one) for one in wanted]
    await _walk_up(tx, caller, searches)
    await _enter_spaces(tx, caller, searches)
    await _walk_down(tx, caller, searches)
    return [_answer(search) for search in searches]


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


def _parsed(one: Wanted) -> _Search:
    search = _Search(one)
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


async def _walk_up(tx: Transaction, caller: Caller, searches: list[_Search]) -> None:
    asked = [s for s in searches if not s.refusal and s.address is None]
    if not asked:
        return
    ids = list(dict.fromkeys(s.wanted.target.node_id for s in asked))
    rows = await tx.fetch(SQL["walk_up"], tenant=caller.tenant_id, ids=ids)
    by_id = {row["node_id"]: row for row in rows}
    for search in asked:
        row = by_id.get(search.wanted.target.node_id)
        if row is None or row["trashed"] or row["root_space_id"] is None:
            search.refusal = NodeNotFound(search.wanted.label)
        search.start = row


async def _enter_spaces(tx: Transaction, caller: Caller, searches: list[_Search]) -> None:
    asked = [s for s in searches if not s.refusal]
    if not asked:
        return
    user = caller.principal.user_id
    addresses = [s.address for s in asked if s.address]
    rows = await spaces_of(
        tx,
        caller,
        [space_id for s in asked if (space_id := _space_id(s))],
        [name_key(address.space_name) for address in addresses if address.space_name],
        own=any(a.space_id is None and a.space_name is None for a in addresses),
    )
    by_id = {row["space_id"]: row for row in rows}
    by_key = {row["name_key"]: row for row in rows if row["kind"] == "team"}
    own = next((row for row in rows if row["owner_id"] == user), None)
    for search in asked:
        _enter(search, by_id, by_key, own, user)


def _space_id(search: _Search) -> UUID | None:
    if search.address:
        return search.address.space_id
    return search.start["root_space_id"] if search.start else None


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


def _enter(
    search: _Search,
    by_id: Mapping[UUID, Row],
    by_key: Mapping[str, Row],
    own: Row | None,
    user: UUID,
) -> None:
    space_id = _space_id(search)
    name = search.address.space_name if search.address else None
    if space_id:
        search.space = by_id.get(space_id)
    elif name:
        search.space = by_key.get(name_key(name))
    elif own is None:
        raise PersonalSpaceMissing
    else:
        search.space = own
    row = search.space
    search.role = (
        role_in(row["kind"], owns=row["owner_id"] == user, member_role=row["member_role"])
        if row
        else None
    )
    if search.role is None:
        by_path = search.address is not None
        label = search.wanted.label
        search.refusal = SpaceNotFound(name or str(space_id)) if by_path else NodeNotFound(label)


async def _walk_down(tx: Transaction, caller: Caller, searches: list[_Search]) -> None:
    asked = [(i, s) for i, s in enumerate(searches) if not s.refusal and (s.address or s.names)]
    if not asked:
        return
    rows = await tx.fetch(
        SQL["walk_down"],
        tenant=caller.tenant_id,
        ords=[i for i, _ in asked],
        starts=[_start_of(s) for _, s in asked],
        keys=["/".join(name_key(name) for name in s.names) for _, s in asked],
    )
    for row in rows:
        searches[row["ord"]].found = row


def _start_of(search: _Search) -> UUID:
    row = search.start or search.space
    if row is None:
        raise AssertionError("a search without a refusal has a start")
    start: UUID = row["node_id"] if search.start else row["root_id"]
    return start


def _answer(search: _Search) -> Place | Refusal:
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
