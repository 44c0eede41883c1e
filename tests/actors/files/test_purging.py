"""Purging: at once out of reach whatever its size, removed in slices, nothing else touched."""

from typing import Any

import pytest

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    ContentDraft,
    ContinuePurges,
    CopyNode,
    GetContents,
    GetNode,
    GetSpace,
    ListTrash,
    ListVersions,
    MakeFolder,
    MoveNode,
    NodeNotFound,
    PurgeEntry,
    Target,
    TrashNode,
    UploadOpened,
    Written,
)
from bitvault.drivers.postgres.port import Query, Transaction
from tests.actors.files.conftest import World
from tests.support.postgres import snapshot

SMALL = FilesOptions(purge_at_once=5)
MOST_SLICES = 100
"""More than any folder here takes."""


async def rows(world: World, sql: str) -> list[tuple[Any, ...]]:
    """Run a query outside the room."""

    async def work(tx: Transaction) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in await tx.fetch(Query("test", sql, ()))]

    return await world.database.read(None, work)


async def tree(world: World, folder: str, files: int) -> list[Any]:
    """Make a folder of subfolders with a file each."""
    paths = [f"{folder}/{i % 3}/{i}" for i in range(files)]
    return [await world.put(path, f"content of {path}") for path in paths]


async def purge(world: World, path: str) -> Written:
    """Trash a node and purge the entry."""
    trashed = await world.apply(TrashNode(Target(path=path)))
    done = await world.apply(PurgeEntry(trashed.entry_id))
    assert isinstance(done, Written), done
    return done


async def purge_rest(world: World, limit: int = 4) -> list[int]:
    """Do slices until there is nothing left; return what each removed."""
    counts = []
    for _ in range(MOST_SLICES):
        if not (count := await world.ask(ContinuePurges(limit))):
            return counts
        counts.append(count)
        await check(world)
    pytest.fail(f"not done after {MOST_SLICES} slices")


async def check(world: World) -> None:
    """Hold what must be true at every commit: references, usage, and that the queue knows all."""
    wrong = await rows(
        world,
        "SELECT b.hash FROM files.blob b WHERE b.refs <> (SELECT count(*) FROM files.version v"
        " WHERE v.tenant_id = b.tenant_id AND v.hash = b.hash)"
        " OR (b.refs = 0) <> (b.zero_since IS NOT NULL)",
    )
    assert wrong == []
    assert await rows(world, _WRONG_USAGE) == []
    assert await rows(world, _LOST_NODES) == []
    assert await rows(world, _LOST_VERSIONS) == []


_WRONG_USAGE = """
    SELECT u.* FROM files.usage u WHERE u.holder_id = u.tenant_id AND u.used <>
    (SELECT coalesce(sum(size), 0) FROM files.version v WHERE v.tenant_id = u.tenant_id)
"""
_LOST_NODES = """
    SELECT n.node_id FROM files.node n
     WHERE n.parent_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM files.node p WHERE p.node_id = n.parent_id)
       AND NOT EXISTS (SELECT FROM files.purge q WHERE q.node_id = n.parent_id)
"""
_LOST_VERSIONS = """
    SELECT v.node_id FROM files.version v
     WHERE NOT EXISTS (SELECT FROM files.node n WHERE n.node_id = v.node_id)
       AND NOT EXISTS (SELECT FROM files.purge q WHERE q.node_id = v.node_id)
"""


async def used(world: World) -> int:
    """Return what the personal space uses."""
    return (await world.ask(GetSpace(world.caller()))).used  # type: ignore[no-any-return]


async def test_a_small_folder_is_gone_at_once(world: World) -> None:
    """Nothing is left to the finalizer, and the bytes no longer count."""
    await tree(world, "/a", 6)

    await purge(world, "/a")

    assert await used(world) == 0
    assert await rows(world, "SELECT name FROM files.node WHERE parent_id IS NOT NULL") == []
    assert await rows(world, "SELECT * FROM files.version") == []
    assert await world.ask(ContinuePurges(10)) == 0
    await check(world)


@pytest.mark.parametrize("options", [SMALL])
async def test_a_request_removes_no_more_than_its_allowance(world: World) -> None:
    """However large the folder is, one row goes for sure, and a bounded number with it."""
    await tree(world, "/a", 30)
    before = len(await rows(world, "SELECT node_id FROM files.node"))

    await purge(world, "/a")

    assert before - len(await rows(world, "SELECT node_id FROM files.node")) == 1 + 5
    await check(world)


@pytest.mark.parametrize("options", [SMALL])
async def test_the_allowance_is_one_for_all_operations_of_a_request(world: World) -> None:
    """A thousand purges in one request do not make it a thousand times as long."""
    entries = []
    for name in "abc":
        await tree(world, f"/{name}", 10)
        entries.append((await world.apply(TrashNode(Target(path=f"/{name}")))).entry_id)
    before = len(await rows(world, "SELECT node_id FROM files.node"))

    await world.apply(*(PurgeEntry(one) for one in entries))

    assert before - len(await rows(world, "SELECT node_id FROM files.node")) == 3 + 5
    await purge_rest(world)
    assert await used(world) == 0


