"""Connections to the real PostgreSQL, used from a private asyncio loop.

Each statement runs to completion inside the Trio task, so to Trio it takes no time. Everything a
run's order could depend on starts the same: tables empty and vacuumed, no plan kept, no autovacuum.
"""

import _asyncio
import asyncio  # noqa: TID251 - the private loop
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
import trio
from attrs import define, field

T = TypeVar("T")

_LOCK_TIMEOUT = 10.0
_SETTINGS = {
    "lock_timeout": "1ms",  # whatever waits, waits for another simulated session, and in vain
    "plan_cache_mode": "force_generic_plan",  # else the sixth execution may take another plan
    "jit": "off",
}
_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname IN ('audit', 'files', 'identity', 'outbox', 'sharing', 'storage') ORDER BY 1
"""


@contextmanager
def plain_asyncio() -> Iterator[None]:
    """Undo, for a while, what trio-asyncio makes of "which loop is running" inside Trio."""
    places = (asyncio, asyncio.events)
    kept = [(place, place._get_running_loop, place.get_running_loop) for place in places]
    for place in places:
        place._get_running_loop = _asyncio._get_running_loop  # type: ignore[attr-defined]
        place.get_running_loop = _asyncio.get_running_loop  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for place, quiet, loud in kept:
            place._get_running_loop, place.get_running_loop = quiet, loud


@define(eq=False)
class Sessions:
    """Connections to the simulated world's database, and who of it waits for whom."""

    dsn: str
    prepare: Callable[[Any], Awaitable[None]]
    open: list[Any] = field(factory=list)
    """Transactions that have begun."""
    waiting: list[Any] = field(factory=list)
    """Those that met a lock of another."""
    runs: int = 0
    """How many began with an empty database here."""
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.SelectorEventLoop)
    _idle: list[Any] = field(factory=list)
    _observer: Any = None
    """Sees every tenant's rows; the daemon's own sessions see those they are told to."""
    _reader: Any = None
    _scope: str = ""
    """Whose rows the reader sees."""
    _ended: trio.Event = field(factory=trio.Event)
    _tables: list[str] = field(factory=list)

    def run(self, work: Awaitable[T]) -> T:
        """Run asyncio work to its end; Trio sees one uninterrupted step."""
        return self._loop.run_until_complete(work)  # type: ignore[arg-type]

    def reset(self) -> None:
        """Make the database and every connection what they are before the first run."""
        self.runs += 1
        self.open.clear()
        self.waiting.clear()
        if self._observer is None:
            self._observer, self._reader = self.run(self._connect()), self.run(self._connect())
            self._tables = [row["name"] for row in self.fetch(_TABLES)]
            still = [f"ALTER TABLE {name} SET (autovacuum_enabled = off)" for name in self._tables]
            self.run(self._observer.execute("; ".join(still)))
        self.run(self._empty(self._observer))
        for each in (self._observer, self._reader, *self._idle):
            self.run(each.execute("DISCARD PLANS"))

    async def _empty(self, connection: Any) -> None:
        """Begin new files: an index keeps its size when rows are deleted, and plans follow it."""
        names = ", ".join(self._tables)
        await connection.execute(f"TRUNCATE {names}")
        await connection.execute(
            f"VACUUM (INDEX_CLEANUP ON, PARALLEL 0, SKIP_DATABASE_STATS) {names}"
        )

    def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Read what is committed, past the daemon."""
        return self.run(self._observer.fetch(sql, *arguments))

    def read(self, scope: str, sql: str, arguments: list[Any]) -> list[Any]:
        """Read for the daemon, outside any transaction; ``scope`` says whose rows it sees."""
        if scope != self._scope:
            self.run(self._reader.execute(scope))
            self._scope = scope
        return self.run(self._reader.fetch(sql, *arguments))

    def take(self) -> Any:
        """Take an idle connection; one more is opened when all are in use."""
        return self._idle.pop() if self._idle else self.run(self._connect())

    async def _connect(self) -> Any:
        connection = await asyncpg.connect(
            self.dsn,
            loop=self._loop,
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
            server_settings=_SETTINGS,
        )
        await self.prepare(connection)
        return connection

    def give_back(self, connection: Any) -> None:
        """Take back a connection that is outside any transaction."""
        self._idle.append(connection)

    def begun(self, transaction: object) -> None:
        """Note that a transaction may hold locks from now on."""
        self.open.append(transaction)

    def ended(self, transaction: object) -> None:
        """Note that its locks are gone; whoever waits may try again."""
        self.open.remove(transaction)
        self._ended.set()
        self._ended = trio.Event()

    async def wait_turn(self, transaction: object) -> bool:
        """Wait until some other transaction has ended.

        Returns:
            False when every open transaction waits: a deadlock, which this one has to end.

        Raises:
            TimeoutError: none ended within the real ``lock_timeout``.
        """
        self.waiting.append(transaction)
        try:
            if len(self.waiting) == len(self.open):
                return False
            with trio.move_on_after(_LOCK_TIMEOUT) as patience:
                await self._ended.wait()
        finally:
            self.waiting.remove(transaction)
        if patience.cancelled_caught:
            raise TimeoutError
        return True

    def close(self) -> None:
        """Close everything."""
        for connection in (self._observer, self._reader, *self._idle):
            if connection is not None:
                self.run(connection.close())
        self._loop.close()
