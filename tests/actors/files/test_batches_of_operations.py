"""Batches of operations: each sees what the ones before it did, and none has its own round trip."""

import pytest

from bitvault.actors.files.contract import (
    CreateSpace,
    GetSpace,
    IfExists,
    InitUploads,
    ListChildren,
    ListTrash,
    MakeFolder,
    MoveNode,
    NodeNotFound,
    Operation,
    Target,
    TrashNode,
    TreeRuleBroken,
    UploadDraft,
    Written,
)
from bitvault.actors.files.rules.names import MAX_DEPTH
from tests.actors.files.conftest import World, sha256
from tests.actors.files.counting import CountingDatabase
from tests.support.rewiring import rewire


async def test_names_are_exchanged_in_one_batch(world: World) -> None:
    """A name that one operation gives up is free for the next."""
    await world.apply(MakeFolder(Target(path="/a")), MakeFolder(Target(path="/b")))

    done = await world.apply(
        MoveNode(Target(path="/a"), name="c"),
        MoveNode(Target(path="/b"), name="a"),
        MoveNode(Target(path="/c"), name="b"),
    )

    assert [one.node.path for one in done] == ["/c", "/a", "/b"]
    page = await world.ask(ListChildren(world.caller(), Target(path="/")))
    assert [(one.path, one.revision) for one in page.items] == [("/a", 2), ("/b", 3)]


async def test_a_name_is_given_up_to_the_trash(world: World) -> None:
    """What is trashed leaves its name to what is made in the same batch."""
    await world.apply(MakeFolder(Target(path="/a")))

    done = await world.apply(
        TrashNode(Target(path="/a")),
        MakeFolder(Target(path="/a")),
        TrashNode(Target(path="/a")),
        MakeFolder(Target(path="/a")),
        MoveNode(Target(path="/a"), name="A"),
    )

    assert [one.node.path for one in done] == ["/a", "/a", "/a", "/a", "/A"]
    page = await world.ask(ListChildren(world.caller(), Target(path="/")))
    assert [(one.path, one.revision) for one in page.items] == [("/A", 2)]
    assert len((await world.ask(ListTrash(world.caller()))).items) == 2


async def test_a_number_is_taken_by_the_batch_itself(world: World) -> None:
    """A numbered name avoids those that earlier operations took."""
    await world.apply(*(MakeFolder(Target(path=path)) for path in ("/x", "/y", "/z")))

    done = await world.apply(
        MakeFolder(Target(path="/x (2)")),
        MoveNode(Target(path="/y"), name="x", if_exists=IfExists.RENAME),
        MoveNode(Target(path="/z"), name="x", if_exists=IfExists.RENAME),
    )

    assert [one.node.name for one in done] == ["x (2)", "x (3)", "x (4)"]


async def test_bytes_follow_a_folder_that_the_batch_has_filled(world: World) -> None:
    """A folder takes to another space what was moved into it just before."""
    caller = world.caller(admin=True)
    await world.put("/f", "hello", caller)
    await world.apply(MakeFolder(Target(path="/a")), caller=caller)
    team = await world.ask(CreateSpace(caller, "Team"))

    await world.apply(
        MoveNode(Target(path="/f"), parent=Target(path="/a")),
        MoveNode(Target(path="/a"), parent=Target(path="Team:/")),
        caller=caller,
    )

    assert (await world.ask(GetSpace(caller))).used == 0
    assert (await world.ask(GetSpace(caller, team.space_id))).used == 5


async def test_an_operation_sees_what_the_ones_before_it_did(world: World) -> None:
    """What was made, moved or trashed is there, elsewhere or gone for the rest of the batch."""
    top = Target(node_id=(await world.apply(MakeFolder(Target(path="/a")))).node.node_id)
    await world.apply(MakeFolder(Target(path="/a/b/c"), parents=True))

    outcomes = await world.apply(
        MoveNode(Target(path="/a/b"), parent=Target(path="/")),
        MakeFolder(Target(path="/b/c/d")),
        MakeFolder(Target(path="/a/b/c")),
        MoveNode(top, parent=Target(path="/b/c/d")),
        MoveNode(Target(path="/b"), parent=top),
        TrashNode(Target(path="/b")),
        MakeFolder(parent=top, name="e"),
        TrashNode(Target(path="/b/c")),
    )

    refused = [type(one) for one in outcomes if not isinstance(one, Written)]
    assert refused == [NodeNotFound, TreeRuleBroken, NodeNotFound, NodeNotFound]
    assert outcomes[3].node.path == "/b/c/d/a"


