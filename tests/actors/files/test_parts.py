"""Uploads in parts over the real storage room: what is missing, wrong, late, or over."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import CommittedPart, PartToSign, Target
from bitvault.actors.storage.contract import BytesMismatch, BytesMissing
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Signed
from bitvault.kernel.refusal import Invalid
from tests.actors.files.conftest import World, send, sha256, usage
from tests.support.postgres import unchanged

PARTS = (b"a" * (16 << 20), b"b" * 100)
"""As few bytes as make two parts."""
SIZE = sum(map(len, PARTS))
ALL = ("files", "storage", "outbox")
_EIGHT_DAYS, _PART_TTL = 8 * 86400, 900


def digest(data: bytes) -> str:
    """Return the hash of one part."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def composite(parts: Sequence[bytes]) -> str:
    """Return the hash of an upload in parts."""
    raw = b"".join(hashlib.sha256(part).digest() for part in parts)
    return f"sha256-{len(parts)}:{hashlib.sha256(raw).hexdigest()}"


WHOLE = composite(PARTS)


def part(number: int, **changed: Any) -> CommittedPart:
    """Return the client's word for a part."""
    etag = hashlib.md5(PARTS[number - 1], usedforsecurity=False).hexdigest()
    return evolve(CommittedPart(number, etag, digest(PARTS[number - 1])), **changed)


async def opened(world: World, **more: Any) -> c.UploadOpened:
    """Open an upload of PARTS; its hash may come as late as the commit."""
    draft = c.UploadDraft(SIZE, Target(path="/large"), **more)
    (upload,) = await world.ask(c.InitUploads(world.caller(), (draft,)))
    assert upload.plan == c.UploadPlan("multipart", 16 << 20, 2)
    assert upload.transfers == ()
    return upload  # type: ignore[no-any-return]


async def signed(world: World, upload: c.UploadOpened, *numbers: int) -> tuple[Any, ...]:
    """Have some parts signed, each for its bytes."""
    parts = tuple(PartToSign(number, digest(PARTS[number - 1])) for number in numbers)
    steps = await world.ask(c.SignUploadParts(world.caller(), upload.upload_id, parts))
    assert [step.part_number for step in steps] == list(numbers)
    return tuple(steps)


async def fill(world: World, objects: MemoryObjectStore, upload: Any, *numbers: int) -> Any:
    """Send some parts; answer the steps."""
    steps = await signed(world, upload, *numbers)
    for step in steps:
        assert (await send(objects, step, PARTS[step.part_number - 1])).accepted
    return steps


async def commit(world: World, upload: Any, digest: str = WHOLE, *parts: CommittedPart) -> Any:
    """Claim the upload."""
    claim = c.UploadCommit(upload.upload_id, digest, parts=parts)
    (answer,) = await world.ask(c.CommitUploads(world.caller(), (claim,)))
    return answer


@pytest.mark.parametrize("declared", [None, WHOLE])
async def test_a_resumed_upload_sends_the_rest_only(
    real: World, objects: MemoryObjectStore, declared: str | None
) -> None:
    """The store says what it has, the refusal what it lacks; signed and sent, it is committed."""
    upload = await opened(real, hash=declared)
    await fill(real, objects, upload, 2)
    async with unchanged(real.database, *ALL):
        assert await commit(real, upload) == BytesMissing((1,))

    state = await real.ask(c.DescribeUpload(real.caller(), upload.upload_id))
    (have,) = state.parts
    assert (have.part_number, have.size, have.hash) == (2, 100, digest(PARTS[1]))
    rest = {*range(1, state.plan.part_count + 1)} - {one.part_number for one in state.parts}
    await fill(real, objects, upload, *rest)
    done = await commit(real, upload, WHOLE, part(2, etag=have.etag), part(1))

    assert (done.node.size, done.node.hash, done.node.version) == (SIZE, WHOLE, 1)
    assert await commit(real, upload) == done
    assert await usage(real) == (SIZE, 0)


