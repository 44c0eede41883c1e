"""The init transaction: preflight, dedup, reserve. It changes the tree only by dedup."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.files.contract import (
    IfExists,
    KindMismatch,
    TreeRuleBroken,
    UploadDraft,
    UploadUnneeded,
    Written,
)
from bitvault.actors.files.rules.drafts import DEFAULT_TYPE, check_draft, place_of
from bitvault.actors.files.rules.drops import check_blind, check_kind, check_sender, discreet
from bitvault.actors.files.rules.names import MAX_DEPTH
from bitvault.actors.files.rules.plan import (
    Arrival,
    Content,
    Landed,
    Picture,
    Verdict,
    foresee,
    land,
)
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.store.contents import (
    SQL as CONTENTS,
)
from bitvault.actors.files.store.contents import (
    Stamp,
    Tight,
    arrival_of,
    lock_ledger,
    picture_of,
    reuse_blobs,
    settle,
    spot_of,
    write_picture,
)
from bitvault.actors.files.store.dropping import Slots, drop_of, hold_slots, take_slots
from bitvault.actors.files.store.locate import (
    SQL as LOCATE,
)
from bitvault.actors.files.store.locate import Wanted, locate, spaces_of, walk_up
from bitvault.actors.files.store.outcomes import SQL, OpenedUpload
from bitvault.actors.files.store.places import Place, permitted, place_at
from bitvault.actors.files.store.written import Appender, written
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import Right
from bitvault.kernel.events import Position
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import Drop
from bitvault.kernel.refusal import Forbidden, Refusal, Refused


@frozen
class Opening:
    """One draft with a place: what will be reserved for it."""

    draft: UploadDraft
    place: Place
    arrival: Arrival


@define
class Opened:
    """What an init came to, draft by draft, and the rows of its uploads by id."""

    outcomes: list[Any]
    rows: Mapping[UUID, Row] = field(factory=dict)
    fresh: bool = True
    """Whether this is the first time; a repeat's uploads are known to the caller already."""


async def open_uploads(
    tx: Transaction,
    stamp: Stamp,
    drafts: Sequence[UploadDraft],
    expires_at: datetime,
    ids: Ids,
    append: Appender,
    *,
    is_tight: bool,
) -> Opened:
    """Decide every draft in order; write the reservations and what dedup commits at once.

    Unless it ``is_tight``, all drafts are taken to fit in the quota, so that the rows everybody
    waits for are locked by the last statement but the outbox's.

    Raises:
        Raced: a concurrent transaction got in between; run it again.
        Tight: not all drafts fit; run it again, each to be checked.
    """
    openings = await _openings(tx, stamp, drafts)
    reusable = await _reusable(tx, stamp, [o for o in openings if isinstance(o, Opening)])
    if reusable:
        # What dedup commits must not land in a folder that is being trashed meanwhile.
        await tx.fetch(LOCATE["tree_lock_shared"], tenant=stamp.tenant)
        openings = await _openings(tx, stamp, drafts)
    placed = [one for one in openings if isinstance(one, Opening)]
    picture = await _picture(tx, stamp, placed, reusable, ids)
    spaces = [one.place.space["space_id"] for one in placed]
    slots = await hold_slots(tx, stamp, spaces)
    ledger = Ledger(stamp.tenant, {}, is_hopeful=True)
    if is_tight:
        ledger = await lock_ledger(tx, stamp, spaces)
    opened = Opened([_decide(one, reusable, picture, ledger, ids, slots) for one in openings])
    reserved = [
        (outcome.upload_id, one)
        for outcome, one in zip(opened.outcomes, openings, strict=True)
        if isinstance(outcome, OpenedUpload) and isinstance(one, Opening)
    ]
    opened.rows = {upload_id: _row(upload_id, one, expires_at) for upload_id, one in reserved}
    await take_slots(tx, stamp, slots)
    await _write(tx, stamp, reserved, expires_at)
    await write_picture(tx, stamp, picture)
    await reuse_blobs(tx, stamp, [s.content.hash for s in picture.versions if s.content])
    await settle(tx, stamp.tenant, ledger)
    position = await append(tx, picture.events)
    opened.outcomes = [
        UploadUnneeded(_written(one, opening, picture, stamp, position))
        if isinstance(one, Landed)
        else one
        for one, opening in zip(opened.outcomes, openings, strict=True)
    ]
    return opened


