"""Objects that uploads leave behind: given up, overtaken, late, or half recorded."""

import pytest
from attrs import evolve

from bitvault.actors.files.contract import (
    AbortUpload,
    CommitUploads,
    UploadCommit,
    UploadOpened,
    Written,
)
from bitvault.actors.storage import contract as c
from bitvault.drivers.objects.signing import PROVEN
from bitvault.kernel.refusal import Unavailable
from tests.actors.files.conftest import TENANT, sha256
from tests.actors.finalizer.conftest import (
    GRACE,
    UPLOADS,
    Fuse,
    House,
    Killed,
    Relive,
    storage_silent,
)
from tests.support.determinism import FixedClock

LARGE = b"x" * 2048
SOON = GRACE - 1


async def test_an_object_that_was_sealed_and_not_committed_yet(house: House) -> None:
    """Killed between storage's seal and the commit: as long as the upload is open, it is kept."""
    upload = await house.init("/f", "x")
    await house.send(upload.transfers[0], b"x")
    claim = c.UploadClaim(upload.upload_id, sha256("x"))
    (verified,) = await house.below.handle(c.VerifyObjects(TENANT, (claim,)))
    assert isinstance(verified, c.ObjectVerified)

    await house.settle(GRACE)
    assert house.store.keys == {verified.key}
    assert isinstance(await house.commit(upload, "x"), Written)
    await house.settle(UPLOADS)
    await house.settle(GRACE)

    await house.check_clean()
    assert house.store.keys == {verified.key}


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("large", [False, True])
async def test_an_abort_that_could_not_discard(house: House, *, sealed: bool, large: bool) -> None:
    """Killed between closing an upload and discarding its object: the ledger finds it."""
    if large:
        upload = await house.open_large("/f", LARGE)
        claim = house.claim_large(upload, LARGE)
    else:
        upload = await house.init("/f", "x")
        await house.send(upload.transfers[0], b"x")
        claim = c.UploadClaim(upload.upload_id, sha256("x"))  # type: ignore[assignment]
    if sealed:
        proof = c.UploadClaim(upload.upload_id, claim.hash)
        await house.below.handle(c.VerifyObjects(TENANT, (proof,)))
    with storage_silent(house):
        await house.ask(AbortUpload(house.caller(), upload.upload_id))

    await house.settle(UPLOADS)

    assert (house.store.keys, house.store.multiparts) == (set(), [])
    await house.settle(GRACE)
    await house.check_clean()


async def test_an_upload_that_expires_takes_its_bytes_along(house: House) -> None:
    """Single or in parts, sent or not."""
    single = await house.init("/f", "x")
    await house.send(single.transfers[0], b"x")
    await house.open_large("/g", LARGE)
    await house.init("/h", "never sent")

    await house.settle(UPLOADS)

    assert (house.store.keys, house.store.multiparts) == (set(), [])
    await house.settle(GRACE)
    await house.check_clean()


async def test_a_put_after_the_end_is_deleted_too(house: House) -> None:
    """A URL outlives its upload; what it brings is deleted at the second look."""
    upload = await house.init("/f", "x")
    await house.ask(AbortUpload(house.caller(), upload.upload_id))
    await house.send(upload.transfers[0], b"x")
    assert len(house.store.keys) == 1

    await house.settle(GRACE)

    await house.check_clean()


async def test_multipart_uploads_that_no_row_names(house: House) -> None:
    """A crash between opening one and noting its id leaves it beside the one that is used."""
    upload = await house.open_large("/f", LARGE)
    (key,) = [key for (key,) in await house.rows("SELECT key FROM storage.object")]
    await house.store.inner.create_multipart(key)
    claim = house.claim_large(upload, LARGE)
    (done,) = await house.ask(CommitUploads(house.caller(), (claim,)))
    assert isinstance(done, Written)
    assert house.store.multiparts == [key]

    await house.settle(GRACE)

    await house.check_clean()
    assert house.store.keys == {key}


async def test_a_losing_object_goes(house: House, relive: Relive) -> None:
    """Two uploads of one content: wherever the second commit is killed, one object is left."""
    losers = at = 0
    while True:
        at += 1
        content = f"content {at}"
        first = await house.init(f"/f{at}", content)
        second = await house.init(f"/g{at}", content)
        for upload in (first, second):
            await house.send(upload.transfers[0], content.encode())
        await house.commit(first, content)
        killed = await _dies(relive(Fuse(at)), second, content)
        files = await house.rows("SELECT node_id FROM files.node WHERE kind = 'file'")
        losers += killed and len(files) == 2 * at and len(house.store.keys) > at
        assert isinstance(await house.commit(second, content), Written)

        await house.settle(GRACE)

        await house.check()
        assert len(house.store.keys) == at
        if not killed:
            break
    assert losers > 0
    await house.settle(GRACE)
    await house.check_clean()


async def _dies(house: House, upload: UploadOpened, content: str) -> bool:
    """Commit in a life that may be killed; return whether it was."""
    killed = False
    try:
        await house.commit(upload, content)
    except* Killed:
        killed = True
    return killed


async def test_a_late_put_beside_a_frozen_copy(house: House, clock: FixedClock) -> None:
    """A store that is not believed has a second key for each object; nothing stays at the first."""
    house.store.inner.capabilities = evolve(PROVEN, write_once=False)
    house.store.inner.honours = house.store.inner.capabilities
    upload = await house.init("/f", "x")
    await house.send(upload.transfers[0], b"x")
    assert isinstance(await house.commit(upload, "x"), Written)
    await house.send(upload.transfers[0], b"x")
    assert len(house.store.keys) == 2

    await house.settle(GRACE)

    await house.check_clean()
    assert len(house.store.keys) == 1


async def test_a_copy_that_never_got_its_seal_is_garbage(house: House) -> None:
    """A scratch copy outlives its verification by a grace; then no seal can take it over."""
    house.store.inner.capabilities = evolve(PROVEN, write_once=False)
    house.store.inner.honours = house.store.inner.capabilities
    upload = await house.init("/f", "x")
    await house.send(upload.transfers[0], b"x")
    scratch = await house.below.garbage.ledger.add_scratch(TENANT, 1)
    await house.store.inner.copy(next(iter(house.store.keys)), scratch, _etag(house))

    await house.settle(SOON)
    assert scratch in house.store.keys
    await house.settle(1)
    assert scratch not in house.store.keys

    assert isinstance(await house.commit(upload, "x"), Written)
    await house.settle(GRACE)
    await house.settle(GRACE)
    await house.check_clean()


def _etag(house: House) -> str:
    (stored,) = house.store.inner._objects.values()
    return stored.info.etag


async def test_a_seal_comes_too_late_for_its_copy(house: House) -> None:
    """The copy was thrown away while it was read: the seal is refused, and a retry succeeds."""
    inner = house.store.inner
    inner.capabilities = inner.honours = evolve(PROVEN, write_once=False)
    upload = await house.init("/f", "x")
    await house.send(upload.transfers[0], b"x")
    read = inner.sha256_of

    async def slow(key: str, part_size: int | None) -> bytes | None:
        digest = await read(key, part_size)
        house.clock.advance(GRACE)
        await house.finalizer.turn()
        return digest

    inner.sha256_of = slow  # type: ignore[method-assign]
    claim = UploadCommit(upload.upload_id, sha256("x"))
    refused = await house.ask(CommitUploads(house.caller(), (claim,)))
    inner.sha256_of = read  # type: ignore[method-assign]

    assert refused == Unavailable("object store")
    assert isinstance(await house.commit(upload, "x"), Written)
    await house.check()
