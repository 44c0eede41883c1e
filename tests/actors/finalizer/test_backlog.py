"""What is due is counted before the finalizer comes, and nothing is when it has been."""

from bitvault.kernel.backlog import Backlog, CountBacklog
from tests.actors.finalizer.conftest import DAY, GRACE, UPLOADS, House, storage_silent


async def counted(house: House) -> dict[str, int]:
    """Return how much of what is due in both rooms."""
    both = [await room.handle(CountBacklog()) for room in (house.room, house.below)]
    return {name: one.waiting for found in both for name, one in found.items() if one.waiting}


async def test_nothing_waits_in_an_empty_house(house: House) -> None:
    """Every kind is named, so that what is missing is not taken for none."""
    assert await house.room.handle(CountBacklog()) == dict.fromkeys(
        ("expire-uploads", "purge", "collect", "forget-answers"), Backlog(0)
    )
    assert await house.below.handle(CountBacklog()) == dict.fromkeys(
        ("judge", "delete-again"), Backlog(0)
    )


async def test_what_is_due_is_counted_with_its_age_until_it_is_done(house: House) -> None:
    """Unfinished uploads, purged rows, unused content past its grace; and then nothing."""
    began = house.clock.now()
    await house.init("/open", "x")
    await house.put("/gone", "some text")
    for number in range(5):
        await house.put(f"/folder/{number}", f"text {number}")
    assert await counted(house) == {}
    await house.purge("/folder")
    await house.purge("/gone")
    waiting = await counted(house)
    assert waiting.pop("purge") > 0
    assert waiting == {}

    house.clock.advance(UPLOADS)
    due = await house.room.handle(CountBacklog())
    assert (due["expire-uploads"].waiting, due["expire-uploads"].since) == (1, house.clock.now())
    assert due["collect"].waiting >= 1
    assert (due["collect"].since - began).total_seconds() == GRACE
    with storage_silent(house):
        await house.finalizer.turn()
    assert (await counted(house))["collect"] >= 1
    await house.settle()
    await house.settle(10 * DAY)
    await house.settle(10 * DAY)
    assert await counted(house) == {}
