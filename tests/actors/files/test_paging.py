"""Lists in pages: every item once, and no cursor but the list's own."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from attrs import frozen

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target
from bitvault.kernel.ids import NodeId, SpaceId
from bitvault.kernel.paging import Page, encode_cursor
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Invalid
from tests.actors.files.conftest import World

Ask = Callable[[str | None, int], Any]
NAMES = ("b", "A", "c (2)", "c", "\u00e9", "z", "\u00df", "\U0001f600", "0", "e", "Z (2)", "a.b")
GARBAGE = (
    "", "x", "!!!", "\u00e9", "\ud800", "AAAA", "bnVsbA", "W10", "e30", "WyJcdWQ4MDAiXQ",
    "[" * 3000, "W1tdXQ", "WzEsMl0", "WzFlOTldCg",
)  # fmt: skip
"""Not base64, not JSON, not a list, of nothing, too long."""


@frozen
class Scene:
    """Lists of the same twelve things, each in its own order."""

    world: World
    folder: NodeId
    file: NodeId
    team: SpaceId

    def ask(self, what: str, who: Caller) -> Ask:
        """Return how one page of a list is asked for."""
        folder, file = Target(node_id=self.folder), Target(node_id=self.file)
        return {
            "children": lambda cursor, limit: c.ListChildren(who, folder, cursor, limit),
            "versions": lambda cursor, limit: c.ListVersions(who, file, cursor, limit),
            "trash": lambda cursor, limit: c.ListTrash(who, self.team, cursor, limit),
            "uploads": lambda cursor, limit: c.ListUploads(who, cursor, limit),
            "spaces": lambda cursor, limit: c.ListSpaces(who, cursor, limit),
        }[what]


LISTS = ("children", "versions", "trash", "uploads", "spaces")


@pytest.fixture
async def scene(world: World) -> Scene:
    """Make them all, for a manager of a team space."""
    admin = world.caller(admin=True)
    team = await world.ask(c.CreateSpace(admin, "Team"))
    folder = await world.apply(c.MakeFolder(Target(path="Team:/folder")))
    file = await world.put("Team:/file", "first")
    for number, name in enumerate(NAMES):
        await world.apply(c.MakeFolder(None, Target(node_id=folder.node.node_id), name))
        if number:
            await world.put("Team:/file", f"text {number}", base_version=number)
        await world.apply(c.MakeFolder(Target(path=f"Team:/gone/{name}"), parents=True))
        await world.apply(c.TrashNode(Target(path=f"Team:/gone/{name}")))
        await world.init(f"/new/{name}", f"new {number}")
        if number > 1:
            await world.ask(c.CreateSpace(admin, name))
    return Scene(world, folder.node.node_id, file.node.node_id, team.space_id)


async def pages(world: World, ask: Ask, limit: int) -> list[Page[Any]]:
    """Follow the cursors to the end."""
    found: list[Page[Any]] = [await world.ask(ask(None, limit))]
    while found[-1].next_cursor is not None:
        found.append(await world.ask(ask(found[-1].next_cursor, limit)))
    return found


@pytest.mark.parametrize("what", LISTS)
async def test_every_item_once(scene: Scene, what: str) -> None:
    """Whatever the page size, the pages are full and together are the list."""
    world, ask = scene.world, scene.ask(what, scene.world.caller())
    whole = await world.ask(ask(None, 1000))
    assert len({repr(item) for item in whole.items}) == len(whole.items) == 12
    assert whole.next_cursor is None

    for limit in (1, 2, 3, 5, 11, 12):
        found = await pages(world, ask, limit)
        assert [item for page in found for item in page.items] == list(whole.items)
        assert {len(page.items) for page in found[:-1]} <= {limit}
        assert found[-1].items


@pytest.mark.parametrize("what", LISTS)
async def test_the_last_page_may_be_full(scene: Scene, what: str) -> None:
    """No cursor leads to an empty page."""
    ask = scene.ask(what, scene.world.caller())

    assert [len(page.items) for page in await pages(scene.world, ask, 6)] == [6, 6]


async def test_a_list_that_changes_under_way(scene: Scene) -> None:
    """What stays is met once, though the row that the cursor names is gone."""
    world, ask = scene.world, scene.ask("children", scene.world.caller())
    first = await world.ask(ask(None, 5))
    rest = (await world.ask(ask(first.next_cursor, 100))).items
    for node in first.items[-2:]:
        await world.apply(c.TrashNode(Target(node_id=node.node_id)))
    await world.apply(c.MakeFolder(None, Target(node_id=scene.folder), "0000 before the cursor"))

    assert (await world.ask(ask(first.next_cursor, 100))).items == rest


@pytest.mark.requirement("X59")
@pytest.mark.parametrize("what", LISTS)
async def test_garbage_is_no_cursor(scene: Scene, what: str) -> None:
    """Each is refused by name."""
    ask = scene.ask(what, scene.world.caller())
    real = (await scene.world.ask(ask(None, 2))).next_cursor
    forged = [
        encode_cursor([1 << 70]),
        encode_cursor(["nul\0"]),
        encode_cursor(["not", "so", "many", "parts"]),
        encode_cursor([]),
        encode_cursor([-1]),
        *(_changed(real, key) for key in ([], [1 << 70], [-1], ["nul\0"], ["x", "y", "z"], [None])),
        real[:-4],
        real[4:],
        real.swapcase(),
    ]

    answers = [await scene.world.ask(ask(cursor, 2)) for cursor in (*GARBAGE, *forged)]

    wrong = [one for one in answers if not isinstance(one, Invalid) or one.field != "cursor"]
    assert wrong == []


def _changed(cursor: str, key: list[Any]) -> str:
    """Put another key into a cursor that names its list rightly."""
    raw = msgspec.json.decode(_padded(cursor))
    return urlsafe_b64encode(msgspec.json.encode([*raw[:2], *key])).decode().rstrip("=")


def _padded(text: str) -> bytes:
    """Decode what has lost its padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.requirement("X25", "X59")
