"""Finding nodes by id or path, many at once: a few round trips whatever the number."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from attrs import define, evolve, frozen

from bitvault.actors.files.contract import (
    KindMismatch,
    NodeNotFound,
    SpaceNotFound,
    Target,
)
from bitvault.actors.files.rules.names import Address, join, name_key, parse_path, valid_name
from bitvault.actors.files.rules.tree import SpaceKey, Tree
from bitvault.actors.files.store.places import (
    Place,
    dropped_in,
    place_of_chain,
    present,
    rights_in,
)
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import EVERYONE, NONE, STOP, Right, confined, grantees_of, rights_along
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Invalid, Refusal, Refused

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
    adds: bool = False
    """Something is to be put there: it may be where the caller may add, and see nothing."""
    is_kept: bool = False
    """It was found before and is kept here: it may lead through what the caller may not see."""

    @property
    def label(self) -> str:
        """Return how the caller wrote it."""
        return self.target.path or str(self.target.node_id)


@define
class Search:
    """One wanted place on its way to an answer."""

    wanted: Wanted
    address: Address | None = None
    start: Row | None = None
    names: tuple[str, ...] = ()
    refusal: Refusal | None = None
    space: Row | None = None
    start_rights: Right = NONE
    """By the caller's role in the space."""
    found: Row | None = None
    is_walked: bool = False
    """Whether it is known if ``origin_id`` is a live node's."""

    @property
    def origin_id(self) -> UUID | None:
        """Return the id of the node it starts from; before a colon it may be a space's as well."""
        if self.address is None:
            return self.wanted.target.node_id
        return self.address.space_id if self.wanted.target.space_id is None else None

    @property
    def space_key(self) -> SpaceKey:
        """Return what its space is looked up by."""
        if self.start or self.address is None:
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
    return [_answer(search, caller) for search in await search_for(tx, caller, wanted)]


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
    if search.refusal is None and search.origin_id:
        _begin(search, tree.up(search.origin_id))
    if search.refusal is None:
        _enter(search, tree.space(search.space_key), caller.principal.user_id)
    if search.refusal is None and (search.address or search.names):
        search.found = tree.down(search.start_id, search.keys)
    return _answer(search, caller)


async def locate_one(
    tx: Transaction, caller: Caller, target: Target, needed: Right = Right.READ
) -> Place:
    """Find one existing node or raise ``Refused``."""
    (found,) = await locate(tx, caller, [Wanted(target)])
    return present(found, target.path or str(target.node_id), needed)


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
    """Find the nodes that are named by id, in a target or before the colon of a path."""
    asked = [s for s in searches if not s.refusal and s.origin_id]
    if not asked:
        return
    rows = await walk_up(tx, caller, list(dict.fromkeys(s.origin_id for s in asked if s.origin_id)))
    by_id = {row["node_id"]: row for row in rows}
    for search in asked:
        _begin(search, by_id.get(search.origin_id))


def _begin(search: Search, row: Row | None) -> None:
    search.is_walked = True
    is_there = row is not None and not row["trashed"] and row["root_space_id"] is not None
    if is_there:
        search.start = row
    elif search.address is None:
        search.refusal = NodeNotFound(search.wanted.label)


async def walk_up(tx: Transaction, caller: Caller, ids: Sequence[UUID]) -> list[Row]:
    """Return each node with its chain, and what was granted to the caller on the way."""
    said = said_to(caller)
    return await tx.fetch(SQL["walk_up"], tenant=caller.tenant_id, ids=list(ids), **said)


def said_to(caller: Caller) -> dict[str, Any]:
    """Return the parameters that find what is said to the caller, on whichever node.

    Of what is said of everyone a guest is told where it ends (``STOP``), and no rights.
    """
    grantees = list(dict.fromkeys((*grantees_of(caller.principal), EVERYONE)))
    return {"grantees": grantees, "of_everyone": STOP if caller.principal.is_guest else -1}


async def granted_on(tx: Transaction, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what was granted to the caller on each of these nodes, where anything was."""
    if not ids:
        return {}
    rows = await tx.fetch(
        SQL["granted_on"], tenant=caller.tenant_id, ids=list(ids), **said_to(caller)
    )
    return {row["node_id"]: row["granted"] for row in rows}


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
    if not (ids or keys or own):
        return []
    return await tx.fetch(
        SQL["spaces"],
        tenant=caller.tenant_id,
        user_id=caller.principal.user_id,
        ids=list(dict.fromkeys(ids)),
        keys=list(dict.fromkeys(keys)),
        own=own,
    )


def _enter(search: Search, row: Row | None, user_id: UUID) -> None:
    if row is None and search.space_key == OWN:
        raise PersonalSpaceMissing
    search.space = row
    if row is None:
        search.refusal = _unseen(search)
    else:
        search.start_rights = rights_in(row, user_id)


def _unseen(search: Search, *, starts_seen: bool = False) -> Refusal:
    """Answer for a place that the caller may see nothing of, as if it were not there."""
    if search.address is None or starts_seen:
        return NodeNotFound(search.wanted.label)
    return SpaceNotFound(search.address.space_name or str(search.address.space_id or "personal"))


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
        **said_to(caller),
    )
    for row in rows:
        searches[row["ord"]].found = row


def _answer(search: Search, caller: Caller) -> Place | Refusal:
    if search.refusal:
        return search.refusal
    above, node = search.start, search.found or search.start
    if node is None or search.space is None:
        raise AssertionError("a search without a refusal has a space and a node")
    first = above or node
    ids, names, granted = list(first["ids"]), list(first["names"] or []), list(first["granted"])
    if above and search.found:
        ids += node["ids"][1:]
        names += node["names"]
        granted += node["granted"][1:]
    owned = rights_along(search.start_rights, granted)
    rights = confined(caller.principal.confined_to, ids, owned)
    depth = search.found["depth"] if search.found else 0
    place = place_of_chain(search.space, node, ids, names, rights)
    missing = search.names[depth:]
    place = evolve(place, missing=missing, typed=search.names[-1] if search.names else "")
    named = len(above["ids"]) - 1 if above else 0
    if search.wanted.adds and (dropped := dropped_in(place, search.names, named)):
        return evolve(place, dropped=dropped)
    # A name that leads through what may not be seen is not confirmed by what is behind it.
    way = rights[-1:] if search.wanted.is_kept else rights[named:]
    if any(Right.READ not in one for one in way):
        return _unseen(search, starts_seen=Right.READ in rights[named])
    if missing and node["kind"] != "folder":
        return KindMismatch(join(place.names), "folder")
    return place