async def _picture(
    tx: Transaction,
    stamp: Stamp,
    openings: Sequence[Opening],
    reusable: Collection[str],
    ids: Ids,
) -> Picture:
    """Draw what the drafts meet; only what may be replaced at once is locked."""
    openings = [one for one in openings if not one.place.dropped]
    reused = [one for one in openings if one.draft.hash in reusable]
    places = [one.place.node_id for one in reused if not one.place.missing]
    picture = await picture_of(tx, stamp, [one.arrival for one in reused], places, ids)
    for one in openings:
        if not one.place.missing:
            row = one.place.node
            picture.spots.setdefault((row["parent_id"], row["name_key"]), spot_of(row))
    return picture


def _written(
    landed: Landed, opening: Opening | Refusal, picture: Picture, stamp: Stamp,
    last: Position | None,
) -> Written:  # fmt: skip
    if isinstance(opening, Refusal):
        raise AssertionError("a refused draft did not land")  # noqa: TRY004 - a broken promise, not a wrong argument
    return written(landed, opening.place, opening.arrival.space_id, picture, stamp, last)


async def _openings(
    tx: Transaction, stamp: Stamp, drafts: Sequence[UploadDraft]
) -> list[Opening | Refusal]:
    wanted: list[Wanted | Refusal] = [_wanted(draft, stamp) for draft in drafts]
    asked = [one for one in wanted if isinstance(one, Wanted)]
    found = iter(await locate(tx, stamp.caller, asked))
    places = [next(found) if isinstance(one, Wanted) else one for one in wanted]
    drop = stamp.caller.principal.drop
    return [_opening(draft, place, drop) for draft, place in zip(drafts, places, strict=True)]


def _wanted(draft: UploadDraft, stamp: Stamp) -> Wanted | Refusal:
    try:
        check_draft(draft)
        check_sender(draft, stamp.caller.principal.drop, stamp.now)
        return Wanted(*place_of(draft.target, draft.parent, draft.name), adds=True)
    except Refused as refused:
        return refused.refusal


def _opening(draft: UploadDraft, place: Place | Refusal, drop: Drop | None) -> Opening | Refusal:
    if isinstance(place, Refusal):
        return place
    try:
        check_room(place, draft.if_exists, draft.base_version)
        content = Content(
            draft.hash or "",
            draft.size,
            draft.content_type or DEFAULT_TYPE,
            draft.content_modified_at,
        )
        if place.dropped:
            check_kind(place.dropped[-1], drop)
            return Opening(draft, place, drop_of(place, content))
        return Opening(
            draft, place, arrival_of(place, content, draft.if_exists, draft.base_version)
        )
    except Refused as refused:
        return refused.refusal


def check_room(place: Place, if_exists: IfExists, base_version: int | None) -> None:
    """Refuse a place where the caller may not write what is asked, or nothing can be."""
    if place.dropped:
        check_blind(if_exists, base_version)
    elif place.missing:
        permitted(place, Right.ADD)
    else:
        _check_there(place, if_exists, base_version)
    if place.depth > MAX_DEPTH:
        raise Refused(TreeRuleBroken("path", f"must be at most {MAX_DEPTH} levels deep"))
    if not place.missing and len(place.ids) == 1:
        raise Refused(KindMismatch("/", "file"))


def _check_there(place: Place, if_exists: IfExists, base_version: int | None) -> None:
    """Refuse what the caller may not do about what has the name: write it, or add beside it."""
    may_add = Right.ADD in place.rights_into
    may_write = Right.CHANGE in place.rights[-1]
    beside = if_exists is IfExists.RENAME and len(place.ids) > 1
    replaces = if_exists is IfExists.REPLACE or base_version is not None
    if not may_write and (replaces or not may_add):
        raise Refused(Forbidden("change anything"))
    if beside and not may_add:
        raise Refused(Forbidden("put anything beside it"))


def _drop(one: Opening, slots: Slots | None, ledger: Ledger, ids: Ids) -> OpenedUpload | Refusal:
    """Take what is put where the caller sees nothing: whatever is there, the answer is the same."""
    try:
        ledger.check(one.arrival.space_id, one.draft.size)
    except Refused as refused:
        return discreet(refused.refusal, one.place.path)
    opened = _reserve(one, slots, ledger, ids)
    return discreet(opened, one.place.path) if isinstance(opened, Refusal) else opened


