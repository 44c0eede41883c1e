"""Many at once on real transactions: one wins, nothing is lost or counted twice."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    GetSpace,
    MakeFolder,
    MoveNode,
    QuotaExceeded,
    StaleBase,
    Target,
    UploadOpened,
    Written,
)
from tests.actors.files.conftest import World


async def together(*asks: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Run all of them at once; answer in the order given."""
    answers: dict[int, Any] = {}

    async def one(index: int) -> None:
        answers[index] = await asks[index]()

    async with trio.open_nursery() as nursery:
        for index in range(len(asks)):
            nursery.start_soon(one, index)
    return [answers[index] for index in range(len(asks))]


async def test_ten_commits_on_one_base_have_one_winner(world: World) -> None:
    """Nine of ten are told that their base is stale, and overwrite nothing."""
    await world.put("/f", "base")
    texts = [f"text {i}" for i in range(10)]
    uploads = [await world.init("/f", text, base_version=1) for text in texts]

    answers = await together(
        *(lambda u=u, t=t: world.commit(u, t) for u, t in zip(uploads, texts, strict=True))
    )

    assert sum(isinstance(one, Written) for one in answers) == 1
    assert answers.count(StaleBase(2)) == 9


@pytest.mark.parametrize("options", [FilesOptions(default_space_quota=100)])
async def test_reservations_never_exceed_the_quota(world: World) -> None:
    """Eight uploads of 30 bytes race for 100: three fit."""
    await world.ask(GetSpace(world.caller()))

    answers = await together(*(lambda i=i: world.init(f"/{i}", str(i) * 30) for i in range(8)))

    assert sum(isinstance(one, UploadOpened) for one in answers) == 3
    assert sum(isinstance(one, QuotaExceeded) for one in answers) == 5
    assert (await world.ask(GetSpace(world.caller()))).reserved == 90


async def test_an_upload_committed_twice_at_once_answers_the_same(world: World) -> None:
    """Both get the one version that there is."""
    upload = await world.init("/f", "x")

    first, second = await together(*[lambda: world.commit(upload, "x")] * 2)

    assert first == second
    assert (await world.ask(GetSpace(world.caller()))).used == 1


async def test_concurrent_moves_make_no_cycle(world: World) -> None:
    """Of two folders moved into each other one stays."""
    await world.apply(MakeFolder(Target(path="/a")), MakeFolder(Target(path="/b")))

    answers = await together(
        lambda: world.apply(MoveNode(Target(path="/a"), parent=Target(path="/b"))),
        lambda: world.apply(MoveNode(Target(path="/b"), parent=Target(path="/a"))),
    )

    assert sum(isinstance(one, Written) for one in answers) == 1
