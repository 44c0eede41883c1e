"""The commit transaction: verified bytes become versions, all or (per item) nothing.

Lock order, the same for every writer of a tenant: the tree lock (shared), the uploads, the nodes,
the names, the blobs, the quota rows, the outbox counter.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from attrs import define, frozen

from bitvault.actors.files.contract import (
    IfExists,
    NodeNotFound,
    Target,
    UploadClosed,
    UploadNotFound,
    Written,
)
from bitvault.actors.files.rules.drops import discreet
from bitvault.actors.files.rules.plan import Arrival, Content, Landed, Picture, land
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.store.contents import (
    Stamp,
    arrival_of,
    lock_ledger,
    picture_of,
    settle,
    take_blobs,
    write_picture,
)
from bitvault.actors.files.store.dropping import Drops, told
from bitvault.actors.files.store.locate import (
    SQL as LOCATE,
)
from bitvault.actors.files.store.locate import Wanted, locate
from bitvault.actors.files.store.opening import check_room
from bitvault.actors.files.store.outcomes import SQL, dump, restore
from bitvault.actors.files.store.places import Place
from bitvault.actors.files.store.written import Appender, written
from bitvault.actors.storage.contract import BytesMismatch
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.ids import Ids, NodeId
from bitvault.kernel.refusal import Refusal, Refused


@frozen
class Proven:
    """An upload whose bytes the store vouches for."""

    upload_id: UUID
    key: str
    size: int
    hash: str
    if_exists: IfExists | None = None
    """What to do about the name now, instead of what the init said."""


@define
class Committed:
    """What became of each proven upload, in order, and the uploads whose object nobody needs."""

    outcomes: list[Written | Refusal]
    losers: list[UUID]


@frozen
class _Item:
    """An upload on its way into the tree; ``index`` is its place among the proven."""

    index: int
    row: Row
    proven: Proven
    place: Place
    arrival: Arrival


async def find_uploads(tx: Transaction, stamp: Stamp, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Load the caller's uploads."""
    rows = await tx.fetch(
        SQL["uploads"],
        tenant=stamp.tenant,
        user_id=stamp.caller.principal.user_id,
        ids=list(dict.fromkeys(ids)),
    )
    return {row["upload_id"]: row for row in await within_reach(tx, stamp, rows)}


async def within_reach(tx: Transaction, stamp: Stamp, rows: Sequence[Row]) -> Sequence[Row]:
    """Leave out the uploads of the caller's user that lead to where a confined token ends."""
    if not (rows and stamp.caller.principal.confined_to):
        return rows
    places = await locate(tx, stamp.caller, [_wanted(row) for row in rows])
    return [row for row, place in zip(rows, places, strict=True) if isinstance(place, Place)]


def _wanted(row: Row) -> Wanted:
    names = tuple(row["path"].split("/"))
    return Wanted(Target(node_id=NodeId(row["anchor_id"])), names, adds=True, is_kept=True)


def settled(row: Row | None, content_hash: str | None = None) -> Written | Refusal | None:
    """Return the answer of an upload that is over (or not there), None for an open one.

    A commit that claims another hash than the committed one gets no success.
    """
    if row is None:
        return UploadNotFound()
    if row["state"] == "committed":
        answer: Written = restore(row["result"])
        same = content_hash in (None, answer.node.hash)
        return answer if same else BytesMismatch("hash")
    return None if row["state"] == "open" else UploadClosed(row["state"])


async def commit_uploads(
    tx: Transaction, stamp: Stamp, proven: Sequence[Proven], ids: Ids, append: Appender
) -> Committed:
    """Put each proven upload in its place, in order; a refused one stays open and changes nothing.

    Raises:
        Raced: a concurrent transaction took a name; run it again.
    """
    await tx.fetch(LOCATE["tree_lock_shared"], tenant=stamp.tenant)
    rows = await tx.fetch(
        SQL["lock_uploads"],
        tenant=stamp.tenant,
        user_id=stamp.caller.principal.user_id,
        ids=list(dict.fromkeys(one.upload_id for one in proven)),
    )
    by_id = {row["upload_id"]: row for row in rows}
    outcomes: dict[int, Written | Refusal] = {}
    waiting = []
    for index, one in enumerate(proven):
        if answer := settled(by_id.get(one.upload_id), one.hash):
            outcomes[index] = answer
        else:
            waiting.append((index, by_id[one.upload_id], one))
    drops = Drops(tx, stamp)
    items = await _placed(drops, waiting, outcomes)
    losers = await _land(drops, items, outcomes, ids, append) if items else []
    return Committed([outcomes[index] for index in range(len(proven))], losers)


