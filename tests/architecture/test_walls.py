"""Row-level security, the second wall between tenants (reliability I18, X20-X22; ADR-0015)."""

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import trio

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
_KEYS = """
    SELECT i.indexrelid::regclass::text AS name,
           (SELECT array_agg(a.attname::text ORDER BY k.place)
              FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
             WHERE k.place <= i.indnkeyatts) AS columns
      FROM pg_index i
      JOIN pg_attribute t ON t.attrelid = i.indrelid AND t.attname = 'tenant_id'
      JOIN pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p')
     WHERE i.indisunique
"""
_DIGEST = re.compile(r"\w+_(?:hash|digest)")
_ACROSS = {
    "identity.tenant_name_key_key": "tenants are named by operators, who see them all",
    "identity.erasure_erased_id_key": "an id of a tenant; only operators delete one",
    "sso.provider_id": "drawn by the server; whoever signs in by it says no tenant yet",
    "storage.object_key_key": "keys are drawn by the server; 192 random bits",
    "outbox.consumer_cursor_pkey": "begins with the consumer, of which no tenant can choose one",
    "outbox.dead_letter_pkey": "the same",
    "identity.invitation_secret_hash_key": "the same of an invitation; 192 random bits",
    "identity.reset_secret_hash_key": "the same of a mail with a new password; 192 random bits",
}
"""Unique indexes that do not begin with the tenant, and why they tell nobody anything (X22)."""
_CROSSING = """
    SELECT c.conrelid::regclass::text || ' ' || c.conname AS name
      FROM pg_constraint c
      JOIN pg_attribute f ON f.attrelid = c.conrelid AND f.attname = 'tenant_id'
      JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attname = 'tenant_id'
     WHERE c.contype = 'f'
       AND NOT EXISTS (SELECT FROM unnest(c.conkey, c.confkey) AS k (here, there)
                        WHERE k.here = f.attnum AND k.there = t.attnum)
"""
_POLICIES = r"""
    SELECT DISTINCT polname::text AS name, polcmd::text AS command, polpermissive AS permissive,
           pg_get_expr(polqual, polrelid) AS seen, pg_get_expr(polwithcheck, polrelid) AS written,
           (SELECT array_agg(rolname::text ORDER BY 1) FROM pg_roles
             WHERE oid = ANY(polroles) AND rolname LIKE 'bitvault\_%') AS roles
      FROM pg_policy
"""
_ONE = "(tenant_id = ( SELECT tenant() AS tenant))"
_SESSION = re.compile(
    r"\bset_config\W+(?:bitvault|role)\b|\bSECURITY\s+DEFINER\b|\bRESET\s+(?:ROLE|ALL|bitvault)\b"
    r"|\bSET\s+(?:(?:LOCAL|SESSION)\s+)?(?:ROLE\s+(?!=)|bitvault\.)",
    re.IGNORECASE,
)
ADD = Query(
    "add",
    "INSERT INTO outbox.tenant_seq (tenant_id, last, epoch) VALUES ($1, 1, $1)",
    ("tenant",),
)
ALL = Query("all", "SELECT tenant_id FROM outbox.tenant_seq ORDER BY tenant_id", ())
SLEEP = Query("sleep", "SELECT pg_sleep(20)", ())
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


@pytest.mark.requirement("X20")
async def test_every_table_has_its_wall(database: PostgresDatabase) -> None:
    """Each table has a tenant, and a forced policy for reading and for writing."""
    assert await _as_owner(database, _OPEN_TABLES) == []


@pytest.mark.requirement("X20")
async def test_the_policies_are_the_two_that_are_meant(database: PostgresDatabase) -> None:
    """One tenant's rows for reading and writing, and all tenants' for who can only read."""
    found = {row["name"]: row for row in await _as_owner(database, _POLICIES)}
    assert found.keys() == {"tenant", "across"}
    wall, across = found["tenant"], found["across"]
    said = [wall[name].replace("bitvault.tenant()", "tenant()") for name in ("seen", "written")]
    assert (wall["command"], said) == ("*", [_ONE, _ONE])
    assert wall["roles"] == ["bitvault_app"]
    assert (across["command"], across["written"]) == ("r", None)
    assert across["roles"] == ["bitvault_system"]


@pytest.mark.requirement("X22")
async def test_every_key_begins_with_the_tenant(database: PostgresDatabase) -> None:
    """So no key of one tenant is taken by another, and no refusal tells of it."""
    keys = {row["name"]: row["columns"] for row in await _as_owner(database, _KEYS)}
    across = {name: columns for name, columns in keys.items() if columns[0] != "tenant_id"}
    # Of a digest of a secret one asks whose it is; nobody can choose one to see if it is taken.
    digests = {name for name, columns in across.items() if _DIGEST.fullmatch(columns[0])}
    assert across.keys() - digests <= _ACROSS.keys()
    assert len(digests) > 1
    assert len(keys) > 20


@pytest.mark.requirement("X22")
async def test_no_foreign_key_leads_to_another_tenant(database: PostgresDatabase) -> None:
    """Each goes from a tenant to the same one, so a row cannot refer to somebody else's."""
    assert await _as_owner(database, _CROSSING) == []


@pytest.mark.requirement("X21")
def test_no_statement_of_a_room_says_whose_rows_it_sees() -> None:
    """Roles and the tenant are the pool's to set; a function could not get around them either."""
    rooms = Path(__file__).parents[2] / "bitvault"
    files = [one for one in rooms.rglob("*.sql") if "drivers" not in one.parts]
    assert len(files) > 20
    assert [one.name for one in files if _SESSION.search(one.read_text())] == []


@pytest.mark.requirement("X20")
async def test_the_roles_have_no_powers(database: PostgresDatabase) -> None:
    """The app's roles own nothing and bypass nothing; the one across tenants only reads."""
    assert await _as_owner(database, _POWERS) == []
    assert await _as_owner(database, _WRITABLE_ACROSS) == []


@pytest.mark.requirement("X20")
async def test_a_statement_without_a_condition_sees_one_tenant(settled: PostgresDatabase) -> None:
    """A query that forgets its tenant, in a transaction or reading, finds its own rows only."""
    assert await settled.transact(ONE, _seen) == [ONE]
    assert await settled.read(TWO, _seen) == [TWO]
    assert await settled.read(None, _seen) == [ONE, TWO]


@pytest.mark.requirement("X20")
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


@pytest.mark.requirement("X20")
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


@pytest.mark.requirement("X21")
async def test_who_comes_after_an_abandoned_transaction_sees_nothing_of_it(
    database_dsn: str,
) -> None:
    """Given up between two statements, or within one: the same session, and only its own rows."""
    async with opened(database_dsn, Limits(size=1)) as database:
        await _add(database, TWO, TWO)
        for query in (ALL, SLEEP):
            with trio.CancelScope() as scope:

                async def abandoned(tx: Transaction, query: Query = query) -> None:
                    await tx.execute(ADD, tenant=ONE)
                    scope.cancel()
                    await tx.fetch(query)

                await database.transact(ONE, abandoned)
            assert scope.cancelled_caught
            assert await database.read(TWO, _seen) == [TWO]
            assert await database.transact(TWO, _seen) == [TWO]
            assert await database.read(None, _seen) == [TWO]


@pytest.mark.requirement("X21")
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