@pytest.mark.parametrize(
    ("digest_", "parts", "refusal"),
    [
        (WHOLE, (part(1),), BytesMismatch("parts")),
        (WHOLE, (part(1), part(1)), BytesMismatch("parts")),
        (WHOLE, (part(1), part(2, part_number=3)), BytesMismatch("parts")),
        (WHOLE, (part(1), part(2, part_number=0)), BytesMismatch("parts")),
        (WHOLE, (part(1), part(2), part(2, part_number=3)), BytesMismatch("parts")),
        (WHOLE, (part(1), part(2, hash=digest(b"other"))), BytesMismatch("parts")),
        (WHOLE, (part(1), part(2, etag="other")), BytesMismatch("parts")),
        (composite((b"x", b"y")), (), BytesMismatch("hash")),
        (composite(PARTS[::-1]), (), BytesMismatch("hash")),
        (composite((*PARTS, b"")), (), Invalid),
        (sha256("single"), (), Invalid),
        ("sha256-2:beef", (), Invalid),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_false_claim_changes_nothing(
    real: World,
    objects: MemoryObjectStore,
    digest_: str,
    parts: tuple[CommittedPart, ...],
    refusal: Any,
) -> None:
    """Wrong numbers, hashes, tags or forms are refused, and the true claim still goes through."""
    upload = await opened(real)
    await fill(real, objects, upload, 1, 2)

    async with unchanged(real.database, *ALL):
        answer = await commit(real, upload, digest_, *parts)

    assert refusal in (answer, type(answer))
    assert isinstance(await commit(real, upload, WHOLE, part(1), part(2)), c.Written)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ((PartToSign(0),), "partNumbers"),
        ((PartToSign(3),), "partNumbers"),
        ((PartToSign(1), PartToSign(1)), "partNumbers"),
        ((), "uploadId"),
        ((PartToSign(1, "md5:beef"),), "hash"),
        ((PartToSign(1, WHOLE),), "hash"),
        (tuple(PartToSign(1) for _ in range(1001)), "parts"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_signed(real: World, parts: Any, field: str) -> None:
    """Numbers outside the plan, doubles, wrong hashes and too many are refused by name."""
    upload = await opened(real)

    async with unchanged(real.database, *ALL):
        answer = await real.ask(c.SignUploadParts(real.caller(), upload.upload_id, parts))

    assert isinstance(answer, Invalid)
    assert answer.field == field


async def test_a_signed_part_takes_its_own_bytes(real: World, objects: MemoryObjectStore) -> None:
    """Fewer, more or other bytes do not pass the store, and are not received."""
    upload = await opened(real)
    _, step = await signed(real, upload, 1, 2)

    for wrong in (PARTS[1][:-1], PARTS[1] + b"b", b"c" * 100, b""):
        assert not (await send(objects, step, wrong)).accepted
    state = await real.ask(c.DescribeUpload(real.caller(), upload.upload_id))
    assert state.parts == ()


async def test_a_part_of_the_wrong_size(real: World, objects: MemoryObjectStore) -> None:
    """Where the store takes any length, the commit finds it; the part can be sent again."""
    objects.honours = evolve(objects.honours, signed_length=False, part_checksum=False)
    upload = await opened(real)
    step, other = await signed(real, upload, 1, 2)
    assert (await send(objects, step, PARTS[0])).accepted
    assert (await send(objects, other, PARTS[1][:-1])).accepted

    async with unchanged(real.database, *ALL):
        assert await commit(real, upload) == BytesMismatch("size")
    assert (await send(objects, other, PARTS[1])).accepted
    assert isinstance(await commit(real, upload), c.Written)


async def test_the_declared_hash_binds(real: World, objects: MemoryObjectStore) -> None:
    """Bytes that are all there, but not those that were announced, are not committed."""
    upload = await opened(real, hash=composite((b"x", b"y")))
    await fill(real, objects, upload, 1, 2)

    async with unchanged(real.database, *ALL):
        assert await commit(real, upload) == BytesMismatch("hash")


async def test_a_late_url_is_renewed(real: World, objects: MemoryObjectStore) -> None:
    """A part's URL ends; the upload does not."""
    upload = await opened(real)
    step, _ = await signed(real, upload, 2, 1)
    real.clock.advance(_PART_TTL + 1)
    assert not (await send(objects, step, PARTS[1])).accepted

    await fill(real, objects, upload, 1, 2)

    assert isinstance(await commit(real, upload), c.Written)


async def test_after_the_commit(real: World, objects: MemoryObjectStore) -> None:
    """It cannot be aborted or signed, and no old URL changes its bytes."""
    upload = await opened(real)
    steps = await fill(real, objects, upload, 1, 2)
    await commit(real, upload)
    closed = c.UploadClosed("committed")

    async with unchanged(real.database, *ALL):
        assert await real.ask(c.AbortUpload(real.caller(), upload.upload_id)) == closed
        parts = (PartToSign(1),)
        sign = c.SignUploadParts(real.caller(), upload.upload_id, parts)
        assert await real.ask(sign) == closed
        assert not (await send(objects, steps[1], PARTS[1])).accepted
    drafts = (c.ContentDraft(Target(path="/large")),)
    (content,) = await real.ask(c.GetContents(real.caller(), drafts))
    get = Signed(content.method, content.url, content.headers, content.expires_at)
    assert (await objects.send(get)).body == b"".join(PARTS)


@pytest.mark.parametrize("end", ["aborted", "expired"])
async def test_after_the_end(real: World, objects: MemoryObjectStore, end: str) -> None:
    """Nothing is reserved, the parts are gone, and neither a part nor a commit is taken."""
    upload = await opened(real)
    steps = await fill(real, objects, upload, 1, 2)
    if end == "aborted":
        await real.ask(c.AbortUpload(real.caller(), upload.upload_id))
    else:
        real.clock.advance(_EIGHT_DAYS)
        assert await real.ask(c.ExpireUploads()) == 1
    assert await usage(real) == (0, 0)

    async with unchanged(real.database, *ALL):
        assert await commit(real, upload) == c.UploadClosed(end)
        assert not (await send(objects, steps[0], PARTS[0])).accepted
        answer = await real.ask(c.DescribeUpload(real.caller(), upload.upload_id))
    assert (answer.state, answer.parts) == (end, ())
    assert await real.ask(c.AbortUpload(real.caller(), upload.upload_id)) is None


async def test_parts_and_single_puts_in_one_batch(real: World, objects: MemoryObjectStore) -> None:
    """One commit takes both, and each is judged by itself."""
    large, lacking = await opened(real), await opened(real)
    small = await real.init("/small", "hello")
    await fill(real, objects, large, 1, 2)
    await send(objects, small.transfers[0], b"hello")
    claims = (
        c.UploadCommit(large.upload_id, WHOLE),
        c.UploadCommit(small.upload_id, sha256("hello")),
        c.UploadCommit(lacking.upload_id, WHOLE),
    )

    done = await real.ask(c.CommitUploads(real.caller(), claims))

    assert [isinstance(one, c.Written) for one in done] == [True, True, False]
    assert done[2] == BytesMissing((1, 2))
    assert await usage(real) == (SIZE + 5, SIZE)
