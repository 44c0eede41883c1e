"""``ifExists: replace`` for what is moved, copied and restored: a file for a file, nothing lost."""

from typing import Any

import pytest

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import IfExists, Target
from bitvault.drivers.postgres.port import Query, Transaction
from tests.actors.files.conftest import TENANT, World

REPLACE = IfExists.REPLACE
ROOT = Target(path="/")


async def events(world: World, last: int) -> list[tuple[str, Any]]:
    """Return the kind and the node of the newest events."""
    query = Query(
        "events",
        "SELECT kind, aggregate_id FROM outbox.event WHERE tenant_id = $1 ORDER BY seq",
        ("tenant",),
    )

    async def work(tx: Transaction) -> list[tuple[str, Any]]:
        rows = await tx.fetch(query, tenant=TENANT)
        return [(row["kind"], row["aggregate_id"]) for row in rows[-last:]]

    return await world.database.read(TENANT, work)


async def listed(world: World, path: str = "/") -> list[tuple[str, str]]:
    """Return the paths and hashes in a folder."""
    page = await world.ask(c.ListChildren(world.caller(), Target(path=path)))
    return [(one.path, one.hash) for one in page.items]


async def test_a_moved_file_sends_the_one_in_place_to_the_trash(world: World) -> None:
    """The trash has it as an entry of its own, which the answer names; the move is one event."""
    old = (await world.put("/a/f.txt", "old")).node
    new = (await world.put("/f.txt", "new")).node

    done = await world.apply(c.MoveNode(Target(path="/f.txt"), Target(path="/a"), None, REPLACE))

    assert (done.node.node_id, done.node.path) == (new.node_id, "/a/f.txt")
    assert await events(world, 2) == [("node.trashed", old.node_id), ("node.moved", new.node_id)]
    (entry,) = (await world.ask(c.ListTrash(world.caller()))).items
    assert (entry.entry_id, entry.node.node_id) == (done.entry_id, old.node_id)
    assert entry.original_path == "/a/f.txt"


async def test_a_rename_replaces_under_the_new_spelling(world: World) -> None:
    """Names that differ only in case are the same name, and the newcomer's spelling stays."""
    await world.put("/F.txt", "old")
    new = (await world.put("/g.txt", "new")).node

    await world.apply(c.MoveNode(Target(path="/g.txt"), None, "f.TXT", REPLACE))

    assert await listed(world) == [("/f.TXT", new.hash)]


async def test_a_file_moved_to_where_it_is_replaces_nothing(world: World) -> None:
    """A file is not in its own way."""
    await world.put("/f.txt", "text")

    done = await world.apply(c.MoveNode(Target(path="/f.txt"), None, "F.txt", REPLACE))

    assert (done.node.path, done.entry_id) == ("/F.txt", None)
    assert (await world.ask(c.ListTrash(world.caller()))).items == ()


async def test_a_copied_file_becomes_the_next_version_of_the_one_in_place(world: World) -> None:
    """So it keeps its id, with all that hangs on it, and the content before can be had again."""
    old = (await world.put("/a/f.txt", "old")).node
    new = (await world.put("/f.txt", "new")).node

    done = await world.apply(c.CopyNode(Target(path="/f.txt"), Target(path="/a"), None, REPLACE))

    assert (done.node.node_id, done.node.version, done.node.hash) == (old.node_id, 2, new.hash)
    assert await events(world, 1) == [("node.committed", old.node_id)]
    assert (await world.ask(c.GetSpace(world.caller()))).used == 9


async def test_a_copy_of_what_is_in_place_changes_nothing(world: World) -> None:
    """Neither onto the same content nor onto itself, like an upload of it."""
    await world.put("/f.txt", "text")
    await world.put("/a/f.txt", "text")

    copies = [
        c.CopyNode(Target(path="/f.txt"), to, None, REPLACE) for to in (ROOT, Target(path="/a"))
    ]
    done = await world.apply(*copies)

    assert [(one.node.path, one.node.version, one.position) for one in done] == [
        ("/f.txt", 1, None),
        ("/a/f.txt", 1, None),
    ]


