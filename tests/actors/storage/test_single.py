"""One PUT: opened, sent, verified, and unchangeable from then on."""

from typing import Any
from uuid import uuid4

import pytest
import trio

from bitvault.actors.storage import contract as c
from bitvault.kernel.ids import UploadId
from bitvault.kernel.refusal import Invalid
from tests.support.postgres import unchanged

from .conftest import Box, claim, plain


async def test_an_upload_is_sealed(box: Box) -> None:
    """What was sent is what is verified, and the event says so."""
    draft, _ = await box.uploaded(b"hello")

    (verified,) = await box.verify(claim(draft))

    assert isinstance(verified, c.ObjectVerified)
    assert (verified.size, verified.hash) == (5, draft.hash)
    assert await box.bytes_at(verified.key) == b"hello"
    assert await box.events() == ["blob.sealed"]


async def test_a_repeat_answers_the_same(box: Box) -> None:
    """Opening and verifying again are no new facts."""
    draft, first = await box.uploaded(b"hello")
    (again,) = await box.open(draft)
    verified = await box.verify(claim(draft))

    async with unchanged(box.database, "storage", "outbox"):
        assert await box.verify(claim(draft)) == verified
    assert again.transfers[0].url == first.url


@pytest.mark.requirement("X38")
async def test_an_old_url_cannot_change_a_sealed_object(box: Box) -> None:
    """Neither with the same bytes nor with others."""
    draft, transfer = await box.uploaded(b"hello")
    (verified,) = await box.verify(claim(draft))

    assert not (await box.put(transfer, b"hello")).accepted
    assert not (await box.put(transfer, b"HELLO")).accepted
    assert await box.bytes_at(verified.key) == b"hello"


async def test_commit_before_put(box: Box) -> None:
    """There are no bytes yet: nothing changes, and it can be done later."""
    draft = box.draft(b"hello")
    (opened,) = await box.open(draft)

    async with unchanged(box.database, "storage", "outbox"):
        assert await box.verify(claim(draft)) == (c.BytesMissing(),)
    await box.put(opened.transfers[0], b"hello")
    assert isinstance((await box.verify(claim(draft)))[0], c.ObjectVerified)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"hash": plain(b"other")}, c.BytesMismatch("hash")),
        ({"etag": '"0123"'}, c.BytesMismatch("etag")),
        ({"hash": "sha256:xyz"}, Invalid),
        ({"upload_id": UploadId(uuid4())}, c.ObjectUnknown()),
    ],
)
async def test_a_false_claim_changes_nothing(
    box: Box, changed: dict[str, Any], refusal: Any
) -> None:
    """The refusal names what differs, and no row is touched."""
    draft, _ = await box.uploaded(b"hello")

    async with unchanged(box.database, "storage", "outbox"):
        (answer,) = await box.verify(claim(draft, **changed))

    assert refusal in {answer, type(answer)}


async def test_the_store_refuses_other_bytes(box: Box) -> None:
    """The URL is good for exactly the bytes declared."""
    draft = box.draft(b"hello")
    (opened,) = await box.open(draft)

    assert not (await box.put(opened.transfers[0], b"HELLO")).accepted
    assert not (await box.put(opened.transfers[0], b"hello, longer")).accepted
    assert await box.verify(claim(draft)) == (c.BytesMissing(),)


@pytest.mark.requirement("X17")
async def test_another_tenant_sees_nothing(box: Box) -> None:
    """A foreign id is answered as one that never was."""
    draft, _ = await box.uploaded(b"hello")
    thief = box.other_tenant()

    async with unchanged(box.database, "storage", "outbox"):
        assert await thief.verify(claim(draft)) == (c.ObjectUnknown(),)
        for request in (c.ResignPut, c.DescribeObject):
            assert await thief.ask(request(thief.tenant, draft.upload_id)) == c.ObjectUnknown()
        assert await thief.ask(c.DiscardObjects(thief.tenant, (draft.upload_id,))) == 0


async def test_an_expired_url_is_signed_again(box: Box) -> None:
    """The URL dies, the upload does not."""
    draft = box.draft(b"hello")
    (opened,) = await box.open(draft)
    box.clock.advance(4000)

    assert not (await box.put(opened.transfers[0], b"hello")).accepted
    fresh = await box.ask(c.ResignPut(box.tenant, draft.upload_id))
    assert (await box.put(fresh, b"hello")).accepted
    progress = await box.ask(c.DescribeObject(box.tenant, draft.upload_id))
    assert progress.received


