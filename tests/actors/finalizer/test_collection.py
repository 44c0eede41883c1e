"""What becomes of bytes nobody needs: each kind of garbage, from its making to its end."""

from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.files.contract import (
    AbortUpload,
    CommitUploads,
    InitUploads,
    JudgeObjects,
    ObjectInDoubt,
    Target,
    UploadCommit,
    UploadDraft,
    UploadNotFound,
    UploadOpened,
    UploadUnneeded,
    Verdict,
    Written,
)
from bitvault.actors.files.store.collecting import SQL, drop_keys
from bitvault.actors.storage import contract as c
from bitvault.actors.storage.actor import StorageOptions
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.signing import PROVEN
from bitvault.kernel.refusal import Unavailable
from tests.actors.files.conftest import TENANT, sha256
from tests.actors.finalizer.conftest import DAY, GRACE, UPLOADS, House
from tests.support.determinism import FixedClock
from tests.support.postgres import unchanged

LARGE = b"x" * 2048
SOON = GRACE - 1


async def test_purged_bytes_go_after_their_grace_and_their_rows_one_grace_later(
    house: House,
) -> None:
    """Content, object and ledger row end one after the other; shared content stays."""
    await house.put("/f", "gone")
    await house.put("/g", "shared")
    await house.put("/h", "shared")
    for path in ("/f", "/g"):
        await house.purge(path)

    await house.settle(SOON)
    assert len(house.store.keys) == 2
    await house.settle(1)

    await house.check()
    assert len(house.store.keys) == 1
    assert sorted((await house.ledger()).values()) == ["gone", "sealed"]
    await house.settle(GRACE)
    await house.check_clean()


async def test_content_that_comes_back_in_time_is_kept(house: House) -> None:
    """A reference taken during the grace makes it live again, with the object it has."""
    await house.put("/f", "x")
    await house.purge("/f")
    await house.settle(SOON)

    await house.put("/g", "x")

    await house.settle(10 * GRACE)
    await house.check_clean()
    assert len(house.store.keys) == 1


async def test_a_commit_takes_a_condemned_blob_over(house: House) -> None:
    """Its own object serves from then on, and the old one is deleted, even after a crash."""
    await house.put("/f", "x")
    (old,) = house.store.keys
    await house.purge("/f")
    house.clock.advance(GRACE)
    await _condemn_only(house)
    assert await house.rows("SELECT state FROM files.blob") == [("condemned",)]

    await house.put("/g", "x")

    assert await house.rows("SELECT state, refs FROM files.blob") == [("live", 1)]
    await house.settle()
    await house.check()
    assert old in house.store.deleted
    await house.settle(GRACE)
    await house.check_clean()
    assert len(house.store.keys) == 1


async def _condemn_only(house: House) -> None:
    """Do the first half of a collection: storage does not answer."""
    below = house.room._storage

    class Silent:
        async def ask(self, _: Any) -> Unavailable:
            return Unavailable("storage")

    house.room._storage = Silent()  # type: ignore[assignment] - a ref that never answers
    assert await house.finalizer.turn() is False
    assert house.finalizer.tally.postponed > 0
    house.room._storage = below


async def test_a_collection_that_stopped_half_way_goes_on(house: House) -> None:
    """Condemned, then killed: the next turn discards, and nothing is condemned twice."""
    await house.put("/f", "x")
    await house.purge("/f")
    house.clock.advance(GRACE)
    await _condemn_only(house)
    assert len(house.store.keys) == 1

    await house.settle()

    assert house.store.keys == set()
    await house.settle(GRACE)
    await house.check_clean()


async def test_a_store_that_is_down_only_delays(house: House) -> None:
    """Marked once, garbage is tried again until it is gone; files is done with it already."""
    await house.put("/f", "x")
    await house.purge("/f")
    house.store.down = True
    await house.settle(GRACE)
    assert await house.rows("SELECT * FROM files.blob") == []
    assert sorted((await house.ledger()).values()) == ["garbage"]

    await house.settle(300)
    assert len(house.store.keys) == 1
    house.store.down = False
    await house.settle(300)

    assert house.store.keys == set()
    await house.settle(GRACE)
    await house.check_clean()


