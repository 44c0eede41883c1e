"""What a purge keeps is found whatever the folder holds, and at no more cost than that."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bitvault.actors.files.contract import ListTrash, MakeFolder, PurgeEntry, Target, TrashNode
from bitvault.actors.files.store import keeping
from bitvault.drivers.postgres.port import Query, Transaction
from tests.actors.files.conftest import TENANT, World

FEW = keeping._FEW


async def folders(world: World, *paths: str) -> list[Any]:
    """Make folders, with those above them."""
    return await world.apply(*(MakeFolder(Target(path=path), parents=True) for path in paths))


def parts(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every part of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from parts(below)


async def entries_read(world: World, node: Any) -> float:
    """Look for what a purge of a folder keeps; return how many entries of the trash were read."""
    query = keeping.SQL["kept_above"]
    explain = Query("plan", f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", query.parameters)
    place = {"tenant": TENANT, "node_id": node.node_id, "space_id": node.space_id}

    async def work(tx: Transaction) -> Any:
        (row,) = await tx.fetch(explain, few=FEW, **place)
        return row["QUERY PLAN"][0]["Plan"]

    plan = await world.database.read(TENANT, work)
    scans = [part for part in parts(plan) if part.get("Relation Name") == "trash_entry"]
    assert scans
    return sum(part["Actual Rows"] * part["Actual Loops"] for part in scans)


@pytest.mark.parametrize("below", [3, FEW + 1], ids=["few", "many"])
async def test_what_was_trashed_by_itself_is_kept_beside_however_much(
    world: World, below: int
) -> None:
    """One of few, and one that comes after all that is looked through."""
    paths = [f"/a/{number:03}" for number in range(below - 1)]
    await folders(world, *paths, "/a/last")
    inner = await world.apply(TrashNode(Target(path="/a/last")))
    outer = await world.apply(TrashNode(Target(path="/a")))

    await world.apply(PurgeEntry(outer.entry_id))

    listed = (await world.ask(ListTrash(world.caller()))).items
    assert [one.entry_id for one in listed] == [inner.entry_id]


async def test_a_folder_of_few_is_purged_without_reading_the_whole_trash(world: World) -> None:
    """So that emptying a trash costs as much as there is in it, and not the square of that."""
    many = [f"/many/{number}" for number in range(FEW + 1)]
    await folders(world, "/few/x/y", "/holder/x", *many, *(f"/{number}" for number in range(50)))
    trashed = [Target(path=f"/{number}") for number in range(50)]
    await world.apply(*map(TrashNode, trashed), TrashNode(Target(path="/holder/x")))
    few, holder, large = [
        (await world.apply(TrashNode(Target(path=path)))).node
        for path in ("/few", "/holder", "/many")
    ]

    assert await entries_read(world, few) == 0
    assert min([await entries_read(world, node) for node in (holder, large)]) > 50
