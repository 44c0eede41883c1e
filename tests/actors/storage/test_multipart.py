"""Parts: signed just in time, completed by the server, proved by their digests."""

import hashlib
from typing import Any

import pytest

from bitvault.actors.storage import contract as c
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import UploadId
from bitvault.kernel.refusal import Invalid
from tests.support.determinism import FixedClock, SequenceIds
from tests.support.postgres import unchanged

from .conftest import BIG, Box, make_box, of_parts, plain

PARTS = (b"a" * BIG, b"b" * 100)
HASH = of_parts(*PARTS)


async def opened(box: Box, hash_: str | None = HASH) -> UploadId:
    """Open an upload of PARTS."""
    draft = c.ObjectDraft(UploadId(box.ids.uuid7()), sum(map(len, PARTS)), hash_)
    (answer,) = await box.open(draft)
    assert answer == c.ObjectOpened(c.Plan("multipart", BIG, 2), ())
    return draft.upload_id


async def send(box: Box, upload: UploadId, *numbers: int) -> list[c.Transfer]:
    """Have some parts signed, and send them."""
    drafts = tuple(c.PartDraft(n, plain(PARTS[n - 1])) for n in numbers)
    transfers = await box.ask(c.SignParts(box.tenant, upload, drafts))
    for transfer in transfers:
        assert (await box.put(transfer, PARTS[transfer.part_number - 1])).accepted
    return list(transfers)


def done(number: int, **changed: Any) -> c.PartDone:
    """Return the client's word for a part; the etag is the store's MD5."""
    etag = hashlib.md5(PARTS[number - 1], usedforsecurity=False).hexdigest()
    return c.PartDone(number, changed.get("etag", etag), plain(PARTS[number - 1]))


@pytest.mark.parametrize("declared", [HASH, None])
async def test_parts_are_sealed_as_one(parts_box: Box, declared: str | None) -> None:
    """The server completes; the hash may come as late as the commit."""
    upload = await opened(parts_box, declared)
    await send(parts_box, upload, 2, 1)
    claim = c.UploadClaim(upload, HASH, parts=(done(1), done(2)))

    (verified,) = await parts_box.verify(claim)

    assert isinstance(verified, c.ObjectVerified)
    assert await parts_box.bytes_at(verified.key) == b"".join(PARTS)
    assert await parts_box.verify(claim) == (verified,)
    assert await parts_box.events() == ["blob.sealed"]


async def test_a_late_part_changes_nothing(parts_box: Box) -> None:
    """After completion the part's URL leads nowhere."""
    upload = await opened(parts_box)
    transfers = await send(parts_box, upload, 1, 2)
    (verified,) = await parts_box.verify(c.UploadClaim(upload, HASH))

    assert not (await parts_box.put(transfers[1], PARTS[1])).accepted
    assert await parts_box.bytes_at(verified.key) == b"".join(PARTS)


async def test_resume_asks_the_store(parts_box: Box) -> None:
    """What was received is what ListParts says; a commit names what is missing."""
    upload = await opened(parts_box)
    await send(parts_box, upload, 2)
    progress = await parts_box.ask(c.DescribeObject(parts_box.tenant, upload))

    assert [(p.part_number, p.size, p.hash) for p in progress.parts] == [
        (2, len(PARTS[1]), plain(PARTS[1]))
    ]
    async with unchanged(parts_box.database, "storage", "outbox"):
        assert await parts_box.verify(c.UploadClaim(upload, HASH)) == (c.BytesMissing((1,)),)
    await send(parts_box, upload, 1)
    assert isinstance((await parts_box.verify(c.UploadClaim(upload, HASH)))[0], c.ObjectVerified)


@pytest.mark.parametrize(
    ("hash_", "parts", "refusal"),
    [
        (of_parts(b"x", b"y"), (), c.BytesMismatch("hash")),
        (plain(b"x"), (), Invalid),
        (HASH, (done(1), done(2, etag="0123")), c.BytesMismatch("parts")),
        (HASH, (done(1),), c.BytesMismatch("parts")),
    ],
)
async def test_a_false_claim_completes_nothing(
    parts_box: Box, hash_: str, parts: tuple[c.PartDone, ...], refusal: Any
) -> None:
    """The upload stays open, so that the true claim still goes through."""
    upload = await opened(parts_box, None)
    await send(parts_box, upload, 1, 2)

    async with unchanged(parts_box.database, "storage", "outbox"):
        (answer,) = await parts_box.verify(c.UploadClaim(upload, hash_, parts=parts))
    assert refusal in {answer, type(answer)}
    assert isinstance((await parts_box.verify(c.UploadClaim(upload, HASH)))[0], c.ObjectVerified)


async def test_a_completion_nobody_recorded_is_found(parts_box: Box) -> None:
    """A crash between completing and sealing: the object itself is the proof."""
    upload = await opened(parts_box)
    transfer, _ = await send(parts_box, upload, 1, 2)
    key = transfer.url.split("?")[0].split("/bitvault/")[1]
    multipart_id = "multipart-1"
    parts = await parts_box.store.list_parts(key, multipart_id)
    await parts_box.store.complete_multipart(key, multipart_id, parts)

    (verified,) = await parts_box.verify(c.UploadClaim(upload, HASH))

    assert isinstance(verified, c.ObjectVerified)


@pytest.mark.parametrize("numbers", [(0,), (3,), (1, 1), ()])
async def test_wrong_part_numbers(parts_box: Box, numbers: tuple[int, ...]) -> None:
    """Numbers outside the plan are refused by name."""
    upload = await opened(parts_box)
    drafts = tuple(c.PartDraft(n) for n in numbers)

    answer = await parts_box.ask(c.SignParts(parts_box.tenant, upload, drafts))

    assert isinstance(answer, Invalid)
    assert answer.field == "partNumbers"


async def test_discarding_aborts(parts_box: Box) -> None:
    """The parts go too; a part URL signed before leads nowhere."""
    upload = await opened(parts_box)
    transfers = await send(parts_box, upload, 1)

    assert await parts_box.ask(c.DiscardObjects(parts_box.tenant, (upload,))) == 1
    assert not (await parts_box.put(transfers[0], PARTS[0])).accepted
    assert await parts_box.verify(c.UploadClaim(upload, HASH)) == (c.ObjectUnknown(),)


async def test_an_upload_nobody_entered_has_the_plan_it_would_get(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds
) -> None:
    """Where parts are of another size, what was never opened is told the plan it would be given."""
    box = make_box(database, clock, ids, single_max=1 << 10, min_part=1 << 11)
    draft = c.ObjectDraft(UploadId(ids.uuid7()), 5000, None)
    never = c.SizedObject(UploadId(ids.uuid7()), draft.size)
    (upload,) = await box.open(draft)

    (plan,) = await box.ask(c.PlanObjects(box.tenant, (never,)))

    assert plan == upload.plan == c.Plan("multipart", 1 << 11, 3)
