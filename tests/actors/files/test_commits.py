"""What a commit answers: once or twice, alone or in a batch, refused or too late."""

import pytest

from bitvault.actors.files.contract import (
    AbortUpload,
    CommitUploads,
    DescribeUpload,
    GetNode,
    IfExists,
    InitUploads,
    NameTaken,
    Outcome,
    StaleBase,
    Target,
    UploadCommit,
    UploadDraft,
    UploadOpened,
    Written,
)
from bitvault.actors.storage.contract import BytesMismatch, VerifyObjects
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.kernel.refusal import Invalid
from tests.actors.files.conftest import Direct, World, send, sha256, usage
from tests.support.postgres import unchanged


async def sent(world: World, objects: MemoryObjectStore, *texts: str) -> list[UploadOpened]:
    """Open an upload of each text to ``/f``, in one batch, and send the bytes."""
    drafts = tuple(UploadDraft(len(one), Target(path="/f"), hash=sha256(one)) for one in texts)
    uploads = list(await world.ask(InitUploads(world.caller(), drafts)))
    for upload, text in zip(uploads, texts, strict=True):
        assert (await send(objects, upload.transfers[0], text.encode())).accepted
    return uploads


async def commit(world: World, *claims: UploadCommit) -> list[Outcome]:
    """Commit a batch."""
    return list(await world.ask(CommitUploads(world.caller(), claims)))


async def test_a_repeat_with_another_hash(real: World, objects: MemoryObjectStore) -> None:
    """A committed upload is no proof of other bytes; with its own hash it answers as before."""
    (upload,) = await sent(real, objects, "hello")
    done = await real.commit(upload, "hello")

    async with unchanged(real.database, "files", "storage", "outbox"):
        assert await real.commit(upload, "other") == BytesMismatch("hash")
        assert await real.commit(upload, "hello") == done


async def test_one_upload_claimed_with_two_hashes(real: World, objects: MemoryObjectStore) -> None:
    """Each claim of a batch gets the answer that it would get alone, whatever its place."""
    (upload,) = await sent(real, objects, "hello")
    right, wrong = (UploadCommit(upload.upload_id, sha256(one)) for one in ("hello", "other"))
    shapeless = UploadCommit(upload.upload_id, "md5:0")

    answers = await commit(real, wrong, shapeless, right, wrong, right)

    assert answers[0] == answers[3] == BytesMismatch("hash")
    assert isinstance(answers[1], Invalid)
    assert isinstance(answers[2], Written)
    assert answers[2] == answers[4]
    assert await usage(real) == (5, 0)


async def test_claims_of_parts_that_differ(real: World, objects: MemoryObjectStore) -> None:
    """A wrong ETag refuses its own claim only."""
    (upload,) = await sent(real, objects, "hello")
    claims = [UploadCommit(upload.upload_id, sha256("hello"), etag) for etag in ("wrong", None)]

    refused, done = await commit(real, *claims)

    assert refused == BytesMismatch("etag")
    assert isinstance(done, Written)


async def test_the_loser_of_a_batch_is_aborted(real: World, objects: MemoryObjectStore) -> None:
    """Of two uploads to one new name the second is refused and keeps its bytes until its end."""
    first, second = await sent(real, objects, "one", "three")
    claims = [
        UploadCommit(upload.upload_id, sha256(text))
        for upload, text in ((first, "one"), (second, "three"))
    ]

    done, refused = await commit(real, *claims)

    assert isinstance(done, Written)
    assert refused == NameTaken("f")
    assert await usage(real) == (3, 5)
    assert (await real.ask(DescribeUpload(real.caller(), second.upload_id))).state == "open"
    assert await real.ask(AbortUpload(real.caller(), second.upload_id)) is None
    assert await usage(real) == (3, 0)


@pytest.mark.parametrize(
    ("mode", "path", "version"), [(IfExists.RENAME, "/f (2)", 1), (IfExists.REPLACE, "/f", 2)]
)
async def test_the_loser_of_a_batch_is_committed_again(
    real: World, objects: MemoryObjectStore, mode: IfExists, path: str, version: int
) -> None:
    """What to do about the name can be said when it turns out to be taken; no byte is resent."""
    first, second = await sent(real, objects, "one", "three")
    await real.commit(first, "one")
    assert await real.commit(second, "three") == NameTaken("f")

    again = UploadCommit(second.upload_id, sha256("three"), if_exists=mode)
    (done,) = await commit(real, again)

    assert isinstance(done, Written)
    assert (done.node.path, done.node.version) == (path, version)
    assert await usage(real) == (8, 0)
    assert await commit(real, again) == [done]


async def test_both_ways_of_one_upload_in_a_batch(real: World, objects: MemoryObjectStore) -> None:
    """A claim that is refused leaves the next claim of the same upload its own chance."""
    first, second = await sent(real, objects, "one", "three")
    claim = UploadCommit(second.upload_id, sha256("three"))
    renamed = UploadCommit(second.upload_id, sha256("three"), if_exists=IfExists.RENAME)

    done, refused, other, same = await commit(
        real, UploadCommit(first.upload_id, sha256("one")), claim, renamed, claim
    )

    assert isinstance(done, Written)
    assert refused == NameTaken("f")
    assert isinstance(other, Written)
    assert other.node.path == "/f (2)"
    assert same == other


async def test_a_stale_upload_is_kept_beside(real: World, objects: MemoryObjectStore) -> None:
    """A commit on an old version need not be sent again to be kept under another name."""
    await real.commit((await sent(real, objects, "one"))[0], "one")
    late = await real.init("/f", "late", base_version=1)
    await send(objects, late.transfers[0], b"late")
    newer = await real.init("/f", "newer", base_version=1)
    await send(objects, newer.transfers[0], b"newer")
    await real.commit(newer, "newer")
    assert await real.commit(late, "late") == StaleBase(2)

    claim = UploadCommit(late.upload_id, sha256("late"), if_exists=IfExists.RENAME)
    (kept,) = await commit(real, claim)

    assert isinstance(kept, Written)
    assert kept.node.path == "/f (2)"
    current = await real.ask(GetNode(real.caller(), Target(path="/f")))
    assert current.hash == sha256("newer")


async def test_a_commit_overtaken_by_its_own_repeat(
    real: World, direct: Direct, objects: MemoryObjectStore
) -> None:
    """A retry that finds the object gone already gets the answer of the commit that won."""
    await real.commit((await sent(real, objects, "hello"))[0], "hello")
    stranger = real.caller(2)
    upload = await real.init("/g", "hello", stranger)
    await send(objects, upload.transfers[0], b"hello")
    winner = []

    async def overtake() -> None:
        winner.append(await real.commit(upload, "hello", stranger))

    direct.before[VerifyObjects] = overtake
    late = await real.commit(upload, "hello", stranger)

    assert isinstance(late, Written)
    assert [late] == winner
