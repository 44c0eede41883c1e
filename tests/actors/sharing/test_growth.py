"""What is shared costs by the page and by the way to a node, however much there is."""

from collections.abc import Sequence

import asyncpg
import pytest

from bitvault.actors.files.contract import Apply, ListChildren, Target, TrashNode, Written
from bitvault.actors.sharing.contract import (
    Allowed,
    CheckAccess,
    ExplainAccess,
    ListGrants,
    ListShared,
)
from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import open_database
from bitvault.kernel.access import Right, Role
from bitvault.kernel.ids import NodeId
from tests.actors.files.counting import CountingDatabase
from tests.actors.sharing.conftest import Company
from tests.support.rewiring import rewire

_ROUNDS = 8
_MOST = 200
# 1,500 folders in each folder, and as many grants on other nodes for one person as for anybody.
_FILL = """
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, created_at,
                            modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), parent_id, 'folder', 'f' || n, 'f' || n, created_at,
           modified_at, modified_by
      FROM files.node, generate_series(1, 1500) AS n WHERE name = 'f';
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT tenant_id, gen_random_uuid(), grantee_id, 'user', gen_random_uuid(), role, rights,
           granted_by, granted_at
      FROM sharing.granted, generate_series(1, 1500) WHERE grantee_kind = 'user';
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT tenant_id, node_id, gen_random_uuid(), 'user', gen_random_uuid(), role, rights,
           granted_by, granted_at
      FROM sharing.granted
"""
_CROWD = """
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT tenant_id, node_id, gen_random_uuid(), 'user', gen_random_uuid(), 'viewer', 1,
           modified_by, created_at
      FROM files.node, generate_series(1, 1000) WHERE kind = 'folder' AND length(name) < 4
"""

_RESTRICTED = """
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, created_at,
                            modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), parent_id, 'folder', 'lone' || n, 'lone' || n, created_at,
           modified_at, modified_by
      FROM files.node, generate_series(2, {number}) AS n WHERE name = 'lone';
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT g.tenant_id, n.node_id, g.grantee_id, g.grantee_kind, gen_random_uuid(), g.role,
           g.rights, g.granted_by, g.granted_at
      FROM files.node lone JOIN sharing.granted g ON g.node_id = lone.node_id
      JOIN files.node n ON n.name LIKE 'lone_%'
     WHERE lone.name = 'lone' AND g.grantee_kind = 'everyone'
"""


async def look(company: Company, node_id: NodeId) -> None:
    """Look at a folder with a file in it as somebody with whom it was shared."""
    assert (await company.see("ben", node_id)).node_id == node_id
    caller, target = company.caller("ben"), Target(node_id=node_id)
    listed = await company.files.ask(ListChildren(caller, target, limit=10))
    assert listed.items[0].name == "f"
    asked = CheckAccess(caller, node_id, Right.READ)
    assert isinstance(await company.sharing.handle(asked), Allowed)


async def tour(company: Company, node_id: NodeId) -> None:
    """Share, look from both sides, explain, take back."""
    await company.share("ann", node_id, "ben", Role.EDITOR)
    await look(company, node_id)
    page = await company.sharing.handle(ListShared(company.caller("ben"), None, 10))
    assert page.items
    assert (await company.sharing.handle(ExplainAccess(company.caller("ann"), node_id))).items
    assert (await company.sharing.handle(ListGrants(company.caller("ann"), node_id))).grants
    assert await company.unshare("ann", node_id, "ben") is None


async def made(company: Company, count: int) -> Sequence[NodeId]:
    """Make folders with a file in each."""
    folders = [await company.folder("ann", f"/top/{number}") for number in range(count)]
    for number in range(count):
        await company.put("ann", f"/top/{number}/f")
    return folders


@pytest.mark.requirement("X59")
@pytest.mark.parametrize("planned", ["small", "large"])
async def test_nothing_costs_more_among_many_grants(company: Company, planned: str) -> None:
    """No statement looks at more rows, in a session that planned it on small tables or large."""
    folders = await made(company, _ROUNDS + 2)
    await company.share("ann", folders[-1], "ben", Role.VIEWER)
    for node_id in folders[:_ROUNDS] if planned == "small" else folders[:1]:
        await tour(company, node_id)
    database = company.files.database
    await fill(company, _FILL)
    async with open_database(database.sessions.dsn) as fresh:
        counting = CountingDatabase(database if planned == "small" else fresh)
        rewire(company.files.room, database=counting)
        rewire(company.sharing, database=counting)
        await tour(company, folders[_ROUNDS])

    assert {name: rows for name, rows in counting.most.items() if rows > _MOST} == {}


@pytest.mark.parametrize("planned", ["small", "large"])
async def test_looking_costs_no_more_where_much_is_granted(company: Company, planned: str) -> None:
    """Of a thousand grants on each folder of the way only the caller's own are read."""
    folders = await made(company, 1)
    deep = await company.folder("ann", "/top/0/a/b/c")
    await company.put("ann", "/top/0/a/b/c/f")
    await company.share("ann", folders[0], "ben", Role.VIEWER)
    database = company.files.database
    for _ in range(_ROUNDS if planned == "small" else 1):
        await look(company, deep)
    await fill(company, _FILL + ";" + _CROWD)
    async with open_database(database.sessions.dsn) as fresh:
        counting = CountingDatabase(database if planned == "small" else fresh)
        rewire(company.files.room, database=counting)
        rewire(company.sharing, database=counting)
        await look(company, deep)

    assert {name: rows for name, rows in counting.most.items() if rows > _MOST} == {}


@pytest.mark.parametrize("restricted", [500, 1500])
async def test_a_batch_of_trashings_looks_at_what_is_restricted_once(
    company: Company, restricted: int
) -> None:
    """A hundred folders cost no hundred looks at all that is restricted elsewhere in the tenant."""
    top = await company.folder("ann", "/top")
    await company.share("ann", top, "ben", Role.EDITOR)
    folders = [await company.folder("ann", f"/top/{number}") for number in range(100)]
    await company.restrict("ann", await company.folder("ann", "/a/b/c/d/e/f/g/h/lone"))
    await fill(company, _RESTRICTED.format(number=restricted))
    database = CountingDatabase(company.files.database)
    rewire(company.files.room, database=database)

    trash = tuple(TrashNode(Target(node_id=node_id)) for node_id in folders)
    outcomes = await company.files.ask(Apply(company.caller("ben"), trash))

    assert {type(one) for one in outcomes} == {Written}
    assert database.runs["restricted"] == 1
    looked = {name: database.most[name] * database.runs[name] for name in database.runs}
    own = 100 * 5  # a few rows for the way to each folder of the batch
    elsewhere = restricted * 10 * 3 if restricted <= 1000 else 0  # nodes, and what is said of them
    assert looked["walk_up"] <= own + elsewhere
    assert database.runs["walk_up"] <= restricted / 100 + 1
    assert looked.get("restricted_below", 0) <= 100 * 10


async def fill(company: Company, sql: str) -> None:
    """Put in at once what would take thousands of calls."""
    connection = await aio.call(asyncpg.connect, company.files.database.sessions.dsn)
    await aio.call(connection.execute, sql)
    await aio.call(connection.close)
