"""Writing what a plan decided: nodes, versions, blobs and quota, one statement for each kind."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import IfExists
from bitvault.actors.files.rules.names import name_key, numbered
from bitvault.actors.files.rules.plan import MAX_NUMBER, Arrival, Content, Picture, Spot
from bitvault.actors.files.rules.quota import Balance, Ledger
from bitvault.actors.files.store.locate import SQL as LOCATE
from bitvault.actors.files.store.places import Place
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import Caller

SQL = load_queries("bitvault.actors.files.store", "contents.sql")
_FIRST_NUMBERS = 8


class Raced(Exception):  # noqa: N818 - not an error: the work is done again on what is there now
    """A concurrent transaction took a name or condemned a blob; plan again from the start."""


class Tight(Exception):  # noqa: N818 - not an error: each draft is to be checked by itself
    """Not all of a batch fits in the quota; plan it with the quota rows locked."""


@frozen
class Stamp:
    """Who writes, and when."""

    caller: Caller
    now: datetime

    @property
    def tenant(self) -> UUID:
        """Return the tenant written to."""
        return self.caller.tenant_id

    @property
    def who(self) -> dict[str, Any]:
        """Return what a statement says about who changes a node, where and when."""
        user_id = self.caller.principal.user_id
        return {"tenant": self.caller.tenant_id, "now": self.now, "user_id": user_id}


def arrival_of(place: Place, content: Content, if_exists: IfExists, base: int | None) -> Arrival:
    """Say where content goes, relative to the deepest folder that exists."""
    names, ids = place.names, place.ids
    if place.missing:
        return Arrival(
            place.space["space_id"], ids[-1], names, place.missing, content, if_exists, base
        )
    last = (place.typed or names[-1],)
    return Arrival(place.space["space_id"], ids[-2], names[:-1], last, content, if_exists, base)


def spot_of(row: Row) -> Spot:
    """Build the picture's node from a row."""
    content = None
    if row["kind"] == "file":
        content = Content(row["hash"], row["size"], row["content_type"], row["content_modified_at"])
    return Spot(
        row["node_id"],
        row["parent_id"],
        row["kind"],
        row["name"],
        row["revision"],
        row["version"],
        content,
        row["created_at"],
        row["modified_at"],
        row["modified_by"],
    )


async def picture_of(
    tx: Transaction, stamp: Stamp, arrivals: Sequence[Arrival], existing: Sequence[UUID], ids: Ids
) -> Picture:
    """Lock the files that may be replaced and draw them; a lock waits for other commits."""
    rows: list[Row] = []
    if existing:
        unique = list(dict.fromkeys(existing))
        rows = await tx.fetch(SQL["lock_nodes"], tenant=stamp.tenant, ids=unique)
    spots = {(row["parent_id"], row["name_key"]): spot_of(row) for row in rows}
    renames = [a for a in arrivals if a.if_exists is IfExists.RENAME and len(a.names) == 1]
    arriving = {(a.anchor_id, name_key(a.names[0])) for a in arrivals}
    places = [(a.anchor_id, a.names[0]) for a in renames]
    return Picture(spots, await numbered_keys(tx, stamp, places, arriving), ids.uuid7)


async def numbered_keys(
    tx: Transaction,
    stamp: Stamp,
    places: Sequence[tuple[UUID, str]],
    arriving: Collection[tuple[UUID, str]] = (),
) -> dict[UUID, set[str]]:
    """Return, by folder, the keys of numbered names that are taken.

    Looks at one number after the other until each of the (folder, name) ``places`` has a free one
    that is not ``arriving`` either. So what it costs depends on the numbers in use, and not on how
    much else is in the folder.
    """
    names = {_family(place): place[1] for place in places}
    needed = Counter(map(_family, places))
    taken: dict[UUID, set[str]] = {}
    first, width = 2, _FIRST_NUMBERS
    while needed and first < MAX_NUMBER:
        numbers = range(first, min(first + width, MAX_NUMBER))
        asked = [
            (one, (one[0], name_key(numbered(names[one], number))))
            for one in needed
            for number in numbers
        ]
        there = await _there(tx, stamp, [place for _, place in asked])
        for parent, key in there:
            taken.setdefault(parent, set()).add(key)
        free = Counter(one for one, place in asked if place not in there and place not in arriving)
        needed -= free
        first, width = first + width, width * 8
    return taken


def _family(place: tuple[UUID, str]) -> tuple[UUID, str]:
    """Return what all places have in common whose numbered names are the same."""
    return place[0], name_key(numbered(place[1], 2))


async def _there(
    tx: Transaction, stamp: Stamp, places: Sequence[tuple[UUID, str]]
) -> set[tuple[UUID, str]]:
    rows = await tx.fetch(
        LOCATE["children_named"],
        tenant=stamp.tenant,
        parents=[parent for parent, _ in places],
        keys=[key for _, key in places],
        grantees=[],
        of_everyone=0,
    )
    return {(row["parent_id"], row["name_key"]) for row in rows}