async def _placed(
    drops: Drops, waiting: Sequence[tuple[int, Row, Proven]], outcomes: dict[int, Written | Refusal]
) -> list[_Item]:
    items = []
    found = await locate(drops.tx, drops.stamp.caller, [_wanted(row) for _, row, _ in waiting])
    places = await drops.settle([row for _, row, _ in waiting], found)
    for (index, row, one), place in zip(waiting, places, strict=True):
        answer = _item(index, row, one, place)
        if isinstance(answer, _Item):
            items.append(answer)
        else:
            outcomes[index] = answer
    return items


def _item(index: int, row: Row, one: Proven, place: Place | Refusal) -> _Item | Refusal:
    if isinstance(place, NodeNotFound):
        return NodeNotFound(row["shown_path"])
    if isinstance(place, Refusal):
        return place
    if_exists = one.if_exists or IfExists(row["if_exists"])
    base = row["base_version"] if one.if_exists is None else None
    try:
        check_room(place, if_exists, base)
    except Refused as refused:
        return refused.refusal
    if place.dropped:
        if_exists, base = IfExists.RENAME, None
    content = Content(one.hash, one.size, row["content_type"], row["content_modified_at"])
    arrival = arrival_of(place, content, if_exists, base)
    return _Item(index, row, one, place, arrival)


async def _land(
    drops: Drops,
    items: Sequence[_Item],
    outcomes: dict[int, Written | Refusal],
    ids: Ids,
    append: Appender,
) -> list[UUID]:
    """Write what lands, fill in the outcomes, and return the uploads whose object nobody needs."""
    tx, stamp = drops.tx, drops.stamp
    replaced = [item.place.node_id for item in items if not item.place.missing]
    picture = await picture_of(tx, stamp, [item.arrival for item in items], replaced, ids)
    ledger = await _ledger(tx, stamp, items)
    landed: dict[UUID, tuple[_Item, Landed]] = {}
    for item in items:
        if item.proven.upload_id in landed:
            continue
        outcome = _one(picture, ledger, item)
        if isinstance(outcome, Landed):
            landed[item.proven.upload_id] = (item, outcome)
        else:
            hides = bool(item.place.dropped)
            outcomes[item.index] = discreet(outcome, item.place.path) if hides else outcome
    await write_picture(tx, stamp, picture)
    await drops.keep(picture)
    losers = await _take(tx, stamp, list(landed.values()))
    await settle(tx, stamp.tenant, ledger)
    # One statement after the outbox, on rows that are locked already: a repeated commit must get
    # the same event id, and that exists only now.
    position = await append(tx, picture.events)
    results = {}
    for upload_id, (item, outcome) in landed.items():
        done = written(outcome, item.place, item.arrival.space_id, picture, stamp, position)
        results[upload_id] = told(done, item.place)
    await _finish(tx, stamp, results)
    for item in items:
        if item.index not in outcomes:
            outcomes[item.index] = results[item.proven.upload_id]
    return losers


def _one(picture: Picture, ledger: Ledger, item: _Item) -> Landed | Refusal:
    size, space_id = item.proven.size, item.arrival.space_id
    try:
        if space_id != item.row["space_id"]:
            ledger.check(space_id, size, new=False)
    except Refused as refused:
        return refused.refusal
    outcome = land(picture, item.arrival)
    if isinstance(outcome, Landed):
        ledger.add(item.row["space_id"], reserved=-item.row["size"])
        if outcome.event is not None:
            ledger.add(space_id, used=size)
    return outcome


async def _ledger(tx: Transaction, stamp: Stamp, items: Sequence[_Item]) -> Ledger:
    """Lock quota rows only for uploads whose folder went to another space since their init."""
    elsewhere = [
        item.arrival.space_id for item in items if item.arrival.space_id != item.row["space_id"]
    ]
    return await lock_ledger(tx, stamp, elsewhere) if elsewhere else Ledger(stamp.tenant, {})


async def _take(
    tx: Transaction, stamp: Stamp, landed: Sequence[tuple[_Item, Landed]]
) -> list[UUID]:
    new = [item.proven for item, outcome in landed if outcome.event is not None]
    keys = await take_blobs(tx, stamp, [(one.hash, one.key, one.size) for one in new])
    kept = {one.upload_id for one in new if keys[one.hash] == one.key}
    return [item.proven.upload_id for item, _ in landed if item.proven.upload_id not in kept]


async def _finish(tx: Transaction, stamp: Stamp, results: Mapping[UUID, Written]) -> None:
    if results:
        await tx.execute(
            SQL["finish_uploads"],
            tenant=stamp.tenant,
            ids=list(results),
            results=[dump(one) for one in results.values()],
        )
