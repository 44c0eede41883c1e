"""Uploads: init reserves, commit writes."""

import pytest

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    ContentDraft,
    GetContents,
    GetNode,
    GetSpace,
    IfExists,
    InitUploads,
    ListChildren,
    NameTaken,
    QuotaExceeded,
    StaleBase,
    Target,
    UploadDraft,
    UploadOpened,
    UploadUnneeded,
    Written,
)
from tests.actors.files.conftest import World, sha256
from tests.actors.files.counting import CountingDatabase
from tests.support.rewiring import rewire


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


@pytest.mark.parametrize("options", [FilesOptions(default_space_quota=10)])
async def test_a_batch_beyond_the_quota(world: World) -> None:
    """Each draft that fits in what the ones before it left is taken, the others are refused."""
    await world.put("/known", "123")
    sizes = (("/a", "12345"), ("/b", "123456"), ("/same", "123"), ("/c", "ab"), ("/d", ""))
    drafts = tuple(UploadDraft(len(t), Target(path=p), hash=sha256(t)) for p, t in sizes)
    # 3 of 10 bytes are used: 5 fit, then not 6, nor 3 that need not be sent, but 2 and none.

    answers = await world.ask(InitUploads(world.caller(), drafts))

    kinds = [UploadOpened, QuotaExceeded, QuotaExceeded, UploadOpened, UploadOpened]
    assert [type(one) for one in answers] == kinds
    assert answers[1:3] == (QuotaExceeded(6, 2), QuotaExceeded(3, 2))
    space = await world.ask(GetSpace(world.caller()))
    assert (space.used, space.reserved) == (3, 7)


@pytest.mark.parametrize("options", [FilesOptions(default_space_quota=10)])
async def test_an_init_that_fits_locks_the_quota_last(world: World) -> None:
    """Everybody waits for the quota rows, so they are taken by the last statement and once."""
    await world.put("/known", "123")
    counting = CountingDatabase(world.database)
    rewire(world.room, database=counting)

    assert isinstance(await world.init("/a", "1234"), UploadOpened)
    assert list(counting.runs)[-1] == "reserve"
    assert "lock_usage" not in counting.runs
    assert isinstance(await world.init("/same", "123"), UploadUnneeded)
    space = await world.ask(GetSpace(world.caller()))
    assert (space.used, space.reserved) == (6, 4)
    assert await world.init("/b", "12") == QuotaExceeded(2, 0)