def _decide(
    one: Opening | Refusal,
    reusable: Mapping[str, int],
    picture: Picture,
    ledger: Ledger,
    ids: Ids,
    slots: Slots | None,
) -> Any:
    if isinstance(one, Refusal):
        return one
    if one.place.dropped:
        return _drop(one, slots, ledger, ids)
    try:
        _, verdict = foresee(picture, one.arrival)
        if verdict is Verdict.KEEP:
            return land(picture, one.arrival)
        ledger.check(one.arrival.space_id, one.draft.size)
    except Refused as refused:
        return refused.refusal
    if one.draft.hash and reusable.get(one.draft.hash) == one.draft.size:
        landed = land(picture, one.arrival)
        if isinstance(landed, Refusal) and ledger.is_hopeful:
            raise Tight  # whether it fits comes before what refused it
        if isinstance(landed, Landed) and landed.event is not None:
            ledger.add(one.arrival.space_id, used=one.draft.size)
        return landed
    return _reserve(one, slots, ledger, ids)


def _reserve(one: Opening, slots: Slots | None, ledger: Ledger, ids: Ids) -> OpenedUpload | Refusal:
    try:
        if slots:
            slots.take(one.arrival.space_id, one.draft.size)
    except Refused as refused:
        return refused.refusal
    ledger.add(one.arrival.space_id, reserved=one.draft.size)
    return OpenedUpload(ids.uuid7())


async def _reusable(tx: Transaction, stamp: Stamp, openings: Sequence[Opening]) -> dict[str, int]:
    """Return the sizes of the contents that the tenant has and the caller may already read.

    "Has" is never said of anybody else's content, so an init is no oracle.
    """
    seen = [one.draft.hash for one in openings if not one.place.dropped]
    hashes = list(dict.fromkeys(one for one in seen if one))
    if not hashes:
        return {}
    from_sql = await tx.fetch(CONTENTS["readers_of"], tenant=stamp.tenant, hashes=hashes)
    if not from_sql:
        return {}
    nodes = list(dict.fromkeys(row["node_id"] for row in from_sql))
    chains = await walk_up(tx, stamp.caller, nodes)
    live = [row for row in chains if not row["trashed"] and row["root_space_id"]]
    spaces = await spaces_of(tx, stamp.caller, [row["root_space_id"] for row in live])
    by_id = {row["space_id"]: row for row in spaces}
    readable = {
        row["node_id"]
        for row in live
        if (place := place_at(row, by_id[row["root_space_id"]], stamp.caller))
        and Right.READ in place.rights[-1]
    }
    return {row["hash"]: row["size"] for row in from_sql if row["node_id"] in readable}


def _row(upload_id: UUID, one: Opening, expires_at: datetime) -> Row:
    return {
        "upload_id": upload_id,
        "size": one.draft.size,
        "hash": one.draft.hash,
        "state": "open",
        "expires_at": expires_at,
    }


async def _write(
    tx: Transaction,
    stamp: Stamp,
    reserved: Sequence[tuple[UUID, Opening]],
    expires_at: datetime,
) -> None:
    if not reserved:
        return
    arrivals = [one.arrival for _, one in reserved]
    drafts = [one.draft for _, one in reserved]
    await tx.execute(
        SQL["insert_uploads"],
        tenant=stamp.tenant,
        user_id=stamp.caller.principal.user_id,
        now=stamp.now,
        expires_at=expires_at,
        upload_ids=[upload_id for upload_id, _ in reserved],
        space_ids=[a.space_id for a in arrivals],
        anchor_ids=[a.anchor_id for a in arrivals],
        paths=["/".join(a.names) for a in arrivals],
        shown_paths=[one.place.path for _, one in reserved],
        sizes=[draft.size for draft in drafts],
        hashes=[draft.hash for draft in drafts],
        if_exists=[draft.if_exists.value for draft in drafts],
        base_versions=[draft.base_version for draft in drafts],
        types=[a.content.content_type for a in arrivals],
        modified=[a.content.content_modified_at for a in arrivals],
        visits=[draft.sender and draft.sender.visit for draft in drafts],
        senders=[draft.sender and draft.sender.name for draft in drafts],
    )
