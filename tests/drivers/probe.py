"""Statements that the tests of sessions send, and what they find out with them."""

from typing import Any
from uuid import UUID

import asyncpg

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Row, Transaction

ECHO = Query("echo", "SELECT $1::text AS value", ("value",))
ARRAY = Query("array", "SELECT $1::int[] AS value", ("value",))
DIGEST = Query(
    "digest", "SELECT encode(sha256($1::bytea), 'hex') AS value, $1::bytea AS back", ("value",)
)
WIDE = Query("wide", "SELECT repeat(md5(n::text), 1000) AS x FROM generate_series(1, $1) n", ("n",))
SLEEP = Query("sleep", "SELECT pg_sleep($1)", ("seconds",))
PID = Query("pid", "SELECT pg_backend_pid() AS value", ())
WHO = Query("who", "SELECT current_user || ' ' || current_setting('bitvault.tenant') AS value", ())
NOTICED = Query("noticed", "SELECT probe.noticed($1) AS value", ("value",))
ADD = Query("add", "INSERT INTO probe.note (id) VALUES ($1)", ("id",))
NOTES = Query("notes", "SELECT *, current_user AS whose FROM probe.note", ())
ONE, OTHER = UUID(int=1), UUID(int=2)
MIB = 1024**2

MAKE = """
    CREATE SCHEMA probe; CREATE TABLE probe.note (id int PRIMARY KEY);
    GRANT ALL ON SCHEMA probe TO bitvault_app, bitvault_system;
    GRANT ALL ON probe.note TO bitvault_app, bitvault_system;
    CREATE FUNCTION probe.noticed(value text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        RAISE NOTICE 'about %', value; PERFORM set_config('application_name', value, true);
        RAISE WARNING 'and %', value; RETURN value;
    END $$;
"""


async def as_owner(dsn: str, sql: str, *arguments: object) -> list[Row]:
    """Do what the pool's roles may not."""
    owner = await aio.call(asyncpg.connect, dsn)
    rows = [dict(row) for row in await aio.call(owner.fetch, sql, *arguments)]
    await aio.call(owner.close)
    return rows


async def value_of(tx: Transaction, query: Query, **parameters: Any) -> Any:
    """Return what a statement answers."""
    row = await tx.fetchrow(query, **parameters)
    assert row is not None
    return row["value"]


async def echoed(database: PostgresDatabase, value: str, tenant: UUID | None = None) -> str:
    """Send a value there and back."""
    return str(await database.read(tenant, lambda tx: value_of(tx, ECHO, value=value)))
