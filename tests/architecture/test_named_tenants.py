"""Every statement names its tenant itself: the first wall stands without the second (ADR-0015).

PostgreSQL says so: a superuser, for whom no policy holds, asks it how it would run each statement,
and every table that it reads has to be read for one tenant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
import pytest

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, load_queries
from bitvault.kernel.ids import TenantId
from tests.architecture.test_rooms_sql import sql_files
from tests.architecture.test_walls import ALL, ONE

_CONDITIONS = ("Index Cond", "Recheck Cond", "Filter", "TID Cond")
_NAMED = re.compile(r"\(*(\S+)\.tenant_id = (\S+?)\)*")
_FOUND_BEFORE = re.compile(r"\(*\S+\.ctid = ANY \(\(InitPlan \d+\)\.col1\)\)*")
"""Rows whose places a part of the same statement looked up, which is held to the same."""
_TENANT_KEYS = """
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
     WHERE a.attname = 'tenant_id'
"""
_NAMES = ("tenant", "tenant_id")
_OF_ANY = {
    "WHERE tenant_id = $1 AND provider_id = $2": [],
    "WHERE provider_id = $2 AND $1::uuid IS NOT NULL": ["provider"],
    "WHERE tenant_id = $1 OR provider_id = $2": ["provider"],
    "WHERE tenant_id > $1 AND provider_id = $2": ["provider"],
    "JOIN sso.ticket t USING (tenant_id) WHERE p.tenant_id = $1 AND t.user_id = $2": [],
    "JOIN sso.ticket t USING (provider_id) WHERE p.tenant_id = $1 AND t.user_id = $2": ["ticket"],
}
"""How some providers are looked up, and the tables that are read across tenants then."""
_TAKEN = """
    INSERT INTO sso.provider AS p SELECT * FROM sso.provider
     WHERE tenant_id = $1 AND name = $2::uuid::text
    ON CONFLICT (provider_id) DO UPDATE SET name = 'taken'
"""

Plan = Mapping[str, Any]


def _parts(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _parts(part)


def _terms(part: Plan) -> Iterator[str]:
    """Yield what a row has to meet, all of it: what stands beside an OR is no term."""
    for condition in (part.get(name, "") for name in _CONDITIONS):
        depth, start = 0, 0
        for place, letter in enumerate(condition):
            depth += (letter == "(") - (letter == ")")
            if condition.startswith(" AND ", place) and depth == 1:
                yield condition[start:place].removeprefix("(")
                start = place + len(" AND ")
        yield condition[start:]


def of_any_tenant(plan: Plan, tenants: Sequence[str]) -> list[str]:
    """Return the tables that are not read for the tenant of these parameters alone."""
    parts = [part for part in _parts(plan) if "Relation Name" in part]
    scans = {part["Alias"]: part for part in parts if part["Node Type"] != "ModifyTable"}
    named, before = set(tenants), set[str]()
    while named != before:
        before = set(named)
        for alias, part in scans.items():
            equal = [found for term in _terms(part) if (found := _NAMED.fullmatch(term))]
            if any({found[2], found[2].removesuffix(".tenant_id")} & named for found in equal):
                named.add(alias)
    return sorted(
        part["Relation Name"]
        for alias, part in scans.items()
        if alias not in named and not any(map(_FOUND_BEFORE.fullmatch, _terms(part)))
    )


async def _plan(connection: asyncpg.Connection, query: Query) -> Plan:
    values = ", ".join("NULL" for _ in query.parameters)
    await aio.call(connection.execute, f"DEALLOCATE ALL; PREPARE it AS {query.sql}")
    explain = "EXPLAIN (VERBOSE, COSTS off, FORMAT JSON) EXECUTE it"
    told = await aio.call(connection.fetchval, f"{explain} ({values})" if values else explain)
    plan: Plan = msgspec.json.decode(told)[0]["Plan"]
    return plan


async def _unwalled(connection: asyncpg.Connection, query: Query) -> list[str]:
    plan = await _plan(connection, query)
    tenants = [f"${n}" for n, name in enumerate(query.parameters, 1) if name in _NAMES]
    keys = {row["relname"] for row in await aio.call(connection.fetch, _TENANT_KEYS)}
    taken = {
        index
        for part in _parts(plan)
        if part.get("Conflict Resolution") == "UPDATE"
        for index in part["Conflict Arbiter Indexes"]
    }
    return [*of_any_tenant(plan, tenants), *sorted(taken - keys)]


@pytest.fixture
async def connection(database: PostgresDatabase) -> Any:
    """Return a superuser's connection, on which plans are made for any values."""
    opened = await aio.call(asyncpg.connect, database.sessions.dsn, statement_cache_size=0)
    await aio.call(opened.execute, "SET plan_cache_mode = force_generic_plan")
    assert await aio.call(opened.fetchval, "SELECT current_setting('is_superuser')") == "on"
    yield opened
    await aio.call(opened.close)


@pytest.mark.requirement("X20")
async def test_every_statement_names_its_tenant(connection: asyncpg.Connection) -> None:
    """All but those that say that they look across tenants; and those do."""
    wrong = {}
    for package, name in sql_files():
        for query in load_queries(package, name).values():
            unwalled = await _unwalled(connection, query)
            if bool(unwalled) != query.is_across:
                wrong[f"{package}/{name} {query.name}"] = unwalled
    assert wrong == {}


@pytest.mark.requirement("X20")
async def test_a_forgotten_tenant_is_found(connection: asyncpg.Connection) -> None:
    """By id alone, beside an OR, in one table of a join, or in what an upsert meets."""

    async def unwalled(sql: str) -> list[str]:
        return await _unwalled(connection, Query("it", sql, ("tenant", "id")))

    found = {how: await unwalled(f"SELECT FROM sso.provider p {how}") for how in _OF_ANY}
    assert found == _OF_ANY
    assert await unwalled("DELETE FROM sso.provider WHERE $1 <> $2::uuid") == ["provider"]
    assert await unwalled(_TAKEN) == ["provider_id"]


@pytest.mark.requirement("X20")
async def test_what_looks_across_does_not_run_for_one_tenant(database: PostgresDatabase) -> None:
    """A statement that names no tenant, used in the name of one, is refused and not run."""
    across = Query(ALL.name, ALL.sql, ALL.parameters, is_across=True)
    assert await database.read(None, lambda tx: tx.fetch(across)) == []
    for run in (database.read, database.transact):
        with pytest.raises(TypeError, match="across tenants"):
            await run(TenantId(ONE), lambda tx: tx.fetch(across))