async def test_a_batch_answers_each_in_order(box: Box) -> None:
    """Good and bad side by side; the good ones are sealed in one go."""
    datas = [b"%d" % n for n in range(50)]
    drafts = [box.draft(data) for data in datas]
    bad = box.draft(b"x", "nonsense")
    opened = await box.open(*drafts, bad)
    for one, data in zip(opened[:49], datas, strict=False):
        assert (await box.put(one.transfers[0], data)).accepted

    answers = await box.verify(*map(claim, drafts))

    assert isinstance(opened[50], Invalid)
    assert [type(a) for a in answers] == [c.ObjectVerified] * 49 + [c.BytesMissing]
    assert await box.events() == ["blob.sealed"] * 49


async def test_the_same_id_for_other_bytes_is_refused(box: Box) -> None:
    """An upload id stands for one content."""
    draft = box.draft(b"hello")
    await box.open(draft)

    async with unchanged(box.database, "storage", "outbox"):
        other = c.ObjectDraft(draft.upload_id, 3, plain(b"abc"))
        assert isinstance((await box.open(other))[0], Invalid)


async def test_discarded_is_gone(box: Box) -> None:
    """The bytes are deleted, the fact is told once, and nothing finds it any more."""
    draft, _ = await box.uploaded(b"hello")
    (verified,) = await box.verify(claim(draft))

    assert await box.ask(c.DiscardObjects(box.tenant, (draft.upload_id,))) == 1
    assert await box.ask(c.DiscardObjects(box.tenant, (draft.upload_id,))) == 0
    assert await box.store.head(verified.key) is None
    assert await box.verify(claim(draft)) == (c.ObjectUnknown(),)
    assert await box.events() == ["blob.sealed", "blob.discarded"]


async def test_many_are_discarded_without_the_store(box: Box) -> None:
    """They are marked, the fact is told, and the collector deletes them in its next turn."""
    datas = [b"%d" % n for n in range(17)]
    drafts = [box.draft(data) for data in datas]
    for one, data in zip(await box.open(*drafts), datas, strict=True):
        assert (await box.put(one.transfers[0], data)).accepted
    ids = tuple(draft.upload_id for draft in drafts)

    assert await box.ask(c.DiscardObjects(box.tenant, ids)) == 17
    assert await box.events() == ["blob.discarded"] * 17
    assert len(await box.store.list_prefix("", 1000)) == 17
    assert await box.ask(c.RetryDiscards(1000)) == 17
    assert await box.store.list_prefix("", 1000) == []
    assert await box.ask(c.RetryDiscards(1000)) == 0


async def test_two_verify_at_once(box: Box) -> None:
    """Both get the answer; the seal happens once."""
    draft, _ = await box.uploaded(b"hello")
    answers: list[Any] = []

    async def one() -> None:
        answers.extend(await box.verify(claim(draft)))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(one)

    assert len(set(answers)) == 1
    assert isinstance(answers[0], c.ObjectVerified)
    assert await box.events() == ["blob.sealed"]


async def test_a_download_fixes_how_it_is_shown(box: Box) -> None:
    """The signed URL carries type and disposition."""
    draft, _ = await box.uploaded(b"<svg/>")
    (verified,) = await box.verify(claim(draft))
    shown = c.DownloadDraft(verified.key, "a.svg", "image/svg+xml", inline=True)

    (transfer,) = await box.ask(c.SignDownloads(box.tenant, (shown,)))

    assert (await box.put(transfer, b"")).body == b"<svg/>"
    assert "response-content-type=application%2Foctet-stream" in transfer.url
    assert "response-content-disposition=attachment" in transfer.url


async def test_plans_are_told_without_the_store(box: Box) -> None:
    """A discarded object keeps its plan; one that was never opened has that of its size."""
    draft, _ = await box.uploaded(b"hello")
    await box.ask(c.DiscardObjects(box.tenant, (draft.upload_id,)))
    asked = (
        c.SizedObject(draft.upload_id, 1 << 40),
        c.SizedObject(UploadId(uuid4()), 5),
        c.SizedObject(UploadId(uuid4()), (64 << 20) + 1),
    )

    plans = await box.ask(c.PlanObjects(box.tenant, asked))

    single, parts = c.Plan("single", 0, 0), c.Plan("multipart", 16 << 20, 5)
    assert plans == (single, single, parts)
