"""A room's SQL is valid, and keeps to the room's own schema (DESIGN §3)."""

import re
from importlib.resources import files

import asyncpg
import pytest

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import load_queries
from tests.support.postgres import PACKAGES

SCHEMAS = tuple(package.rpartition(".")[2] for package in PACKAGES)
_FOREIGN_KEYS = """
    SELECT c.conname FROM pg_constraint c
    JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid
    WHERE c.contype = 'f' AND a.relnamespace <> b.relnamespace
"""
_TABLES = """
    SELECT schemaname || '.' || tablename AS name FROM pg_tables
    WHERE schemaname <> ALL(ARRAY['pg_catalog', 'information_schema', 'bitvault'])
"""


def sql_files() -> list[tuple[str, str]]:
    """Return (package, file) for every file of named queries."""
    found = []
    for package in PACKAGES:
        root = files(package)
        places = [root, *(item for item in root.iterdir() if item.is_dir())]
        for place in places:
            below = "" if place is root else f".{place.name}"
            found += [
                (package + below, item.name)
                for item in place.iterdir()
                if item.name.endswith(".sql") and place.name != "migrations"
            ]
    return sorted(found)


@pytest.mark.parametrize(("package", "name"), sql_files())
async def test_every_query_prepares(database: PostgresDatabase, package: str, name: str) -> None:
    """PostgreSQL accepts each statement against the migrated schema."""
    connection = await aio.call(asyncpg.connect, database.sessions.dsn)
    wrong = {}
    for query in load_queries(package, name).values():
        try:
            await aio.call(connection.prepare, query.sql)
        except asyncpg.PostgresError as error:
            wrong[query.name] = str(error)
    await aio.call(connection.close)
    assert wrong == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_names_only_its_own_schema(package: str) -> None:
    """No query and no migration of a room mentions another room's tables.

    The files room reads what was granted in the statement that finds the node, and the sharing
    room, in the transaction that writes, who may share it (ADR-0018).
    """
    own = package.rpartition(".")[2]
    read = {"files": {"sharing"}, "sharing": {"files"}}.get(own, set())
    others = "|".join(schema for schema in SCHEMAS if schema != own and schema not in read)
    names = rf"\b(?:FROM|JOIN|INTO|UPDATE|REFERENCES|TABLE|ON)\s+({others})\."
    foreign = re.compile(names, re.IGNORECASE)
    texts = {
        item.name: item.read_text()
        for folder in (files(package), files(package) / "migrations", files(package) / "store")
        if folder.is_dir()
        for item in folder.iterdir()
        if item.name.endswith(".sql")
    }
    assert [name for name, text in texts.items() if foreign.search(text)] == []


@pytest.mark.parametrize(
    ("room", "read"),
    [
        ("files", {"sharing.granted"}),
        ("sharing", {"files.node", "files.space", "files.member"}),
    ],
)
def test_what_a_room_reads_of_another_is_named(room: str, read: set[str]) -> None:
    """Of each other's tables these two rooms name a few, and only to read them."""
    (other,) = {"files", "sharing"} - {room}
    folder = files(f"bitvault.actors.{room}.store")
    texts = [item.read_text() for item in folder.iterdir() if item.name.endswith(".sql")]
    named = re.findall(rf"(\w+)\s+({other}\.\w+)", "\n".join(texts), re.IGNORECASE)
    assert set(named) == {("FROM", table) for table in read}


async def test_no_foreign_key_crosses_schemas(database: PostgresDatabase) -> None:
    """A room can be cut out with its schema; and every table lies in a room's schema."""
    connection = await aio.call(asyncpg.connect, database.sessions.dsn)
    crossing = await aio.call(connection.fetch, _FOREIGN_KEYS)
    tables = await aio.call(connection.fetch, _TABLES)
    await aio.call(connection.close)
    assert crossing == []
    assert [row["name"] for row in tables if row["name"].split(".")[0] not in SCHEMAS] == []
