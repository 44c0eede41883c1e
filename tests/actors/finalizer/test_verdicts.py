"""What files says of an object in doubt, and how long it remembers what it said to clients."""

from attrs import evolve

from bitvault.actors.files.contract import (
    CommitUploads,
    InitUploads,
    JudgeObjects,
    ObjectInDoubt,
    Target,
    UploadDraft,
    UploadNotFound,
    Verdict,
    Written,
)
from bitvault.actors.files.store.collecting import SQL, drop_keys
from bitvault.actors.storage import contract as c
from tests.actors.files.conftest import TENANT, sha256
from tests.actors.finalizer.conftest import DAY, GRACE, UPLOADS, House

LARGE = b"x" * 2048


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
