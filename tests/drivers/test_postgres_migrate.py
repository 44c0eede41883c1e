"""Migrations are applied once, in order, and a history that does not fit is refused."""

import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import trio

from bitvault.drivers import aio
from bitvault.drivers.postgres.migrate import MigrationError, load_migrations, migrate
from tests.support.postgres import PostgresServer

Room = Path


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Return the migrations folder of an importable package ``probe`` with one migration."""
    folder = tmp_path / "probe" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "probe" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    (folder / "0001_pre_notes.sql").write_text("CREATE SCHEMA probe; CREATE TABLE probe.a ();")
    yield folder
    sys.modules.pop("probe", None)


@pytest.fixture
async def connection(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """Return a connection to an empty database."""
    name = await trio.to_thread.run_sync(postgres_server.clone, "template0")
    async with aio.open_loop():
        connection = await aio.call(asyncpg.connect, postgres_server.dsn(name))
        yield connection
        await aio.finish(5, connection.close)
    await trio.to_thread.run_sync(postgres_server.drop, name)


async def test_each_migration_is_applied_once(room: Room, connection: asyncpg.Connection) -> None:
    """The second start finds nothing to do; a new file is applied alone."""
    assert await aio.call(migrate, connection, ["probe"]) == ["probe/0001_pre_notes.sql"]
    assert await aio.call(migrate, connection, ["probe"]) == []
    (room / "0002_post_more.sql").write_text("CREATE TABLE probe.b ();")
    assert await aio.call(migrate, connection, ["probe"]) == ["probe/0002_post_more.sql"]


async def test_an_edited_migration_is_refused(room: Room, connection: asyncpg.Connection) -> None:
    """The checksum gives it away, and nothing later is applied."""
    await aio.call(migrate, connection, ["probe"])
    (room / "0001_pre_notes.sql").write_text("CREATE SCHEMA probe;")
    (room / "0002_post_more.sql").write_text("CREATE TABLE probe.b ();")
    with pytest.raises(MigrationError, match="was edited"):
        await aio.call(migrate, connection, ["probe"])
    assert await aio.call(connection.fetchval, "SELECT to_regclass('probe.b')") is None


async def test_a_newer_database_is_refused(room: Room, connection: asyncpg.Connection) -> None:
    """An old program does not touch what a newer one has changed."""
    (room / "0002_post_more.sql").write_text("CREATE TABLE probe.b ();")
    await aio.call(migrate, connection, ["probe"])
    (room / "0002_post_more.sql").unlink()
    with pytest.raises(MigrationError, match="newer than the program"):
        await aio.call(migrate, connection, ["probe"])


async def test_a_missing_row_in_the_ledger_is_refused(
    room: Room, connection: asyncpg.Connection
) -> None:
    """A gap in what was applied is damage, not work to do."""
    (room / "0002_post_more.sql").write_text("CREATE TABLE probe.b ();")
    await aio.call(migrate, connection, ["probe"])
    await aio.call(connection.execute, "DELETE FROM bitvault.migration WHERE number = 1")
    with pytest.raises(MigrationError, match="gap"):
        await aio.call(migrate, connection, ["probe"])


async def test_a_failing_migration_leaves_nothing(
    room: Room, connection: asyncpg.Connection
) -> None:
    """Each file is one transaction, its ledger row included."""
    (room / "0001_pre_notes.sql").write_text("CREATE SCHEMA probe; SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await aio.call(migrate, connection, ["probe"])
    assert await aio.call(connection.fetchval, "SELECT to_regnamespace('probe')") is None


@pytest.mark.parametrize("name", ["0003_pre_gap.sql", "2_pre_short.sql", "0002_what.sql"])
def test_misnamed_files_are_refused(room: Room, name: str) -> None:
    """A file that would be overlooked or come in the wrong place is an error."""
    (room / name).touch()
    with pytest.raises(MigrationError, match=re.escape(name)):
        load_migrations("probe")


def test_a_room_without_migrations_has_none() -> None:
    """A package may have no tables."""
    assert load_migrations("bitvault.kernel") == []