@pytest.mark.parametrize("options", [SMALL])
async def test_slices_free_the_quota_as_they_go(world: World) -> None:
    """Each slice is one transaction: rows, references and used bytes fall together."""
    await tree(world, "/a", 30)
    await world.put("/kept", "content of /a/0/0")
    await purge(world, "/a")
    left = [await used(world)]

    counts = []
    while count := await world.ask(ContinuePurges(4)):
        counts.append(count)
        left.append(await used(world))
        await check(world)

    assert max(counts) <= 8
    assert left == sorted(left, reverse=True)
    assert len(set(left)) > 3
    assert left[-1] == len("content of /a/0/0")
    assert await rows(world, "SELECT refs FROM files.blob WHERE refs > 0") == [(1,)]
    assert await rows(world, "SELECT * FROM files.purge") == []


@pytest.mark.parametrize("options", [SMALL])
async def test_purged_is_out_of_reach_at_once(world: World) -> None:
    """By id, by path, by version, by content, by dedup, in the trash: there is nothing there."""
    nodes = [one.node for one in await tree(world, "/a", 30)]
    await purge(world, "/a")
    present = {row[0] for row in await rows(world, "SELECT node_id FROM files.node")}
    still = next(one for one in nodes if one.node_id in present)
    by_id, by_path = Target(node_id=still.node_id), Target(path=still.path)

    for message in (
        GetNode(world.caller(), by_id),
        GetNode(world.caller(), by_path),
        ListVersions(world.caller(), by_id),
    ):
        assert isinstance(await world.ask(message), NodeNotFound)
    drafts = (ContentDraft(by_id), ContentDraft(by_id, version=1), ContentDraft(by_path))
    contents = await world.ask(GetContents(world.caller(), drafts))
    assert [type(one) for one in contents] == [NodeNotFound] * 3
    assert isinstance(await world.init("/new", f"content of {still.path}"), UploadOpened)
    assert isinstance(await world.apply(CopyNode(by_id, Target(path="/"))), NodeNotFound)
    assert isinstance(await world.apply(MoveNode(by_id, Target(path="/"))), NodeNotFound)
    assert (await world.ask(ListTrash(world.caller()))).items == ()


@pytest.mark.parametrize("options", [SMALL])
async def test_a_file_with_many_versions_goes_in_slices_too(world: World) -> None:
    """Versions are counted like nodes: one file can be large as well."""
    for number in range(20):
        await world.put("/f", f"version {number}", base_version=number)

    await purge(world, "/f")

    assert 10 <= len(await rows(world, "SELECT version FROM files.version")) <= 15
    await check(world)
    await purge_rest(world)
    assert await used(world) == 0
    assert await rows(world, "SELECT * FROM files.purge") == []


@pytest.mark.requirement("X59")
@pytest.mark.parametrize("options", [SMALL])
async def test_a_deep_chain_of_folders_is_one_slice(world: World) -> None:
    """Depth costs no more than breadth."""
    await world.apply(MakeFolder(Target(path="/a" + "/x" * 40), parents=True))

    await purge(world, "/a")

    assert await purge_rest(world, limit=1000) == [35]


@pytest.mark.parametrize("options", [SMALL])
async def test_tenants_share_a_slice(world: World) -> None:
    """One tenant's huge purge does not keep another's from its end."""
    stranger = world.caller(1, tenant=world.ids.uuid7())
    for caller, name in ((world.caller(), "/a"), (stranger, "/b")):
        for number in range(12):
            await world.put(f"{name}/{number}", f"{number}", caller)
        entry = await world.apply(TrashNode(Target(path=name)), caller=caller)
        await world.apply(PurgeEntry(entry.entry_id), caller=caller)

    await world.ask(ContinuePurges(4))

    left = await rows(
        world, "SELECT count(*) FROM files.version GROUP BY tenant_id ORDER BY tenant_id"
    )
    assert left == [(5,), (5,)]
    await purge_rest(world)
    assert await rows(world, "SELECT * FROM files.version") == []


@pytest.mark.parametrize("options", [SMALL])
async def test_a_slice_that_fails_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its commit, a slice leaves everything as it was; the next does the same."""
    await tree(world, "/a", 12)
    await purge(world, "/a")
    before = await snapshot(world.database, ("files", "outbox"))

    class Killed(BaseException):
        pass

    async def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("bitvault.actors.files.store.purging.settle", die)
        with pytest.raises(Killed):
            await world.ask(ContinuePurges(4))

    assert await snapshot(world.database, ("files", "outbox")) == before
    await purge_rest(world)
    assert await used(world) == 0


async def test_a_purge_is_one_event(world: World) -> None:
    """Whatever hangs below, the journal says it once."""
    await tree(world, "/a", 9)
    await purge(world, "/a")
    await purge_rest(world)

    kinds = await rows(world, "SELECT kind FROM outbox.event WHERE kind = 'node.purged'")

    assert len(kinds) == 1


async def test_every_way_to_zero_says_since_when(world: World) -> None:
    """A blob without references always has the time it lost the last one; a new one clears it."""
    await world.put("/f", "x")
    await world.put("/g", "x")
    await purge(world, "/f")
    assert await rows(world, "SELECT refs, zero_since FROM files.blob") == [(1, None)]
    world.clock.advance(60)
    await purge(world, "/g")
    assert await rows(world, "SELECT refs, zero_since FROM files.blob") == [(0, world.clock.now())]

    await world.put("/h", "x")

    assert await rows(world, "SELECT refs, zero_since FROM files.blob") == [(1, None)]