async def test_a_batch_cannot_grow_the_tree_too_deep(world: World) -> None:
    """The depth of what is moved counts what the batch itself has put below it."""
    deep = MAX_DEPTH // 2
    below = "/d" * deep
    await world.apply(MakeFolder(Target(path=below), parents=True))
    await world.apply(MakeFolder(Target(path="/e" * (deep - 1)), parents=True))
    into = Target(path=below)

    outcomes = await world.apply(
        MakeFolder(Target(path="/e" * (deep - 1) + "/x")),
        MakeFolder(Target(path="/e" * (deep - 1) + "/x/y")),
        MoveNode(Target(path="/e"), parent=into),
        TrashNode(Target(path="/e" * (deep - 1) + "/x/y")),
        MoveNode(Target(path="/e" * (deep - 1) + "/x"), parent=Target(path="/")),
        MoveNode(Target(path="/e"), parent=into),
    )

    assert [isinstance(one, Written) for one in outcomes] == [True, True, False, True, True, True]


async def test_what_a_batch_moves_deepens_where_it_went(world: World) -> None:
    """A folder is as deep as what was moved into it, and not any more when that has left again."""
    deep = MAX_DEPTH // 2
    below = Target(path="/d" * deep)
    await world.apply(MakeFolder(below, parents=True))
    await world.apply(MakeFolder(Target(path="/f" * deep), parents=True))
    await world.apply(MakeFolder(Target(path="/e")))

    outcomes = await world.apply(
        MoveNode(Target(path="/f"), parent=Target(path="/e")),
        MoveNode(Target(path="/e"), parent=below),
        MoveNode(Target(path="/e/f"), parent=Target(path="/")),
        MoveNode(Target(path="/e"), parent=below),
    )

    assert [isinstance(one, Written) for one in outcomes] == [True, False, True, True]


async def test_replaced_files_leave_their_name_within_a_batch(world: World) -> None:
    """A name goes from one file to the next in one batch; each that had it is in the trash."""
    made = [(await world.put(f"/{name}", name)).node for name in "abc"]

    done = await world.apply(
        MoveNode(Target(path="/a"), name="b", if_exists=IfExists.REPLACE),
        MoveNode(Target(path="/b"), name="c", if_exists=IfExists.REPLACE),
        MakeFolder(Target(path="/b")),
    )

    assert [one.node.path for one in done] == ["/b", "/c", "/b"]
    page = await world.ask(ListChildren(world.caller(), Target(path="/")))
    assert [(one.path, one.kind) for one in page.items] == [("/b", "folder"), ("/c", "file")]
    trash = (await world.ask(ListTrash(world.caller()))).items
    assert {one.node.node_id for one in trash} == {made[1].node_id, made[2].node_id}
    assert {one.entry_id for one in trash} == {one.entry_id for one in done[:2]}


@pytest.mark.parametrize("kind", ["folder", "nested", "move", "rename", "trash", "replace"])
async def test_the_statements_of_a_batch_do_not_grow_with_it(world: World, kind: str) -> None:
    """Three hundred operations take as many round trips as three."""
    counts = []
    for size in (3, 300):
        paths = [f"/{size}/{n}" for n in range(size)]
        make = [MakeFolder(Target(path=path), parents=True) for path in paths]
        made = [one.node.node_id for one in await world.apply(*make)]
        await world.apply(MakeFolder(Target(path=f"/to-{size}")))
        onto = Target(path=f"/onto-{size}")
        await put_known(world, size)
        operations: dict[str, list[Operation]] = {
            "folder": [MakeFolder(Target(path=f"{path}/below")) for path in paths],
            "nested": [MakeFolder(Target(path=f"/new-{path[1:]}"), parents=True) for path in paths],
            "move": [MoveNode(Target(path=one), Target(path=f"/to-{size}")) for one in paths],
            "rename": [MoveNode(Target(node_id=one), name=f"new-{one}") for one in made],
            "replace": [
                MoveNode(Target(path=f"/from-{size}/{n}"), onto, if_exists=IfExists.REPLACE)
                for n in range(size)
            ],
            "trash": [TrashNode(Target(node_id=one)) for one in made],
        }
        counted = CountingDatabase(world.database)
        rewire(world.room, database=counted)
        outcomes = await world.apply(*operations[kind])
        rewire(world.room, database=world.database)
        assert all(isinstance(one, Written) for one in outcomes)
        counts.append(counted.runs.total())

    assert counts[0] == counts[1] <= 10


async def put_known(world: World, size: int) -> None:
    """Put as many files with the same names in two folders, with content that is there already."""
    await world.put("/known", "hello", if_exists=IfExists.REPLACE)
    for folder in ("from", "onto"):
        names = (Target(path=f"/{folder}-{size}/{n}") for n in range(size))
        drafts = tuple(UploadDraft(5, one, hash=sha256("hello")) for one in names)
        await world.ask(InitUploads(world.caller(), drafts))
