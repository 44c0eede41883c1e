"""Many at once on real transactions: one wins, nothing is lost or counted twice."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from attrs import define, field

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    AbortUpload,
    GetSpace,
    MakeFolder,
    MoveNode,
    NameTaken,
    QuotaExceeded,
    StaleBase,
    Target,
    UploadClosed,
    UploadOpened,
    UploadUnneeded,
    Written,
)
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.outbox import Outbox
from tests.actors.files.conftest import World
from tests.support.rewiring import rewire

_WAITING = Query(
    "waiting",
    """SELECT count(*) AS n FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()""",
    (),
)
_PATIENCE = 30
"""Seconds after which nobody will come to wait any more."""


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


@pytest.mark.requirement("X48")
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


@define(eq=False)
class Held:
    """An outbox whose first append waits: everything before it is done, nothing is committed."""

    inner: Outbox
    arrived: trio.Event = field(factory=trio.Event)
    released: trio.Event = field(factory=trio.Event)

    async def append(self, *arguments: Any) -> Any:
        """Wait the first time, then append."""
        if not self.arrived.is_set():
            self.arrived.set()
            await self.released.wait()
        return await self.inner.append(*arguments)


async def one_waits_for_another(world: World) -> None:
    """Return as soon as a session waits for a lock."""

    async def work(tx: Transaction) -> int:
        row = await tx.fetchrow(_WAITING)
        assert row is not None
        return int(row["n"])

    while not await world.database.read(None, work):
        pass


async def overtaken(
    world: World, first: Callable[[], Awaitable[Any]], second: Callable[[], Awaitable[Any]]
) -> tuple[Any, Any]:
    """Let ``first`` do all but commit, then start ``second``, and let both end."""
    held = Held(world.room.outbox)
    rewire(world.room, outbox=held)
    answers = {}

    async def run(name: str, ask: Callable[[], Awaitable[Any]]) -> None:
        answers[name] = await ask()

    with trio.fail_after(_PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "first", first)
            await held.arrived.wait()
            nursery.start_soon(run, "second", second)
            await one_waits_for_another(world)
            held.released.set()
    return answers["first"], answers["second"]


@pytest.mark.parametrize("options", [FilesOptions(default_space_quota=10)])
async def test_what_another_is_about_to_take_is_not_given_away(world: World) -> None:
    """An init that comes second is checked against what the first one leaves."""
    await world.put("/known", "12345")

    first, second = await overtaken(
        world,
        lambda: world.init("/same", "12345"),
        lambda: world.init("/new", "1"),
    )

    assert isinstance(first, UploadUnneeded)
    assert second == QuotaExceeded(1, 0)


async def test_a_folder_is_made_while_a_commit_makes_it(world: World) -> None:
    """The folder of a commit under way is waited for: its name is taken, or it is used."""
    one, two = await world.init("/a/f", "f"), await world.init("/b/f", "g")

    done, refused = await overtaken(
        world,
        lambda: world.commit(one, "f"),
        lambda: world.apply(MakeFolder(Target(path="/A"))),
    )
    assert isinstance(done, Written)
    assert refused == NameTaken("a")

    done, below = await overtaken(
        world,
        lambda: world.commit(two, "g"),
        lambda: world.apply(MakeFolder(Target(path="/b/c"), parents=True)),
    )
    assert below.node.parent_id == done.node.parent_id


async def test_a_commit_makes_a_folder_while_it_is_made(world: World) -> None:
    """A commit that comes second puts its file into the folder that was made first."""
    upload = await world.init("/a/f", "f")

    made, done = await overtaken(
        world,
        lambda: world.apply(MakeFolder(Target(path="/a"))),
        lambda: world.commit(upload, "f"),
    )

    assert done.node.parent_id == made.node.node_id
    assert done.node.path == "/a/f"


async def test_two_commits_make_one_folder(world: World) -> None:
    """The second finds the name taken, is planned again, and uses the folder of the first."""
    uploads = [await world.init(f"/a/{text}", text) for text in ("f", "g")]

    first, second = await overtaken(
        world,
        lambda: world.commit(uploads[0], "f"),
        lambda: world.commit(uploads[1], "g"),
    )

    assert second.node.parent_id == first.node.parent_id
    assert (await world.ask(GetSpace(world.caller()))).reserved == 0


async def test_an_abort_that_comes_too_late_says_so(world: World) -> None:
    """A commit under way is waited for; it stands, and the client is not told otherwise."""
    upload = await world.init("/f", "x")

    done, refused = await overtaken(
        world,
        lambda: world.commit(upload, "x"),
        lambda: world.ask(AbortUpload(world.caller(), upload.upload_id)),
    )

    assert isinstance(done, Written)
    assert refused == UploadClosed("committed")
    assert world.storage.discarded == []
    space = await world.ask(GetSpace(world.caller()))
    assert (space.used, space.reserved) == (1, 0)