async def test_a_restored_file_changes_places_with_the_one_there(world: World) -> None:
    """What took the name meanwhile goes to the trash, and can be restored over it in turn."""
    first = (await world.put("/f.txt", "first")).node
    gone = await world.apply(c.TrashNode(Target(path="/f.txt")))
    second = (await world.put("/f.txt", "second")).node

    back = await world.apply(c.RestoreEntry(gone.entry_id, None, None, REPLACE))

    assert (back.node.node_id, back.node.path) == (first.node_id, "/f.txt")
    assert await events(world, 2) == [
        ("node.trashed", second.node_id),
        ("node.restored", first.node_id),
    ]
    again = await world.apply(c.RestoreEntry(back.entry_id, None, None, REPLACE))
    assert (again.node.node_id, again.node.path) == (second.node_id, "/f.txt")


@pytest.mark.parametrize(
    ("operation", "refusal"),
    [
        (c.MoveNode(Target(path="/d"), Target(path="/a"), None, REPLACE), c.NameTaken("d")),
        (c.MoveNode(Target(path="/d"), Target(path="/a"), "f", REPLACE), c.NameTaken("f")),
        (
            c.MoveNode(Target(path="/f"), Target(path="/a"), "d", REPLACE),
            c.KindMismatch("/a/d", "file"),
        ),
        (c.CopyNode(Target(path="/d"), Target(path="/a"), None, REPLACE), c.NameTaken("d")),
        (c.CopyNode(Target(path="/d"), Target(path="/a"), "f", REPLACE), c.NameTaken("f")),
        (
            c.CopyNode(Target(path="/f"), Target(path="/a"), "d", REPLACE),
            c.KindMismatch("/a/d", "file"),
        ),
    ],
)
async def test_a_folder_neither_replaces_nor_is_replaced(
    world: World, operation: c.Operation, refusal: Any
) -> None:
    """A whole tree in place of another is never what was meant; nothing changes."""
    for path in ("/d", "/a", "/a/d"):
        await world.apply(c.MakeFolder(Target(path=path)))
    for path in ("/f", "/a/f"):
        await world.put(path, path)

    assert await world.apply(operation) == refusal
    assert (await world.ask(c.ListTrash(world.caller()))).items == ()


async def test_a_refused_move_leaves_the_file_in_place(world: World) -> None:
    """What does not fit in the other space's quota replaces nothing there."""
    admin = world.caller(admin=True)
    await world.ask(c.CreateSpace(admin, "Team", quota=5))
    old = (await world.put("Team:/f", "old", admin)).node
    await world.put("/f", "new", admin)
    move = c.MoveNode(Target(path="/f"), Target(path="Team:/"), None, REPLACE)

    assert isinstance(await world.apply(move, caller=admin), c.QuotaExceeded)
    found = await world.ask(c.GetNode(admin, Target(path="Team:/f")))
    assert (found.node_id, found.revision) == (old.node_id, 1)


async def test_who_may_only_look_replaces_nothing(world: World) -> None:
    """A viewer of the target folder is refused for a move, a copy and a restore."""
    admin, ben = world.caller(admin=True), world.caller(2)
    space = await world.ask(c.CreateSpace(admin, "Team"))
    await world.ask(c.SetMember(admin, space.space_id, ben.principal.user_id, c.Role.VIEWER))
    await world.put("Team:/f", "old", admin)
    await world.put("/f", "new", ben)
    await world.put("/gone/f", "gone", ben)
    gone = await world.apply(c.TrashNode(Target(path="/gone/f")), caller=ben)
    team = Target(path="Team:/")

    refused = await world.apply(
        c.MoveNode(Target(path="/f"), team, None, REPLACE),
        c.CopyNode(Target(path="/f"), team, None, REPLACE),
        c.RestoreEntry(gone.entry_id, team, None, REPLACE),
        caller=ben,
    )

    assert {type(one).__name__ for one in refused} == {"Forbidden"}
