"""Nothing costs more because a folder or a tenant is large: what each statement reads, counted.

The tables have never been analysed, as in the first minutes of a new server: PostgreSQL then
guesses that a tenant is small, and a join it is free to turn round reads all of it.
"""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from bitvault.actors.files.contract import (
    AbortUpload,
    ContentDraft,
    CopyNode,
    GetContents,
    GetNode,
    GetSpace,
    IfExists,
    ListChildren,
    ListSpaces,
    ListTrash,
    ListUploads,
    ListVersions,
    MakeFolder,
    MoveNode,
    RestoreEntry,
    RestoreVersion,
    Target,
    TrashNode,
    UploadUnneeded,
    Written,
)
from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import open_database
from tests.actors.files.conftest import World
from tests.actors.files.counting import CountingDatabase
from tests.support.rewiring import rewire

_ROUNDS = 8
_MOST = 200
"""Rows that one statement may look at; the lists below ask for ten."""
_LONG = "f".ljust(150, "o")
"""A name so long that the index over names is deeper than the others, and seems dearer."""
_FILL = """
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, created_at,
                            modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), node_id, 'folder', n || ':long', n || ':long',
           created_at, modified_at, modified_by
      FROM files.node, generate_series(1, 1500) AS n WHERE name = 'large';
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, version, size,
                            hash, content_type, created_at, modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), parent_id, 'file', 'f' || n || ':long',
           'f' || n || ':long', 1, 5, md5(n::text), 'text/plain', created_at, modified_at,
           modified_by
      FROM files.node, generate_series(1, 1500) AS n
     WHERE name = 'f' AND parent_id = (SELECT node_id FROM files.node WHERE name = 'large');
    INSERT INTO files.version (tenant_id, node_id, version, size, hash, content_type, created_at,
                               created_by)
    SELECT tenant_id, node_id, version, size, hash, content_type, created_at, modified_by
      FROM files.node WHERE content_type = 'text/plain';
    INSERT INTO files.blob (tenant_id, hash, object_key, size, refs, state)
    SELECT tenant_id, hash, hash, 5, 1, 'live' FROM files.node WHERE content_type = 'text/plain';
    INSERT INTO files.space (tenant_id, space_id, kind, owner_id, name, name_key, root_id,
                             created_at)
    SELECT tenant_id, gen_random_uuid(), kind, gen_random_uuid(), name, name_key,
           gen_random_uuid(), created_at
      FROM files.space, generate_series(1, 1500) WHERE kind = 'personal';
    INSERT INTO files.space (tenant_id, space_id, kind, owner_id, name, name_key, root_id,
                             created_at)
    SELECT tenant_id, gen_random_uuid(), 'team', NULL, space_id, space_id, gen_random_uuid(),
           created_at
      FROM files.space;
    INSERT INTO files.usage (tenant_id, holder_id)
    SELECT tenant_id, space_id FROM files.space ON CONFLICT DO NOTHING;
    INSERT INTO files.member (tenant_id, space_id, user_id, role)
    SELECT tenant_id, space_id, gen_random_uuid(), 'editor' FROM files.space WHERE kind = 'team';
    INSERT INTO files.upload (tenant_id, upload_id, user_id, space_id, anchor_id, path, shown_path,
                              size, if_exists, content_type, state, created_at, expires_at)
    SELECT tenant_id, node_id, modified_by, node_id, node_id, name, name, 5, 'fail', 'a/b',
           'committed', created_at, created_at
      FROM files.node WHERE content_type = 'text/plain';
    INSERT INTO files.trash_entry (tenant_id, entry_id, space_id, node_id, parent_id,
                                   original_path, trashed_at, trashed_by)
    SELECT tenant_id, node_id, gen_random_uuid(), node_id, parent_id, name, created_at, modified_by
      FROM files.node WHERE content_type = 'text/plain';
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT tenant_id, node_id, gen_random_uuid(), 'user', gen_random_uuid(), 'viewer', 1,
           modified_by, created_at
      FROM files.node, generate_series(1, 1500) WHERE name = 'large';
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT tenant_id, gen_random_uuid(), modified_by, 'user', gen_random_uuid(), 'viewer', 1,
           modified_by, created_at
      FROM files.node, generate_series(1, 1500) WHERE name = 'large'
""".replace(":long", _LONG)