async def test_a_cursor_is_good_for_its_list_alone(scene: Scene) -> None:
    """One of another list, folder, file, space or user is refused."""
    world = scene.world
    me, you = world.caller(), world.caller(2, admin=True)
    own = await world.ask(c.GetSpace(me))
    await world.put("/mine", "1")
    await world.put("/mine", "2", base_version=1)
    for number in range(3):
        await world.apply(c.MakeFolder(Target(path=f"/gone/{number}"), parents=True))
        await world.apply(c.TrashNode(Target(path=f"/gone/{number}")))
        await world.init(f"/{number}", f"{number}", you)
        await world.ask(c.CreateSpace(you, f"Yours {number}"))
    asks: dict[str, Ask] = {what: scene.ask(what, me) for what in LISTS} | {
        "other children": lambda at, n: c.ListChildren(me, Target(path="Team:/"), at, n),
        "other versions": lambda at, n: c.ListVersions(me, Target(path="/mine"), at, n),
        "other trash": lambda at, n: c.ListTrash(me, own.space_id, at, n),
        "other uploads": scene.ask("uploads", you),
        "other spaces": scene.ask("spaces", you),
    }
    cursors = {what: (await world.ask(ask(None, 1))).next_cursor for what, ask in asks.items()}
    assert all(cursors.values())

    for what, ask in asks.items():
        for source, cursor in cursors.items():
            answer = await world.ask(ask(cursor, 1))
            assert isinstance(answer, Page if source == what else Invalid), (source, what)


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("limit", [0, -1, 1001, 1 << 70])
async def test_a_limit_out_of_range(world: World, what: str, limit: int) -> None:
    """A page has from 1 to 1000 items."""
    own = await world.ask(c.GetSpace(world.caller()))
    scene = Scene(world, own.root_id, NodeId(UUID(int=1)), own.space_id)

    answer = await world.ask(scene.ask(what, world.caller())(None, limit))

    assert answer == Invalid("limit", "must be from 1 to 1000")
