"""The real PostgreSQL behind a simulated daemon.

Each statement runs to completion on a private asyncio loop inside the Trio task, so to Trio it
takes no time. A statement that would wait for another simulated session's lock hits a tiny
``lock_timeout`` behind a savepoint and is tried again at a later virtual time.
"""

import _asyncio
import asyncio  # noqa: TID251 - the private loop
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
import trio
from attrs import define, field

from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.kernel.ids import TenantId
from tests.simulation.world import World

T = TypeVar("T")

_LOCK_TRIES = 400


@contextmanager
def _plain_asyncio() -> Iterator[None]:
    """Undo, for a moment, what trio-asyncio makes of "which loop is running" inside Trio."""
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
    """Idle connections to the simulated world's database, on their private loop."""

    dsn: str
    prepare: Callable[[Any], Awaitable[None]]
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.SelectorEventLoop)
    idle: list[Any] = field(factory=list)

    def run(self, work: Awaitable[T]) -> T:
        """Run asyncio work to its end; Trio sees one uninterrupted step."""
        with _plain_asyncio():
            return self.loop.run_until_complete(work)  # type: ignore[arg-type]

    def warm(self, count: int) -> None:
        """Open connections before Trio runs; a run never opens one."""
        while len(self.idle) < count:
            self.idle.append(self.run(self.open()))

    def take(self) -> Any:
        """Take an idle connection."""
        return self.idle.pop()

    async def open(self) -> Any:
        """Open a connection on the private loop."""
        connection = await asyncpg.connect(self.dsn)
        await self.prepare(connection)
        await connection.execute("SET lock_timeout = '3ms'")
        return connection

    def give_back(self, connection: Any) -> None:
        """Take back a connection that is outside any transaction."""
        self.idle.append(connection)

    def close(self) -> None:
        """Close everything."""
        for connection in self.idle:
            self.run(connection.close())
        self.loop.close()


@define(eq=False)
class SimTransaction:
    """A transaction of one incarnation on the real database."""

    world: World
    incarnation: int
    sessions: Sessions
    connection: Any
    hooks: list[Callable[[], None]] = field(factory=list)
    open: bool = True

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        """Run a statement; wait in virtual time for locks of other simulated sessions."""
        arguments = query.arguments(parameters)
        for _ in range(_LOCK_TRIES):
            await self.world.pause(self.incarnation)
            try:
                return self.sessions.run(self._attempt(query.sql, arguments))
            except asyncpg.LockNotAvailableError:
                self.world.saw("waited for a lock")
        raise AssertionError(f"query {query.name} waited for ever: a deadlock in virtual time")

    async def _attempt(self, sql: str, arguments: list[Any]) -> list[Row]:
        await self.connection.execute("SAVEPOINT attempt")
        try:
            statement = await self.connection.prepare(sql)
            rows = await statement.fetch(*arguments)
        except asyncpg.PostgresError:
            await self.connection.execute("ROLLBACK TO SAVEPOINT attempt")
            raise
        await self.connection.execute("RELEASE SAVEPOINT attempt")
        self.status = statement.get_statusmsg()
        return list(rows)

    status: str = ""

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        """Run a statement and return its first row."""
        rows = await self.fetch(query, **parameters)
        return rows[0] if rows else None

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Run a statement and return how many rows it touched."""
        await self.fetch(query, **parameters)
        last = self.status.rsplit(" ", 1)[-1]
        return int(last) if last.isdecimal() else 0

    def after_commit(self, notify: Callable[[], None]) -> None:
        """Remember a wake-up; it dies with the incarnation."""
        self.hooks.append(notify)

    def end(self, verb: str) -> None:
        """COMMIT or ROLLBACK, once."""
        if self.open:
            self.open = False
            self.sessions.run(self.connection.execute(verb))
            self.sessions.give_back(self.connection)


@define(eq=False)
class SimDatabase:
    """The database port for one incarnation; its only durable effect is COMMIT."""

    world: World
    incarnation: int
    sessions: Sessions

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Run ``work`` in a transaction that a crash rolls back at once, as PostgreSQL would."""
        tx = SimTransaction(self.world, self.incarnation, self.sessions, self.sessions.take())
        self.sessions.run(tx.connection.execute("BEGIN"))

        def abandon() -> None:
            tx.end("ROLLBACK")

        self.world.on_crash.append(abandon)
        try:
            result = await work(tx)
            await self.world.effect(self.incarnation, "commit", lambda: _commit(tx))
        except BaseException:
            abandon()
            raise
        finally:
            if abandon in self.world.on_crash:
                self.world.on_crash.remove(abandon)
        for hook in tx.hooks:
            hook()
        return result

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` for reading; nothing durable happens."""
        tx = SimTransaction(self.world, self.incarnation, self.sessions, self.sessions.take())
        self.sessions.run(tx.connection.execute("BEGIN READ ONLY"))
        try:
            return await work(tx)
        finally:
            tx.end("ROLLBACK")


async def _commit(tx: SimTransaction) -> None:
    tx.end("COMMIT")
    await trio.lowlevel.checkpoint()