async def upload(world: World, folder: str) -> None:
    """Init, commit, a new version, a numbered name, content that is there, an abort, a list."""
    await world.put(f"{folder}/f", "hello", if_exists=IfExists.REPLACE)
    assert isinstance(await world.put(f"{folder}/new", folder), Written)
    assert isinstance(await world.put(f"{folder}/new", f"{folder}2", base_version=1), Written)
    third = await world.put(f"{folder}/new", f"{folder}3", if_exists=IfExists.RENAME)
    assert third.node.name == "new (2)"
    assert isinstance(await world.init(f"{folder}/same", "hello"), UploadUnneeded)
    opened = await world.init(f"{folder}/aborted", "gone")
    page = await world.ask(ListUploads(world.caller(), limit=10))
    assert [one.upload_id for one in page.items] == [opened.upload_id]
    assert await world.ask(AbortUpload(world.caller(), opened.upload_id)) is None


async def change(world: World, folder: str) -> None:
    """Make, rename, move, copy, trash and restore, above all the folder itself."""
    await world.put(f"{folder}/f", "hello", if_exists=IfExists.REPLACE)
    renamed = f"{folder}-renamed"
    for operation in (
        MakeFolder(Target(path=f"{folder}/1"), exist_ok=True),
        MakeFolder(Target(path=f"{folder}/made")),
        MoveNode(Target(path=f"{folder}/made"), name="1", if_exists=IfExists.RENAME),
        MoveNode(Target(path=folder), name=renamed[1:]),
        MakeFolder(Target(path=f"{renamed}-beside/below"), parents=True),
        MoveNode(Target(path=f"{renamed}-beside/below"), parent=Target(path=renamed)),
        CopyNode(Target(path=f"{renamed}/f"), Target(path=f"{renamed}-beside")),
        RestoreVersion(Target(path=f"{renamed}/f"), 1),
    ):
        assert isinstance(await world.apply(operation), Written), operation
    gone = await world.apply(TrashNode(Target(path=renamed)))
    assert (await world.apply(RestoreEntry(gone.entry_id))).node.path == renamed


async def look(world: World, folder: str) -> None:
    """A node by path and by id, pages, a download."""
    await world.put(f"{folder}/f", "hello", if_exists=IfExists.REPLACE)
    caller, target = world.caller(), Target(path=f"{folder}/f")
    node = await world.ask(GetNode(caller, target))
    assert await world.ask(GetNode(caller, Target(node_id=node.node_id))) == node
    assert (await world.ask(ListChildren(caller, Target(path=folder), limit=10))).items
    assert len((await world.ask(ListVersions(caller, target))).items) == 1
    await world.apply(TrashNode(target))
    assert (await world.ask(ListTrash(caller, limit=10))).items[0].node.node_id == node.node_id
    await world.put(f"{folder}/f", "hello")
    (content,) = await world.ask(GetContents(caller, (ContentDraft(target),)))
    assert content.size == 5
    await world.ask(GetSpace(caller))
    assert len((await world.ask(ListSpaces(caller))).items) == 1


@pytest.mark.requirement("X59")
@pytest.mark.parametrize("planned", ["small", "large"])
@pytest.mark.parametrize("story", [upload, change, look])
async def test_nothing_costs_more_in_a_large_folder(
    world: World, story: Callable[[World, str], Awaitable[None]], planned: str
) -> None:
    """No statement looks at more rows, in a session that has planned it on small tables or large.

    After some rounds a session keeps the plan that it has then.
    """
    for number in range(_ROUNDS if planned == "small" else 1):
        await story(world, f"/small-{number}")
    await world.put("/large/f", "hello")
    dsn = world.database.sessions.dsn
    connection = await aio.call(asyncpg.connect, dsn)
    await aio.call(connection.execute, _FILL)
    await aio.call(connection.close)
    async with open_database(dsn) as fresh:
        counting = CountingDatabase(world.database if planned == "small" else fresh)
        rewire(world.room, database=counting)
        await story(world, "/large")

    assert {name: rows for name, rows in counting.most.items() if rows > _MOST} == {}
