"""What a purge keeps is found whatever the folder holds, and at no more cost than that."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    CreateSpace,
    GetNode,
    GetSpace,
    IfExists,
    ListTrash,
    MakeFolder,
    MoveNode,
    Node,
    NodeNotFound,
    PurgeEntry,
    RestoreEntry,
    Target,
    TrashNode,
    TreeRuleBroken,
    Written,
)
from bitvault.actors.files.store import keeping, purging
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.timing import Spent, spent
from tests.actors.files.conftest import TENANT, World
from tests.actors.files.test_purging import check, purge, purge_rest, rows, tree, used

FEW = keeping.FEW
_LEFT = "SELECT name FROM files.node WHERE parent_id IS NOT NULL ORDER BY 1"


async def folders(world: World, *paths: str) -> list[Any]:
    """Make folders, with those above them."""
    return await world.apply(*(MakeFolder(Target(path=path), parents=True) for path in paths))


@pytest.mark.parametrize("options", [FilesOptions(), FilesOptions(purge_at_once=1)])
async def test_what_was_trashed_by_itself_outlives_the_folder(world: World) -> None:
    """Its entry is listed and restored, at once and when all else is gone; only it is counted."""
    await tree(world, "/a", 9)
    await world.apply(MakeFolder(Target(path="/a/2/empty")))
    inner = await world.apply(TrashNode(Target(path="/a/2/8")))
    folder = await world.apply(TrashNode(Target(path="/a/1")))

    await purge(world, "/a")

    for _ in range(2):
        listed = (await world.ask(ListTrash(world.caller()))).items
        assert [one.entry_id for one in listed] == [folder.entry_id, inner.entry_id]
        assert isinstance(await world.ask(GetNode(world.caller(), Target(path="/a"))), NodeNotFound)
        await purge_rest(world)
        await check(world)
    kept = "content of /a/2/8" + "".join(f"content of /a/1/{n}" for n in (1, 4, 7))
    assert await used(world) == len(kept)
    back = await world.apply(RestoreEntry(inner.entry_id))
    assert isinstance(back, Written)
    assert back.node.path == "/a/2/8"
    assert isinstance(await world.apply(PurgeEntry(folder.entry_id)), Written)
    await purge_rest(world)
    assert await used(world) == len("content of /a/2/8")
    names = await rows(world, _LEFT)
    assert names == [("2",), ("8",), ("a",)]
    assert await rows(world, "SELECT entry_id FROM files.trash_entry") == []


@pytest.mark.parametrize("first", ["file", "folder"])
async def test_a_file_and_its_folder_come_back_in_either_order(world: World, first: str) -> None:
    """The file to the folder where that is, else to one made anew; nothing is left in the trash."""
    await world.put("/a/f", "file")
    await world.put("/a/g", "other")
    file = await world.apply(TrashNode(Target(path="/a/f")))
    folder = await world.apply(TrashNode(Target(path="/a")))
    both = [file.entry_id, folder.entry_id]

    for entry_id in both if first == "file" else reversed(both):
        there = await world.apply(RestoreEntry(entry_id, if_exists=IfExists.RENAME))
        assert isinstance(there, Written)

    assert (await world.ask(ListTrash(world.caller()))).items == ()
    assert await used(world) == len("file" + "other")
    assert isinstance(await world.ask(GetNode(world.caller(), Target(path="/a/f"))), Node)


@pytest.mark.parametrize("options", [FilesOptions(purge_at_once=1)])
async def test_a_kept_folder_goes_with_the_last_thing_below_it(world: World) -> None:
    """In whatever order: restored while slices are still to come, and a purge in a purge."""
    await tree(world, "/top/a", 6)
    first = await world.apply(TrashNode(Target(path="/top/a/0/0")))
    second = await world.apply(TrashNode(Target(path="/top/a/0/3")))
    await purge(world, "/top/a")
    await purge(world, "/top")
    assert isinstance(await world.apply(RestoreEntry(first.entry_id)), Written)
    assert isinstance(await world.apply(PurgeEntry(second.entry_id)), Written)

    await purge_rest(world)

    await check(world)
    names = await rows(world, _LEFT)
    assert names == [("0",), ("0",), ("a",), ("top",)]
    assert await used(world) == len("content of /top/a/0/0")


@pytest.mark.parametrize("options", [FilesOptions(purge_at_once=1)])
async def test_an_unfinished_purge_moves_with_what_it_keeps(world: World) -> None:
    """Bytes are given back where they are counted, after the folder around went to a space."""
    admin = world.caller(admin=True)
    team = await world.ask(CreateSpace(admin, "Team"))
    for number in range(5):
        await world.put(f"/top/a/{number}", f"{number}", admin)
    await world.apply(TrashNode(Target(path="/top/a/0")), caller=admin)
    outer = await world.apply(TrashNode(Target(path="/top/a")), caller=admin)
    await world.apply(PurgeEntry(outer.entry_id), caller=admin)
    moved = MoveNode(Target(path="/top"), parent=Target(path="/", space_id=team.space_id))
    assert isinstance(await world.apply(moved, caller=admin), Written)

    await purge_rest(world, 1)

    assert (await world.ask(GetSpace(admin))).used == 0
    assert (await world.ask(GetSpace(admin, team.space_id))).used == 1


async def test_a_purge_does_not_open_what_was_restricted(world: World) -> None:
    """What is said of a folder holds for what is in the trash below it, when it is purged too."""
    await world.put("/a/f", "file")
    inner = await world.apply(TrashNode(Target(path="/a/f")))
    [[folder]] = await rows(world, "SELECT node_id FROM files.node WHERE name = 'a'")
    await purge(world, "/a")

    [[kept, told]] = await rows(
        world,
        "SELECT n.node_id, e.payload->>'holds_trash' FROM files.node n, outbox.event e"
        " WHERE n.name = 'a' AND e.kind = 'node.purged'",
    )

    assert (kept, told) == (folder, "true")
    assert isinstance(await world.apply(PurgeEntry(inner.entry_id)), Written)
    assert await rows(world, "SELECT name FROM files.node WHERE parent_id IS NOT NULL") == []


async def test_what_is_in_the_trash_moves_with_its_folder_to_another_space(world: World) -> None:
    """A trashed file's bytes are counted, and given back, where its folder went."""
    admin = world.caller(admin=True)
    team = await world.ask(CreateSpace(admin, "Team"))
    await world.put("/a/f", "12345", admin)
    inner = await world.apply(TrashNode(Target(path="/a/f")), caller=admin)
    moved = MoveNode(Target(path="/a"), parent=Target(path="/", space_id=team.space_id))
    assert isinstance(await world.apply(moved, caller=admin), Written)

    listed = await world.ask(ListTrash(admin, team.space_id))
    assert [one.entry_id for one in listed.items] == [inner.entry_id]
    assert (await world.ask(ListTrash(admin))).items == ()
    assert isinstance(await world.apply(PurgeEntry(inner.entry_id), caller=admin), Written)

    assert (await world.ask(GetSpace(admin))).used == 0
    assert (await world.ask(GetSpace(admin, team.space_id))).used == 0