async def write_picture(tx: Transaction, stamp: Stamp, picture: Picture) -> None:
    """Write the planned nodes and versions.

    Raises:
        Raced: a name was taken by a transaction that committed in between.
    """
    created = list(picture.created.values())
    if created:
        columns = _columns(created)
        done = await tx.execute(
            SQL["insert_nodes"],
            **columns,
            tenant=stamp.tenant,
            parent_ids=[spot.parent_id for spot in created],
            kinds=[spot.kind for spot in created],
            names=[spot.name for spot in created],
            keys=[name_key(spot.name) for spot in created],
            revisions=[spot.revision for spot in created],
            **_by(stamp),
        )
        if done != len(created):
            raise Raced
    changed = list(picture.changed.values())
    if changed:
        revisions = [spot.revision for spot in changed]
        await tx.execute(
            SQL["update_files"],
            **_columns(changed),
            tenant=stamp.tenant,
            revisions=revisions,
            **_by(stamp),
        )
    if picture.versions:
        await tx.execute(
            SQL["insert_versions"],
            **_columns(picture.versions),
            tenant=stamp.tenant,
            **_by(stamp),
        )


def _by(stamp: Stamp) -> dict[str, Any]:
    return {"now": stamp.now, "user_id": stamp.caller.principal.user_id}


def _columns(spots: Sequence[Spot]) -> dict[str, list[Any]]:
    contents = [spot.content for spot in spots]
    return {
        "node_ids": [spot.node_id for spot in spots],
        "versions": [spot.version for spot in spots],
        "sizes": [content and content.size for content in contents],
        "hashes": [content and content.hash for content in contents],
        "types": [content and content.content_type for content in contents],
        "modified": [content and content.content_modified_at for content in contents],
    }


async def take_blobs(
    tx: Transaction, stamp: Stamp, offered: Sequence[tuple[str, str, int]]
) -> dict[str, str]:
    """Add a reference for each (hash, object key, size); answer the key that won per hash."""
    if not offered:
        return {}
    refs = Counter(content for content, _, _ in offered)
    first = {content: (key, size) for content, key, size in reversed(offered)}
    rows = await tx.fetch(
        SQL["take_blobs"],
        tenant=stamp.tenant,
        hashes=list(first),
        object_keys=[key for key, _ in first.values()],
        sizes=[size for _, size in first.values()],
        refs=[refs[content] for content in first],
    )
    return {row["hash"]: row["object_key"] for row in rows}


async def reuse_blobs(tx: Transaction, stamp: Stamp, hashes: Sequence[str]) -> None:
    """Add a reference for each hash, without new bytes.

    Raises:
        Raced: some of the content was condemned in between.
    """
    if not hashes:
        return
    refs = Counter(hashes)
    done = await tx.execute(
        SQL["reuse_blobs"], tenant=stamp.tenant, hashes=list(refs), refs=list(refs.values())
    )
    if done != len(refs):
        raise Raced


async def lock_ledger(tx: Transaction, stamp: Stamp, spaces: Iterable[UUID]) -> Ledger:
    """Lock the quota rows of these spaces and of the tenant.

    They are the last that a transaction locks: everybody waits for them.
    """
    holders = list(dict.fromkeys([*spaces, stamp.tenant]))
    user_id = stamp.caller.principal.user_id
    rows = await tx.fetch(SQL["lock_usage"], tenant=stamp.tenant, holders=holders, user_id=user_id)
    return _ledger_of(stamp, rows)


async def read_ledger(tx: Transaction, stamp: Stamp, spaces: Iterable[UUID]) -> Ledger:
    """Return the quota rows as they are now; who writes has to lock them yet."""
    holders = list(dict.fromkeys([*spaces, stamp.tenant]))
    rows = await tx.fetch(SQL["usage"], tenant=stamp.tenant, holders=holders)
    return _ledger_of(stamp, rows)


def _ledger_of(stamp: Stamp, rows: Sequence[Row]) -> Ledger:
    default = next((r["space_quota"] for r in rows if r["holder_id"] == stamp.tenant), None)
    balances = {
        r["holder_id"]: Balance(
            r["used"], r["reserved"], default if r["follows"] else r["quota"], r["is_told"]
        )
        for r in rows
    }
    return Ledger(stamp.tenant, balances)


async def settle(tx: Transaction, tenant: UUID, ledger: Ledger) -> None:
    """Write what the ledger changed.

    Raises:
        Tight: the ledger was hopeful, and not all of it fits.
    """
    changes = {holder: ledger.changes[holder] for holder in sorted(ledger.changes)}
    if changes:
        done = await tx.execute(
            SQL["reserve" if ledger.is_hopeful else "add_usage"],
            tenant=tenant,
            holders=list(changes),
            used=[used for used, _ in changes.values()],
            reserved=[reserved for _, reserved in changes.values()],
        )
        if ledger.is_hopeful and done != len(changes):
            raise Tight
