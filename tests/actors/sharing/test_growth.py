"""What is shared costs by the page and by the way to a node, however much there is."""

from collections.abc import Sequence

import asyncpg
import pytest

from bitvault.actors.sharing.contract import ExplainAccess, ListGrants, ListShared
from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import open_database
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from tests.actors.files.counting import CountingDatabase
from tests.actors.sharing.conftest import Company

_ROUNDS = 8
_MOST = 200
# 1,500 grants on other nodes for one person, and as many on other nodes for anybody.
_FILL = """
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


async def tour(company: Company, node_id: NodeId) -> None:
    """Share, look from both sides, explain, take back."""
    await company.share("ann", node_id, "ben", Role.EDITOR)
    assert (await company.see("ben", node_id)).node_id == node_id
    assert await company.names("ben", node_id) == ["f"]
    page = await company.sharing.handle(ListShared(company.caller("ben"), None, 10))
    assert page.items
    assert await company.sharing.handle(ExplainAccess(company.caller("ann"), node_id))
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
    connection = await aio.call(asyncpg.connect, database.sessions.dsn)
    await aio.call(connection.execute, _FILL)
    await aio.call(connection.close)
    async with open_database(database.sessions.dsn) as fresh:
        counting = CountingDatabase(database if planned == "small" else fresh)
        company.files.room._database = company.sharing.database = counting
        await tour(company, folders[_ROUNDS])

    assert {name: rows for name, rows in counting.most.items() if rows > _MOST} == {}