@pytest.mark.parametrize("below", [3, FEW + 1], ids=["few", "many"])
async def test_what_was_trashed_by_itself_is_kept_beside_however_much(
    world: World, below: int
) -> None:
    """One of few, and one that comes after all that is looked through; all else goes."""
    paths = [f"/a/{number:03}" for number in range(below - 1)]
    await folders(world, *paths, "/a/last/of/all")
    inner = await world.apply(TrashNode(Target(path="/a/last/of/all")))

    await purge(world, "/a")

    for _ in range(2):
        listed = (await world.ask(ListTrash(world.caller()))).items
        assert [one.entry_id for one in listed] == [inner.entry_id]
        await purge_rest(world, 50)
    assert await rows(world, _LEFT) == [("a",), ("all",), ("last",), ("of",)]
    back = await world.apply(RestoreEntry(inner.entry_id))
    assert back.node.path == "/a/last/of/all"
    assert await rows(world, _LEFT) == [("a",), ("all",), ("last",), ("of",)]


async def test_a_large_folder_that_holds_nothing_is_gone_in_the_end(world: World) -> None:
    """It was kept until that was known; who follows the journal is told so."""
    await folders(world, *(f"/a/{number % 7}/{number:03}" for number in range(2 * FEW)))

    await purge(world, "/a")

    await purge_rest(world, 50)
    assert await rows(world, _LEFT) == []
    assert await rows(world, "SELECT * FROM files.purge") == []


