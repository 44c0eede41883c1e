"""Row-level security, the second wall between tenants (reliability I18, X20-X22; ADR-0015)."""

from uuid import UUID

import asyncpg
import pytest

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.kernel.ids import TenantId
from tests.support.postgres import opened

_OPEN_TABLES = """
    SELECT c.oid::regclass::text AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND c.oid <> 'bitvault.migration'::regclass
       AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
           SELECT FROM pg_policy p
            WHERE p.polrelid = c.oid AND p.polname = 'tenant' AND p.polcmd = '*'
              AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL))
"""
_POWERS = """
    SELECT rolname AS role FROM pg_roles
     WHERE rolname IN ('bitvault_app', 'bitvault_system')
       AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
            OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid))
"""
_WRITABLE_ACROSS = """
    SELECT table_schema || '.' || table_name AS name FROM information_schema.role_table_grants
     WHERE grantee = 'bitvault_system' AND privilege_type <> 'SELECT'
"""
ADD = Query(
    "add",
    "INSERT INTO outbox.tenant_seq (tenant_id, last, epoch) VALUES ($1, 1, $1)",
    ("tenant",),
)
ALL = Query("all", "SELECT tenant_id FROM outbox.tenant_seq ORDER BY tenant_id", ())
MOVE = Query("move", "UPDATE outbox.tenant_seq SET tenant_id = $1", ("tenant",))
ONE, TWO = TenantId(UUID(int=1)), TenantId(UUID(int=2))


async def _as_owner(database: PostgresDatabase, sql: str) -> list[Row]:
    connection = await aio.call(asyncpg.connect, database.sessions.dsn)
    rows: list[Row] = await aio.call(connection.fetch, sql)
    await aio.call(connection.close)
    return rows


@pytest.fixture
async def settled(database: PostgresDatabase) -> PostgresDatabase:
    """Return a database in which two tenants have a row each."""
    for tenant in (ONE, TWO):
        await _add(database, tenant, tenant)
    return database


async def _add(database: PostgresDatabase, scope: TenantId | None, tenant: TenantId) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(ADD, tenant=tenant)

    await database.transact(scope, work)


async def _seen(tx: Transaction) -> list[UUID]:
    return [row["tenant_id"] for row in await tx.fetch(ALL)]


async def test_every_table_has_its_wall(database: PostgresDatabase) -> None:
    """Each table has a tenant, and a forced policy for reading and for writing."""
    assert await _as_owner(database, _OPEN_TABLES) == []


async def test_the_roles_have_no_powers(database: PostgresDatabase) -> None:
    """The app's roles own nothing and bypass nothing; the one across tenants only reads."""
    assert await _as_owner(database, _POWERS) == []
    assert await _as_owner(database, _WRITABLE_ACROSS) == []


async def test_a_statement_without_a_condition_sees_one_tenant(settled: PostgresDatabase) -> None:
    """A query that forgets its tenant, in a transaction or reading, finds its own rows only."""
    assert await settled.transact(ONE, _seen) == [ONE]
    assert await settled.read(TWO, _seen) == [TWO]
    assert await settled.read(None, _seen) == [ONE, TWO]


async def test_a_row_of_another_tenant_cannot_be_written(settled: PostgresDatabase) -> None:
    """Neither a new row nor a changed one may belong to somebody else; nothing is written."""
    other = TenantId(UUID(int=3))

    async def move(tx: Transaction) -> None:
        await tx.execute(MOVE, tenant=other)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _add(settled, ONE, other)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await settled.transact(ONE, move)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _add(settled, None, other)
    assert await settled.read(None, _seen) == [ONE, TWO]


async def test_without_a_tenant_the_policy_raises(settled: PostgresDatabase) -> None:
    """Outside the pool's care there is an error and not an empty answer (I18)."""
    connection = await aio.call(asyncpg.connect, settled.sessions.dsn)
    await aio.call(connection.execute, "SET ROLE bitvault_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="no tenant is set"):
        await aio.call(connection.fetch, ALL.sql)
    await aio.call(connection.execute, "SET bitvault.tenant = ''")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="no tenant is set"):
        await aio.call(connection.fetch, ALL.sql)
    await aio.call(connection.close)


async def test_a_session_remembers_nobody(database_dsn: str) -> None:
    """One session serves reads and transactions of different tenants, one failing in between."""
    async with opened(database_dsn, Limits(size=1)) as database:
        for tenant in (ONE, TWO):
            await _add(database, tenant, tenant)
        assert await database.read(ONE, _seen) == [ONE]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await _add(database, TWO, ONE)
        assert await database.read(TWO, _seen) == [TWO]
        assert await database.transact(ONE, _seen) == [ONE]
        assert await database.read(TWO, _seen) == [TWO]
        assert await database.read(None, _seen) == [ONE, TWO]
        assert await database.read(ONE, _seen) == [ONE]
