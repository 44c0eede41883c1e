"""Migrations: numbered SQL files beside the room they belong to, applied once, in order.

``bitvault/actors/<room>/migrations/NNNN_pre|post_what.sql``. ``pre`` runs before new code serves,
``post`` may run after the old code is gone; both are applied here, in the order of their numbers.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

import asyncpg
from attrs import frozen

from bitvault.drivers import aio
from bitvault.drivers.postgres.faults import CANNOT_CONNECT, SYSTEM, is_down, reason
from bitvault.kernel.refusal import DependencyDown

_FILE = re.compile(r"^(\d{4})_(pre|post)_([a-z0-9_]+)\.sql$")
_LOCK = 0x62_76_6D_69_67  # "bvmig", one key for every process that migrates this database
_LEDGER = "migrations.sql"
_WALLS = "walls.sql"
_CONNECT_SECONDS = 10.0
_OLDEST = 14


class MigrationError(Exception):
    """The database and the code do not belong together; the message says what to do."""


@frozen(order=True)
class Migration:
    """One file. ``room`` is the last part of its package's name, and its schema's name."""

    room: str
    number: int
    name: str
    sql: str
    checksum: str


def load_migrations(package: str) -> list[Migration]:
    """Read a package's migrations in order; none when it has no such folder yet.

    Raises:
        MigrationError: a file is misnamed, or the numbers do not run 1, 2, 3…
    """
    room = package.rpartition(".")[2]
    folder = files(package) / "migrations"
    if not folder.is_dir():
        return []
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    found = []
    for expected, name in enumerate(names, start=1):
        match = _FILE.match(name)
        if match is None or int(match[1]) != expected:
            raise MigrationError(f"{room}: {name} should be {expected:04d}_pre|post_<what>.sql")
        sql = (folder / name).read_text(encoding="utf-8")
        digest = sha256(sql.encode()).hexdigest()
        found.append(Migration(room, expected, name, sql, digest))
    return found


async def migrate(connection: asyncpg.Connection, packages: Sequence[str]) -> list[str]:
    """Apply what is missing and return the names applied. asyncio-flavoured: see ``aio.call``.

    Afterwards every table with a ``tenant_id`` has its policies (``walls.sql``).

    Raises:
        MigrationError: an applied file was edited or is gone, or the database is newer than the
            code. Nothing has been applied then.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_own(_LEDGER))
        waiting = [load_migrations(package) for package in packages]
        plan = [await _missing(connection, package) for package in waiting]
        applied = [await _apply(connection, step) for steps in plan for step in steps]
        async with connection.transaction():
            await connection.execute(_own(_WALLS))
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)  # noqa: ASYNC102 - asyncio


def _own(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


async def _missing(
    connection: asyncpg.Connection, migrations: Sequence[Migration]
) -> Sequence[Migration]:
    if not migrations:
        return []
    room = migrations[0].room
    rows = await connection.fetch(
        "SELECT number, name, checksum FROM bitvault.migration WHERE room = $1 ORDER BY number",
        room,
    )
    applied = {row["number"]: (row["name"], row["checksum"]) for row in rows}
    _compare(room, {step.number: step for step in migrations}, applied)
    return [step for step in migrations if step.number not in applied]


def _compare(
    room: str, known: Mapping[int, Migration], applied: Mapping[int, tuple[str, str]]
) -> None:
    for number, (name, checksum) in applied.items():
        if number > max(known):
            raise MigrationError(
                f"{room}: the database has {name}, which this program does not know: "
                "it is newer than the program. Run the newer program."
            )
        step = known[number]
        if step.checksum != checksum:
            raise MigrationError(
                f"{room}: {step.name} was edited after it had been applied as {name}. "
                "Restore the file, and write a new migration instead."
            )
    if applied and sorted(applied) != list(range(1, len(applied) + 1)):
        raise MigrationError(f"{room}: the ledger has a gap before {max(applied):04d}; restore it")


async def _apply(connection: asyncpg.Connection, step: Migration) -> str:
    async with connection.transaction():
        await connection.execute(step.sql)
        await connection.execute(
            "INSERT INTO bitvault.migration (room, number, name, checksum) VALUES ($1, $2, $3, $4)",
            step.room,
            step.number,
            step.name,
            step.checksum,
        )
    return f"{step.room}/{step.name}"


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except CANNOT_CONNECT as error:
        raise DependencyDown(SYSTEM, reason(error)) from error
    except ValueError as error:  # not said in its words, which may have the password in them
        raise DependencyDown(
            SYSTEM, f"the address cannot be read ({type(error).__name__})"
        ) from error
    version = connection.get_server_version()
    if version.major < _OLDEST:
        connection.terminate()
        found = f"{version.major}.{version.minor}"
        raise MigrationError(f"PostgreSQL {found} is too old: {_OLDEST} or later is needed")
    return connection


async def migrate_database(
    dsn: str, packages: Sequence[str], setting: str = "database.url"
) -> list[str]:
    """Connect, migrate, disconnect; Trio-flavoured.

    Raises:
        MigrationError: as ``migrate`` says, or the server is too old, or the account may too
            little; ``setting``, which leads to the database, is named.
        DependencyDown: the database does not answer.
    """

    async def work() -> list[str]:
        connection = await _connect(dsn)
        try:
            return await migrate(connection, packages)
        finally:
            await connection.close(timeout=_CONNECT_SECONDS)  # noqa: ASYNC102 - asyncio

    try:
        return await aio.call(work)
    except MigrationError as error:
        raise MigrationError(f"{setting}: {error}") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"the account of {setting} may not set up the database ({error}); it needs to own "
            "the database and to have CREATEROLE, or the roles bitvault_app and bitvault_system "
            "must be there and granted to it"
        ) from error
    except Exception as error:
        if is_down(error):
            raise DependencyDown(SYSTEM, reason(error)) from error
        raise
