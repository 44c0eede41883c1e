"""Folders: made, moved, trashed, restored, purged."""

from bitvault.actors.files.contract import (
    CopyNode,
    GetNode,
    GetSpace,
    ListTrash,
    MakeFolder,
    MoveNode,
    NodeNotFound,
    PurgeEntry,
    RestoreEntry,
    RestoreVersion,
    Target,
    TrashNode,
    TreeRuleBroken,
)
from tests.actors.files.conftest import World


async def test_a_folder_is_renamed_in_case_only(world: World) -> None:
    """Renaming to another case of the same name is not a conflict with oneself."""
    await world.apply(MakeFolder(Target(path="/Docs")))

    done = await world.apply(MoveNode(Target(path="/docs"), name="DOCS"))

    assert (done.node.path, done.node.revision) == ("/DOCS", 2)


async def test_a_folder_cannot_move_into_itself(world: World) -> None:
    """A move below oneself would make a cycle."""
    await world.apply(MakeFolder(Target(path="/a/b"), parents=True))

    refused = await world.apply(MoveNode(Target(path="/a"), parent=Target(path="/a/b")))

    assert isinstance(refused, TreeRuleBroken)


async def test_trash_hides_and_restore_brings_back(world: World) -> None:
    """A trashed folder takes its files along, and a restore gives them all back."""
    await world.put("/a/b/f.txt", "hello")
    gone = await world.apply(TrashNode(Target(path="/a")))
    hidden = await world.ask(GetNode(world.caller(), Target(path="/a/b/f.txt")))
    assert isinstance(hidden, NodeNotFound)

    back = await world.apply(RestoreEntry(gone.entry_id))

    assert back.node.path == "/a"
    node = await world.ask(GetNode(world.caller(), Target(path="/a/b/f.txt")))
    assert node.size == 5
    assert (await world.ask(ListTrash(world.caller()))).items == ()


async def test_purge_gives_the_bytes_back(world: World) -> None:
    """A purged entry is gone for good and no longer counts."""
    done = await world.put("/a/f.txt", "hello")
    gone = await world.apply(TrashNode(Target(path="/a")))

    await world.apply(PurgeEntry(gone.entry_id))

    assert (await world.ask(GetSpace(world.caller()))).used == 0
    answer = await world.ask(GetNode(world.caller(), Target(node_id=done.node.node_id)))
    assert answer == NodeNotFound(str(done.node.node_id))


async def test_a_file_restores_into_folders_made_anew(world: World) -> None:
    """When its folder is gone too, restore makes it again from the recorded path."""
    await world.put("/a/b/f.txt", "hello")
    entry = await world.apply(TrashNode(Target(path="/a/b/f.txt")))
    await world.apply(TrashNode(Target(path="/a")))

    back = await world.apply(RestoreEntry(entry.entry_id))

    assert back.node.path == "/a/b/f.txt"


async def test_a_copy_counts_but_moves_no_bytes(world: World) -> None:
    """A copied folder has its files, on the same content."""
    await world.put("/a/b/f.txt", "hello")

    done = await world.apply(CopyNode(Target(path="/a"), Target(path="/"), name="c"))

    assert done.node.path == "/c"
    node = await world.ask(GetNode(world.caller(), Target(path="/c/b/f.txt")))
    assert (node.size, node.version) == (5, 1)
    assert (await world.ask(GetSpace(world.caller()))).used == 10


async def test_an_old_version_becomes_current_again(world: World) -> None:
    """Restoring version 1 makes version 3 with its content."""
    first = await world.put("/f.txt", "one")
    await world.put("/f.txt", "two", base_version=1)

    done = await world.apply(RestoreVersion(Target(path="/f.txt"), 1))

    assert (done.node.version, done.node.hash) == (3, first.node.hash)
