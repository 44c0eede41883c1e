"""The daemon is killed before and after every effect of a turn; the next life makes it good."""

import pytest

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import AbortUpload, CommitUploads, UploadOpened, Written
from bitvault.actors.storage import contract as c
from bitvault.actors.storage.actor import StorageOptions
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from tests.actors.files.conftest import sha256
from tests.actors.finalizer.conftest import (
    GRACE,
    UPLOADS,
    Fuse,
    House,
    Killed,
    build,
    storage_silent,
)
from tests.support.determinism import FixedClock, SequenceIds

LARGE = b"x" * 2048


async def litter(house: House, caller: Caller) -> None:
    """Leave some of every kind of garbage, beside what is alive."""
    for number in range(5):
        await house.put(f"/gone/{number % 2}/{number}", f"gone {number}", caller)
    await house.put("/alive", "gone 0", caller)
    await house.put("/back", "back", caller)
    await house.purge("/gone", caller)
    await house.purge("/back", caller)
    large = await house.open_large("/large", LARGE, caller)
    (done,) = await house.ask(CommitUploads(caller, (house.claim_large(large, LARGE),)))
    assert isinstance(done, Written)
    (key,) = await house.rows("SELECT key FROM storage.object ORDER BY upload_id DESC LIMIT 1")
    await house.store.inner.create_multipart(*key)
    sealed = await house.init("/sealed", "sealed", caller)
    await house.send(sealed.transfers[0], b"sealed")
    claim = c.UploadClaim(sealed.upload_id, sha256("sealed"))
    await house.below.handle(c.VerifyObjects(caller.tenant_id, (claim,)))
    aborted = await house.open_large("/aborted", LARGE, caller)
    with storage_silent(house):
        await house.ask(AbortUpload(caller, sealed.upload_id))
        await house.ask(AbortUpload(caller, aborted.upload_id))
    unfinished = await house.init("/unfinished", "unfinished", caller)
    await house.send(unfinished.transfers[0], b"unfinished")


@pytest.mark.slow
async def test_no_crash_leaves_garbage_or_takes_anything_alive(
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    store: MemoryObjectStore,
    options: FilesOptions,
    storage_options: StorageOptions,
) -> None:
    """Each run litters, is killed at the next effect, comes back, and ends clean."""
    limits, at, alive = (options, storage_options), 0, 0
    while True:
        at += 1
        house = build(database, clock, ids, store, limits)
        caller = house.caller(tenant=TenantId(ids.uuid7()))
        await litter(house, caller)
        clock.advance(UPLOADS)
        fuse = Fuse(at)
        killed = await life(build(database, clock, ids, store, limits, fuse))
        after = build(database, clock, ids, store, limits)
        # Content that was condemned when the daemon died, and comes back before its object goes.
        assert isinstance(await after.put("/back", "back", caller), Written)
        assert isinstance(await after.init("/late", "late", caller), UploadOpened)
        await after.check()
        for seconds in (0.0, 300.0, UPLOADS, GRACE, GRACE):
            await after.settle(seconds)
        await after.check_clean()
        alive += 3
        assert len(store._objects) == alive
        if not killed:
            break
    assert at > 50


async def life(house: House) -> bool:
    """Take turns until killed, or until there is nothing to do; return whether it was killed."""
    killed = False
    try:
        await house.settle()
        await house.settle(GRACE)
    except* Killed:
        killed = True
    assert house.store.broken == []
    return killed