async def test_one_object_that_cannot_be_deleted_keeps_no_other(house: House) -> None:
    """It waits for its next try; everything behind it in the queue goes."""
    for number in range(5):
        await house.put(f"/a/{number}", f"{number}")
    stubborn = sorted(house.store.keys)[2]
    house.store.stubborn.add(stubborn)
    await house.purge("/a")

    for _ in range(3):
        await house.settle(GRACE)

    assert house.store.keys == {stubborn}
    assert await house.ledger() == {stubborn: "garbage"}
    house.store.stubborn.clear()
    await house.settle(300)
    await house.settle(GRACE)
    await house.check_clean()


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
    below = house.room._storage
    house.room._storage = _Gone()  # type: ignore[assignment] - a ref that never answers
    await house.ask(AbortUpload(house.caller(), upload.upload_id))
    house.room._storage = below

    await house.settle(UPLOADS)

    assert (house.store.keys, house.store.multiparts) == (set(), [])
    await house.settle(GRACE)
    await house.check_clean()


class _Gone:
    async def ask(self, _: Any) -> Unavailable:
        return Unavailable("storage")


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


async def test_a_losing_object_goes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two uploads of one content: the second object is nobody's, though nobody discarded it."""
    first = await house.init("/f", "x")
    second = await house.init("/g", "x")
    for upload in (first, second):
        await house.send(upload.transfers[0], b"x")
    await house.commit(first, "x")

    async def forget(*_: Any) -> None:
        """Die before discarding."""

    monkeypatch.setattr(type(house.room), "_discard", forget)
    assert isinstance(await house.commit(second, "x"), Written)
    assert len(house.store.keys) == 2

    await house.settle(GRACE)
    await house.settle(GRACE)

    await house.check_clean()
    assert len(house.store.keys) == 1


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


async def test_what_is_committed_while_it_is_judged_is_kept(house: House) -> None:
    """Listed open, sealed and committed before the verdict is carried out: the verdict is void."""
    upload = await house.open_large("/f", LARGE)
    house.clock.advance(UPLOADS)
    (due,) = await house.below.handle(c.ListDueObjects(10))
    claim = house.claim_large(upload, LARGE)
    (done,) = await house.ask(CommitUploads(house.caller(), (claim,)))
    assert isinstance(done, Written)

    doubt = ObjectInDoubt(due.upload_id, due.key, due.hash)
    (verdict,) = await house.ask(JudgeObjects(TENANT, (doubt,)))
    assert verdict is Verdict.UNNEEDED
    await house.below.handle(c.SettleObjects(TENANT, (), (), (due,)))

    await house.check()
    assert len(house.store.keys) == 1
    await house.settle(GRACE)
    await house.check_clean()


async def test_verdicts(house: House) -> None:
    """Open is waited for, named is named, and anything else is nobody's: also another tenant's."""
    opened = await house.init("/open", "open")
    await house.put("/f", "x")
    (row,) = await house.rows(
        "SELECT upload_id, key, hash FROM storage.object WHERE state = 'sealed'"
    )
    named = ObjectInDoubt(*row)
    objects = (
        ObjectInDoubt(opened.upload_id, None, None),
        named,
        evolve(named, key="blobs/other"),
        evolve(named, key=None, hash=None),
        ObjectInDoubt(house.ids.uuid7(), None, None),  # type: ignore[arg-type]
    )

    verdicts = await house.ask(JudgeObjects(TENANT, objects))
    abroad = await house.ask(JudgeObjects(house.ids.uuid7(), objects[:2]))  # type: ignore[arg-type]

    unneeded = [Verdict.UNNEEDED] * 3
    assert verdicts == (Verdict.WAITED_FOR, Verdict.NAMED, *unneeded)
    assert abroad == (Verdict.UNNEEDED, Verdict.UNNEEDED)


