"""A database from before tenants gave their spaces a quota, brought up to date."""

from uuid import UUID

import asyncpg

from bitvault.drivers import aio
from bitvault.drivers.postgres.migrate import load_migrations
from tests.actors.identity.test_upgrade import owner

__all__ = ["owner"]

_SPACES = ((1, "personal", 7), (2, "personal", 10), (3, "personal", 10), (4, "team", 10))
"""Number, kind and quota; the higher the number, the newer."""
_SPACE = """
    INSERT INTO files.space
        (tenant_id, space_id, kind, owner_id, name, name_key, root_id, created_at)
    VALUES ($1, $2::uuid, $3, $4, 'n' || $2::uuid, 'n' || $2::uuid, $2::uuid, now())
"""
_USAGE = "INSERT INTO files.usage (tenant_id, holder_id, quota) VALUES ($1, $2, $3)"
_WALL = """
    ALTER TABLE files.{0} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE files.{0} FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON files.{0} USING (tenant_id::text = current_setting('test.tenant'));
"""


async def test_spaces_follow_what_the_newest_was_given(owner: asyncpg.Connection) -> None:
    """Personal ones that have as much; what has another quota, and teams, keep their own."""
    steps, tenant = load_migrations("bitvault.actors.files"), UUID(int=9)
    before = next(at for at, step in enumerate(steps) if "space_quota" in step.sql)
    for step in steps[:before]:
        await aio.call(owner.execute, step.sql)
    for number, kind, quota in _SPACES:
        space, whose = UUID(int=number), UUID(int=90 + number) if kind == "personal" else None
        await aio.call(owner.execute, _SPACE, tenant, space, kind, whose)
        await aio.call(owner.execute, _USAGE, tenant, space, quota)
    await aio.call(owner.execute, _USAGE, tenant, tenant, 100)
    for table in ("space", "usage"):
        await aio.call(owner.execute, _WALL.format(table))

    await aio.call(owner.execute, steps[before].sql)

    await aio.call(owner.execute, "RESET ROLE")
    rows = await aio.call(
        owner.fetch,
        "SELECT holder_id, quota, follows, space_quota FROM files.usage ORDER BY holder_id",
    )
    assert [(row["holder_id"].int, *tuple(row)[1:]) for row in rows] == [
        (1, 7, False, None),
        (2, None, True, None),
        (3, None, True, None),
        (4, 10, False, None),
        (9, 100, False, 10),
    ]
