"""Committers and the collector at the same contents at the same time (reliability §4.5).

Naive reference counting lost 189 of 526 live versions in this race.
"""

import random
from datetime import timedelta

import pytest
import trio

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import Written
from bitvault.actors.finalizer.actor import Sweep
from bitvault.actors.storage.actor import StorageOptions
from tests.actors.finalizer.conftest import House

COMMITTERS, ROUNDS, CONTENTS = 6, 40, 6

# Without any grace everything is collected the moment nothing refers to it, and judged the moment
# it is opened or sealed: what a grace makes rare happens all the time.
HASTY = FilesOptions(grace=timedelta(0), purge_at_once=1)


async def repeat(house: House, job: Sweep) -> None:
    """Do one job over and over."""
    while True:
        await house.finalizer._some(job)


@pytest.mark.slow
@pytest.mark.parametrize("options", [HASTY])
@pytest.mark.parametrize("storage_options", [StorageOptions(upload_ttl=0, grace=0)])
async def test_nothing_alive_is_deleted(house: House) -> None:
    """No version dangles, at no deletion was the key needed, and everything else goes."""
    written = 0

    async def commit_and_purge(number: int) -> None:
        nonlocal written
        rng, mine = random.Random(number), []  # noqa: S311 - the same again is the point
        for turn in range(ROUNDS):
            path = f"/{number}-{turn}"
            done = await house.put(path, f"content {rng.randrange(CONTENTS)}")
            assert isinstance(done, Written), done
            written += 1
            mine.append(path)
            while len(mine) > rng.randrange(2):
                await house.purge(mine.pop(rng.randrange(len(mine))))

    async with trio.open_nursery() as collecting:
        # All jobs at once, each in a loop of its own: as if several daemons had a finalizer.
        for job in house.finalizer._jobs().values():
            collecting.start_soon(repeat, house, job)
        async with trio.open_nursery() as committing:
            for number in range(COMMITTERS):
                committing.start_soon(commit_and_purge, number)
        collecting.cancel_scope.cancel()

    await house.check()
    assert written == COMMITTERS * ROUNDS
    assert house.store.taken_over > 0
    for name in ("objects_judged", "blobs_collected", "deletions_repeated"):
        assert house.finalizer.tally.totals[name] > written / 10, name
    # The loops were stopped in the middle of something: what they had begun is tried again later.
    await house.settle(300)
    await house.settle(300)
    await house.check_clean()
