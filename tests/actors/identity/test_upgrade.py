"""A database from before scopes and operators, brought up to date by an owner without powers."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import trio

from bitvault.drivers import aio
from bitvault.drivers.postgres.migrate import load_migrations
from tests.support.postgres import PostgresServer

_ROOM = "bitvault.actors.identity"
_WALL = """
    ALTER TABLE identity.{0} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE identity.{0} FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON identity.{0} USING (tenant_id::text = current_setting('test.tenant'));
"""
_BEFORE = """
    INSERT INTO identity.tenant SELECT t, 'n' || t, 'n' || t, now() FROM (SELECT {0}::uuid AS t) q;
    INSERT INTO identity.account SELECT {0}::uuid, u, 'l' || u, 'l' || u, 'x', 'h', true, now()
        FROM unnest(ARRAY[gen_random_uuid(), gen_random_uuid()]) u;
    INSERT INTO identity.credential
        SELECT {0}::uuid, user_id, gen_random_uuid(), kind, '', '', gen_random_uuid()::text::bytea,
            now(), NULL, NULL, NULL, '', ''
        FROM identity.account, unnest(ARRAY['session', 'token']) kind WHERE tenant_id = {0}::uuid;
"""


@pytest.fixture
async def owner(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """Be the owner of an empty database, who is no superuser."""
    name = await trio.to_thread.run_sync(postgres_server.clone, "template0")
    async with aio.open_loop():
        connection = await aio.call(asyncpg.connect, postgres_server.dsn(name))
        role = f"owner_of_{name}"
        await aio.call(connection.execute, f"CREATE ROLE {role} NOSUPERUSER NOBYPASSRLS")
        await aio.call(connection.execute, f"GRANT CREATE ON DATABASE {name} TO {role}")
        await aio.call(connection.execute, f"SET ROLE {role}")
        yield connection
        await aio.finish(5, connection.close)
    await trio.to_thread.run_sync(postgres_server.drop, name)
    await trio.to_thread.run_sync(postgres_server.run, f"DROP ROLE {role}")


async def test_sessions_tokens_and_the_first_admin_stay_what_they_were(
    owner: asyncpg.Connection,
) -> None:
    """In every tenant, behind forced policies: sessions manage accounts, tokens do not."""
    steps = load_migrations(_ROOM)
    tenants = [f"'{number:032x}'" for number in (1, 2)]
    for step in steps[:3]:
        await aio.call(owner.execute, step.sql)
    for tenant in tenants:
        await aio.call(owner.execute, _BEFORE.format(tenant))
    for table in ("tenant", "account", "credential"):
        await aio.call(owner.execute, _WALL.format(table))

    for step in steps[3:]:
        await aio.call(owner.execute, step.sql)

    await aio.call(owner.execute, "RESET ROLE")
    scopes = await aio.call(
        owner.fetch, "SELECT kind, scope, count(*) AS n FROM identity.credential GROUP BY 1, 2"
    )
    assert {tuple(row) for row in scopes} == {("session", "account", 4), ("token", "admin", 4)}
    operators = await aio.call(
        owner.fetch,
        "SELECT a.tenant_id, a.user_id = (SELECT user_id FROM identity.account b"
        " WHERE b.tenant_id = a.tenant_id ORDER BY created_at, user_id LIMIT 1) AS is_first"
        " FROM identity.account a WHERE is_operator",
    )
    assert [(row["tenant_id"].int, row["is_first"]) for row in operators] == [(1, True)]
    forced = await aio.call(
        owner.fetch,
        "SELECT relname FROM pg_class WHERE relnamespace = 'identity'::regnamespace"
        " AND relname IN ('tenant', 'account', 'credential')"
        " AND relrowsecurity AND relforcerowsecurity",
    )
    assert {row["relname"] for row in forced} == {"tenant", "account", "credential"}
