"""Many uploads ended in one request: each says what became of it, for the price of one."""

from uuid import UUID

import pytest

from bitvault.actors.files.contract import (
    AbortUploads,
    ExpireUploads,
    UploadClosed,
    UploadEnded,
    UploadNotFound,
    UploadOpened,
    Written,
)
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.kernel.ids import UploadId
from bitvault.kernel.refusal import Invalid
from tests.actors.files.conftest import World, send, usage
from tests.actors.files.counting import CountingDatabase
from tests.actors.files.test_sessions import opened
from tests.support.postgres import unchanged
from tests.support.rewiring import rewire

_WEEK = 7 * 86400
NONE = UploadId(UUID(int=77))


def message(world: World, *uploads: UploadOpened, user: int = 1) -> AbortUploads:
    """Abort these as this user."""
    return AbortUploads(world.caller(user), tuple(one.upload_id for one in uploads))


async def test_each_says_how_it_ended(real: World, objects: MemoryObjectStore) -> None:
    """Open, aborted before, expired, committed, another user's, and one twice: in one batch."""
    late = await real.init("/late", "late")
    real.clock.advance(_WEEK + 1)
    assert await real.ask(ExpireUploads()) == 1
    one, before, done = await opened(real, 5, 2048, 6)
    await send(objects, done.transfers[0], b"xxxxxx")
    await real.commit(done, "xxxxxx")
    await real.ask(message(real, before))
    theirs = await real.init("/theirs", "theirs", real.caller(2))
    asked = message(real, one, late, before, done, theirs, one)

    answers = await real.ask(asked)

    assert answers == (
        UploadEnded(one.upload_id, "aborted"),
        UploadEnded(late.upload_id, "expired"),
        UploadEnded(before.upload_id, "aborted"),
        UploadClosed("committed"),
        UploadNotFound(),
        UploadEnded(one.upload_id, "aborted"),
    )
    assert await usage(real) == (6, 0)
    async with unchanged(real.database, "files", "storage", "outbox"):
        assert await real.ask(asked) == answers
    await send(objects, theirs.transfers[0], b"theirs")
    assert isinstance(await real.commit(theirs, "theirs", real.caller(2)), Written)


@pytest.mark.requirement("X17", "X40")
async def test_what_is_not_the_callers_stays_open(real: World) -> None:
    """Another user, an admin, another tenant: an upload of nobody and theirs are the same."""
    upload = await real.init("/f", "hello")
    strangers = (real.caller(2), real.caller(3, admin=True), real.caller(1, tenant=UUID(int=0xB)))
    for stranger in strangers:
        for upload_id in (upload.upload_id, NONE):
            async with unchanged(real.database, "files", "storage", "outbox"):
                asked = AbortUploads(stranger, (upload_id,))
                assert await real.ask(asked) == (UploadNotFound(),)
    assert await usage(real) == (0, 5)


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_of_a_wrong_size_changes_nothing(real: World, count: int) -> None:
    """None and too many are refused whole."""
    upload = await real.init("/f", "hello")
    async with unchanged(real.database, "files", "storage", "outbox"):
        asked = AbortUploads(real.caller(), (upload.upload_id,) * count)
        assert await real.ask(asked) == Invalid("items", "must have 1 to 1000 items")


async def test_many_cost_the_statements_of_one(real: World) -> None:
    """Each kind of statement runs once, however many uploads end."""
    counts = []
    for number in (1, 200):
        uploads = await opened(real, *[number] * number)
        counting = CountingDatabase(real.database)
        rewire(real.room, database=counting)
        answers = await real.ask(message(real, *uploads))
        rewire(real.room, database=real.database)
        assert [one.state for one in answers] == ["aborted"] * number
        counts.append(counting.runs)
    assert counts[0] == counts[1]
    assert max(counts[1].values()) == 1
    assert await usage(real) == (0, 0)
