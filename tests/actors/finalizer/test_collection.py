"""Content that nothing refers to any more: its grace, its end, and its coming back."""

import pytest

from bitvault.actors.files.contract import (
    UploadOpened,
    UploadUnneeded,
)
from bitvault.actors.storage import contract as c
from bitvault.actors.storage.actor import StorageOptions
from bitvault.drivers.objects.memory import MemoryObjectStore
from tests.actors.finalizer.conftest import (
    DAY,
    GRACE,
    House,
    storage_silent,
)
from tests.support.postgres import unchanged

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


async def _condemn_only(house: House) -> None:
    """Do the first half of a collection: storage does not answer."""
    with storage_silent(house):
        assert await house.finalizer.turn() is False
    assert house.finalizer.tally.postponed > 0


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


@pytest.mark.parametrize("storage_options", [StorageOptions(grace=GRACE, retry=5)])
async def test_a_deletion_is_tried_again_as_soon_as_it_is_told_to(house: House) -> None:
    """Between two tries lies the pause that the room was given, and nothing of it is left out."""
    await house.put("/f", "x")
    await house.purge("/f")
    house.store.down = True
    await house.settle(GRACE)
    house.store.down = False

    await house.settle(4)
    assert len(house.store.keys) == 1
    await house.settle(1)
    assert house.store.keys == set()


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


async def test_no_tenant_discards_anothers_keys(house: House) -> None:
    """A foreign key is no key."""
    await house.put("/f", "x")
    (key,) = house.store.keys

    async with unchanged(house.database, "files", "storage", "outbox"):
        asked = c.DiscardKeys(house.ids.uuid7(), (key, "blobs/none"))  # type: ignore[arg-type]
        assert await house.below.handle(asked) == 0

    await house.check()
    assert house.store.keys == {key}
