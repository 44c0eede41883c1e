"""Uploads: init reserves, commit writes."""

from bitvault.actors.files.contract import (
    ContentDraft,
    GetContents,
    GetNode,
    GetSpace,
    IfExists,
    ListChildren,
    NameTaken,
    StaleBase,
    Target,
    Written,
)
from tests.actors.files.conftest import World


async def test_a_file_goes_up_and_comes_back(world: World) -> None:
    """Init, commit, then the node, its folder's list, its content and the space's usage agree."""
    done = await world.put("/a/b/file.txt", "hello")

    assert isinstance(done, Written)
    assert (done.node.path, done.node.version, done.node.size) == ("/a/b/file.txt", 1, 5)
    node = await world.ask(GetNode(world.caller(), Target(path="/A/b/FILE.txt")))
    assert node == done.node
    page = await world.ask(ListChildren(world.caller(), Target(path="/a/b")))
    assert page.items == (done.node,)
    (content,) = await world.ask(
        GetContents(world.caller(), (ContentDraft(Target(path="/a/b/file.txt")),))
    )
    assert content.url.startswith("memory://key-")
    space = await world.ask(GetSpace(world.caller()))
    assert (space.used, space.reserved) == (5, 0)


async def test_a_taken_name(world: World) -> None:
    """The ifExists mode decides: fail, replace as a new version, or a numbered name."""
    await world.put("/f.txt", "one")

    assert isinstance(await world.init("/F.txt", "two"), NameTaken)
    replaced = await world.put("/f.txt", "two", if_exists=IfExists.REPLACE)
    assert replaced.node.version == 2
    renamed = await world.put("/f.txt", "three", if_exists=IfExists.RENAME)
    assert renamed.node.name == "f (2).txt"


async def test_a_stale_base_overwrites_nothing(world: World) -> None:
    """A commit on an old version is refused and names the current one."""
    await world.put("/f.txt", "one")
    await world.put("/f.txt", "two", base_version=1)

    assert await world.init("/f.txt", "three", base_version=1) == StaleBase(2)