def parts(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every part of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from parts(below)


async def rows_read(world: World, query: Query, **given: Any) -> float:
    """Run a query of a purge; return how many rows of tables it read."""
    explain = Query("plan", f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", query.parameters)

    async def work(tx: Transaction) -> Any:
        await tx.fetch(purging.SQL["by_index"])
        (row,) = await tx.fetch(explain, tenant=TENANT, **given)
        return row["QUERY PLAN"][0]["Plan"]

    plan = await world.database.transact(TENANT, work)
    return sum(
        (part["Actual Rows"] + part.get("Rows Removed by Filter", 0)) * part["Actual Loops"]
        for part in parts(plan)
        if "Relation Name" in part
    )


async def test_a_look_costs_the_same_however_large_folder_and_trash_are(world: World) -> None:
    """What is read before something is decided is bounded by the limit alone."""
    costs = []
    for turn, number in enumerate((FEW, 4 * FEW)):
        large = [f"/{turn}/large/{one}/x" for one in range(number)]
        trashed = [f"/{turn}/holder/{one}" for one in range(number)]
        await folders(world, *large)
        await folders(world, *trashed)
        await world.apply(*(TrashNode(Target(path=path)) for path in trashed))
        for name in ("large", "holder"):
            node = (await world.apply(TrashNode(Target(path=f"/{turn}/{name}")))).node
            given = {"node_ids": [node.node_id], "limit": FEW}
            queries = keeping.SQL["all_below"], keeping.SQL["next_below"]
            costs += [await rows_read(world, query, **given) for query in queries]

    assert costs[:4] == costs[4:]
    assert max(costs) <= 3 * FEW


async def test_a_chain_of_kept_folders_goes_at_once(world: World) -> None:
    """However deep it is, one statement goes up; it ends where something else is kept."""
    counted = []
    for depth in (3, 30):
        top = f"/{depth}"
        inner = f"{top}/a{'/x' * depth}/f"
        await folders(world, inner, f"{top}/a/g")
        first = await world.apply(TrashNode(Target(path=inner)))
        second = await world.apply(TrashNode(Target(path=f"{top}/a/g")))
        await purge(world, top)
        await purge_rest(world, 100)
        measured = Spent()
        token = spent.set(measured)
        assert isinstance(await world.apply(PurgeEntry(first.entry_id)), Written)
        spent.reset(token)
        counted.append(measured.database_statements)
        assert await rows(world, _LEFT) == [(str(depth),), ("a",), ("g",)]
        assert isinstance(await world.apply(PurgeEntry(second.entry_id)), Written)
        assert await rows(world, _LEFT) == []

    assert counted[0] == counted[1]


async def test_what_is_too_large_for_another_space_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that changes its space is looked at, so there is a bound; the refusal says it."""
    admin = world.caller(admin=True)
    team = await world.ask(CreateSpace(admin, "Team"))
    for number in range(3):
        await world.put(f"/a/{number}", f"{number}", admin)
    move = MoveNode(Target(path="/a"), parent=Target(path="/", space_id=team.space_id))
    monkeypatch.setattr(keeping, "MOST_CARRIED", 3)
    refused = await world.apply(move, caller=admin)

    assert isinstance(refused, TreeRuleBroken)
    assert refused.field == "parentId"
    assert (await world.ask(GetSpace(admin))).used == 3
    assert (await world.ask(GetSpace(admin, team.space_id))).used == 0
    monkeypatch.setattr(keeping, "MOST_CARRIED", 4)
    assert isinstance(await world.apply(move, caller=admin), Written)
    assert (await world.ask(GetSpace(admin, team.space_id))).used == 3