async def test_no_tenant_discards_anothers_keys(house: House) -> None:
    """A foreign key is no key."""
    await house.put("/f", "x")
    (key,) = house.store.keys

    async with unchanged(house.database, "files", "storage", "outbox"):
        asked = c.DiscardKeys(house.ids.uuid7(), (key, "blobs/none"))  # type: ignore[arg-type]
        assert await house.below.handle(asked) == 0

    await house.check()
    assert house.store.keys == {key}


async def test_answers_are_kept_for_repeats_and_then_forgotten(house: House) -> None:
    """A repeat gets the first answer for a week past the upload's lifetime, and no longer."""
    caller = house.caller(1, "key")
    draft = UploadDraft(1, Target(path="/f"), hash=sha256("x"))
    (upload,) = await house.ask(InitUploads(caller, (draft,)))
    await house.send(upload.transfers[0], b"x")
    done = await house.commit(upload, "x")
    await house.settle(DAY)
    assert await house.rows("SELECT key FROM files.idempotency") == []

    await house.settle(UPLOADS + 5 * DAY)
    assert await house.commit(upload, "x") == done
    await house.settle(DAY)

    assert await house.commit(upload, "x") == UploadNotFound()
    assert await house.rows("SELECT upload_id FROM files.upload") == []
    await house.check_clean()


async def test_a_key_that_is_used_again_is_not_forgotten(house: House) -> None:
    """Found expired, used once more before it is dropped: then it lives another day."""
    caller = house.caller(1, "key")
    draft = UploadDraft(1, Target(path="/f"), hash=sha256("x"))
    (first,) = await house.ask(InitUploads(caller, (draft,)))
    house.clock.advance(DAY)
    now = house.clock.now()
    found = await house.database.read(
        None, lambda tx: tx.fetch(SQL["expired_keys"], limit=9, now=now)
    )
    (second,) = await house.ask(InitUploads(caller, (draft,)))
    assert first.upload_id != second.upload_id

    dropped = await house.database.transact(TENANT, lambda tx: drop_keys(tx, TENANT, found, now))

    assert (len(found), dropped) == (1, 0)

    (third,) = await house.ask(InitUploads(caller, (draft,)))
    assert third.upload_id == second.upload_id


async def test_a_copy_that_never_got_its_seal_is_garbage(house: House) -> None:
    """A scratch copy outlives its verification by a grace; then no seal can take it over."""
    house.store.inner.capabilities = evolve(PROVEN, write_once=False)
    house.store.inner.honours = house.store.inner.capabilities
    upload = await house.init("/f", "x")
    await house.send(upload.transfers[0], b"x")
    scratch = await house.below._ledger.add_scratch(TENANT, 1)
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


async def test_dedup_on_content_in_its_grace(house: House) -> None:
    """Content without references is not offered, and comes back with its first reader."""
    await house.put("/f", "x")
    await house.purge("/f")

    assert isinstance(await house.init("/g", "x"), UploadOpened)
    await house.put("/g", "x")
    assert isinstance(await house.init("/h", "x"), UploadUnneeded)
    await house.settle(10 * GRACE)
    await house.settle(GRACE)
    await house.check_clean()


@pytest.mark.parametrize("storage_options", [StorageOptions(upload_ttl=60, grace=60)])
async def test_only_what_is_due_is_looked_at(house: House, store: MemoryObjectStore) -> None:
    """Each object is judged once in its life: later turns look at none, however many live."""
    for number in range(20):
        await house.put(f"/{number}", f"{number}")
    await house.settle(60)
    assert house.finalizer.tally.totals["objects_judged"] == 20

    await house.settle(10 * DAY)

    assert house.finalizer.tally.totals["objects_judged"] == 20
    assert await house.rows("SELECT 1 FROM storage.object WHERE look_at IS NOT NULL") == []
    await house.check_clean()
