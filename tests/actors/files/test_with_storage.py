"""The files room over the real storage room, and a client that sends real bytes."""

import hashlib
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.files.contract import (
    AbortUpload,
    CommittedPart,
    CommitUploads,
    DescribeUpload,
    ExpireUploads,
    InitUploads,
    PartToSign,
    SignUploadParts,
    Target,
    UploadClosed,
    UploadCommit,
    UploadDraft,
    UploadNotFound,
    UploadOpened,
    UploadUnneeded,
    Written,
)
from bitvault.actors.storage.contract import BytesMismatch, BytesMissing
from bitvault.drivers.objects.memory import MemoryObjectStore
from tests.actors.files.conftest import World, send, sha256, usage
from tests.support.postgres import unchanged

_LARGE = b"x" * 2048
_DAY = 86400


async def opened_large(world: World) -> UploadOpened:
    """Open an upload in parts."""
    draft = UploadDraft(len(_LARGE), Target(path="/large"))
    (upload,) = await world.ask(InitUploads(world.caller(), (draft,)))
    assert upload.plan.kind == "multipart"
    return upload  # type: ignore[no-any-return]


async def test_a_single_put(real: World, objects: MemoryObjectStore) -> None:
    """Bytes go to the store; a commit and its repeat answer the same version."""
    upload = await real.init("/f", "hello")
    assert (await send(objects, upload.transfers[0], b"hello")).accepted

    done = await real.commit(upload, "hello")

    assert isinstance(done, Written)
    assert await real.commit(upload, "hello") == done
    assert await usage(real) == (5, 0)


async def test_commit_before_the_put(real: World) -> None:
    """Without bytes nothing is written, and the upload stays open."""
    upload = await real.init("/f", "hello")

    async with unchanged(real.database, "files", "outbox"):
        assert await real.commit(upload, "hello") == BytesMissing()


async def test_commit_of_other_bytes(real: World, objects: MemoryObjectStore) -> None:
    """A claim that differs from what the store has writes nothing."""
    upload = await real.init("/f", "hello")
    await send(objects, upload.transfers[0], b"hello")

    async with unchanged(real.database, "files", "outbox"):
        assert isinstance(await real.commit(upload, "other"), BytesMismatch)


async def test_an_upload_in_parts_resumes(real: World, objects: MemoryObjectStore) -> None:
    """Parts are signed just in time, described from the store, and joined by the commit."""
    upload = await opened_large(real)
    digest = hashlib.sha256(_LARGE)
    ask = (PartToSign(1, f"sha256:{digest.hexdigest()}"),)
    (step,) = await real.ask(SignUploadParts(real.caller(), upload.upload_id, ask))
    assert (await send(objects, step, _LARGE)).accepted

    state = await real.ask(DescribeUpload(real.caller(), upload.upload_id))
    (part,) = state.parts
    assert (state.state, part.part_number, part.size) == ("open", 1, len(_LARGE))
    whole = f"sha256-1:{hashlib.sha256(digest.digest()).hexdigest()}"
    parts = (CommittedPart(1, part.etag, f"sha256:{digest.hexdigest()}"),)
    claim = UploadCommit(upload.upload_id, whole, parts=parts)
    (done,) = await real.ask(CommitUploads(real.caller(), (claim,)))
    assert isinstance(done, Written)
    assert done.node.size == len(_LARGE)


async def test_abort(real: World) -> None:
    """An aborted upload reserves nothing, can't be committed, and may be aborted again."""
    upload = await real.init("/f", "hello")

    assert await real.ask(AbortUpload(real.caller(), upload.upload_id)) is None
    assert await real.ask(AbortUpload(real.caller(), upload.upload_id)) is None
    assert await usage(real) == (0, 0)
    assert await real.commit(upload, "hello") == UploadClosed("aborted")


async def test_abort_after_commit(real: World, objects: MemoryObjectStore) -> None:
    """What is committed stays."""
    upload = await real.init("/f", "hello")
    await send(objects, upload.transfers[0], b"hello")
    await real.commit(upload, "hello")

    async with unchanged(real.database, "files", "storage", "outbox"):
        refused = await real.ask(AbortUpload(real.caller(), upload.upload_id))
        assert refused == UploadClosed("committed")


async def test_expiry_releases_the_reservation(real: World) -> None:
    """An upload past its lifetime ends once."""
    upload = await real.init("/f", "hello")
    assert await usage(real) == (0, 5)
    real.clock.advance((upload.expires_at - real.clock.now()).total_seconds() + _DAY)

    assert [await real.ask(ExpireUploads()), await real.ask(ExpireUploads())] == [1, 0]
    assert await usage(real) == (0, 0)
    assert await real.commit(upload, "hello") == UploadClosed("expired")


async def test_known_content_needs_no_bytes(real: World, objects: MemoryObjectStore) -> None:
    """A reader of the content gets a second file at once; a stranger must send it."""
    upload = await real.init("/f", "hello")
    await send(objects, upload.transfers[0], b"hello")
    await real.commit(upload, "hello")

    assert isinstance(await real.init("/g", "hello"), UploadUnneeded)
    assert isinstance(await real.init("/g", "hello", real.caller(2)), UploadOpened)


async def test_a_batch_answers_each_item(real: World, objects: MemoryObjectStore) -> None:
    """Two items of one name and one refused item leave the others as they are."""
    names = ("/a", "/same", "/same", "/b")
    drafts = [UploadDraft(1, Target(path=one), hash=sha256(str(i))) for i, one in enumerate(names)]
    drafts.insert(2, evolve(drafts[0], target=Target(path="/bad\0name")))
    answers = await real.ask(InitUploads(real.caller(), tuple(drafts)))
    kinds = [isinstance(one, UploadOpened) for one in answers]
    assert kinds == [True, True, False, True, True]
    uploads = [one for one in answers if isinstance(one, UploadOpened)]
    for i, one in enumerate(uploads):
        await send(objects, one.transfers[0], str(i).encode())
    claims = tuple(UploadCommit(one.upload_id, sha256(str(i))) for i, one in enumerate(uploads))
    done = await real.ask(CommitUploads(real.caller(), claims))
    assert [isinstance(one, Written) for one in done] == [True, True, False, True]
    assert await usage(real) == (3, sum(not isinstance(one, Written) for one in done))


@pytest.mark.requirement("X17", "X40")
@pytest.mark.parametrize("kind", ["describe", "sign", "abort", "commit"])
async def test_another_tenants_upload_is_no_upload(real: World, kind: str) -> None:
    """A foreign id and an id of nothing get the same answer, and change nothing."""
    upload = await real.init("/f", "hello")
    stranger = real.caller(1, tenant=UUID(int=0xB))
    for upload_id in (upload.upload_id, type(upload.upload_id)(int=77)):
        claim = UploadCommit(upload_id, sha256("hello"))
        message = {
            "describe": DescribeUpload(stranger, upload_id),
            "sign": SignUploadParts(stranger, upload_id, ()),
            "abort": AbortUpload(stranger, upload_id),
            "commit": CommitUploads(stranger, (claim,)),
        }[kind]
        async with unchanged(real.database, "files", "storage", "outbox"):
            assert await real.ask(message) in (UploadNotFound(), (UploadNotFound(),))
