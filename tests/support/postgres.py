"""A real PostgreSQL for the tests: one server per worker, one cloned database per test."""

import asyncio  # noqa: TID251 - databases are cloned outside the test's Trio run
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from pathlib import Path

import asyncpg
from attrs import define, field

from bitvault.drivers import aio
from bitvault.drivers.postgres.embedded import Embedded, prepare
from bitvault.drivers.postgres.migrate import migrate
from bitvault.drivers.postgres.pool import PostgresDatabase, open_database
from bitvault.drivers.postgres.port import Query
from bitvault.drivers.postgres.sessions import Limits, prepare_session
from bitvault.services import SERVICES, migrations_of

PACKAGES = migrations_of(SERVICES)

_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_START_SECONDS = 30
_TEMPLATE = "template_bitvault"
_MEMORY_BYTES = 2 * 1024**3


@define(eq=False)
class PostgresServer:
    """A running server, and the databases cloned on it."""

    embedded: Embedded
    process: "subprocess.Popen[bytes]"
    cloned: int = 0
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.SelectorEventLoop, init=False)
    """Kept: trio-asyncio would run a Trio of its own for every ``asyncio.run``."""
    _connection: asyncpg.Connection | None = field(default=None, init=False)

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return self.embedded.dsn(database)

    def clone(self, template: str = _TEMPLATE) -> str:
        """Create a database like the migrated template; return its name."""
        self.cloned += 1
        name = f"test_{self.cloned}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, with whoever is still connected."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def run(self, sql: str) -> None:
        """Run one statement outside the test's Trio run."""
        run = self._loop.run_until_complete
        if self._connection is None:
            self._connection = run(asyncpg.connect(self.dsn(), loop=self._loop))
        run(self._connection.execute(sql))

    def close(self) -> None:
        """Close what statements were run on."""
        if self._connection is not None:
            self._loop.run_until_complete(self._connection.close())
        self._loop.close()


async def _migrate(dsn: str, packages: Sequence[str]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await prepare_session(connection)
        await migrate(connection, packages)
    finally:
        await connection.close()


def data_root() -> str:
    """Return where servers keep their data: in memory if there is room, where writing is cheap.

    The path is short, since a socket's must be, and programs can be run from copies there.
    """
    memory = Path("/dev/shm")  # noqa: S108 - under it a folder with an unguessable name is made
    if not os.access(memory, os.W_OK) or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return "/tmp"  # noqa: S108 - the same
    return str(memory) if shutil.disk_usage(memory).free >= _MEMORY_BYTES else "/tmp"  # noqa: S108 - the same


@contextmanager
def running_server(programs: Path | None = None) -> Iterator[PostgresServer]:
    """Run a server in a folder that an unprivileged account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="bv-pg-", dir=data_root()))
    folder.chmod(0o755)
    embedded = prepare(folder / "pg", programs=programs, overrides=_FAST, sync=False)
    server = PostgresServer(embedded, start(embedded, folder / "log"))
    try:
        yield server
        server.close()
    finally:
        server.process.send_signal(signal.SIGINT)  # fast: sessions that are left are ended
        server.process.wait(_START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def start(embedded: Embedded, output: Path) -> "subprocess.Popen[bytes]":
    """Start a server and return when it answers."""
    command = embedded.command()
    with output.open("wb") as log:
        process = subprocess.Popen(
            command.arguments, env=command.env, cwd=command.cwd, stdout=log, stderr=log,
            start_new_session=True, **embedded.account.options(),
        )  # fmt: skip
    _wait_until_ready(embedded, process, output)
    return process


def _wait_until_ready(embedded: Embedded, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not embedded.serves(process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
        time.sleep(0.01)


def make_template(server: PostgresServer) -> None:
    """Create the template with every package's migrations applied, if it is not there yet."""
    present = [name for name in PACKAGES if _exists(name)]
    server.run(f"CREATE DATABASE {_TEMPLATE}")
    asyncio.run(_migrate(server.dsn(_TEMPLATE), present))


def _exists(package: str) -> bool:
    try:
        return files(package).is_dir()
    except (ModuleNotFoundError, TypeError):
        return False


@asynccontextmanager
async def opened(dsn: str, limits: Limits | None = None) -> AsyncIterator[PostgresDatabase]:
    """Open a database in this Trio run, with an asyncio loop of its own."""
    limits = limits or Limits(size=4)
    async with aio.open_loop(), open_database(dsn, limits, draw=lambda: 0.5) as database:
        yield database


@asynccontextmanager
async def unchanged(database: PostgresDatabase, *schemas: str) -> AsyncIterator[None]:
    """Prove that what happens inside changes no row of any table in the given schemas."""
    before = await snapshot(database, schemas)
    yield
    after = await snapshot(database, schemas)
    changed = [table for table, rows in after.items() if before[table] != rows]
    assert not changed, f"rows changed in {changed}"


async def snapshot(database: PostgresDatabase, schemas: Sequence[str]) -> dict[str, list[str]]:
    """Return every row of every table in the schemas as text, sorted."""
    tables = Query(
        "tables",
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname = ANY($1) ORDER BY 1",
        ("schemas",),
    )
    async with _reader(database) as connection:
        names = await aio.call(connection.fetch, tables.sql, list(schemas))
        found = {}
        for row in names:
            sql = f"SELECT t::text AS line FROM {row['name']} t ORDER BY 1"  # noqa: S608 - quoted by format %I
            lines = await aio.call(connection.fetch, sql)
            found[row["name"]] = [line["line"] for line in lines]
        return found


@asynccontextmanager
async def _reader(database: PostgresDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await aio.call(asyncpg.connect, database.sessions.dsn)
    try:
        yield connection
    finally:
        await aio.finish(5, connection.close)
