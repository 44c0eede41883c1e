"""PostgreSQL sessions: opened on demand up to a bound, kept for reuse, dropped when in doubt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import trio
from attrs import define, field, frozen

from bitvault.drivers import aio
from bitvault.drivers.postgres.deadlines import Deadlines
from bitvault.drivers.postgres.faults import CANNOT_CONNECT, SYSTEM, reason
from bitvault.drivers.postgres.wire import Ahead, Wire
from bitvault.kernel import moments
from bitvault.kernel.refusal import DependencyDown

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_FIRST, _LAST = ((end - _EPOCH) // _TICK for end in (moments.FIRST, moments.LAST))
_CACHED_STATEMENTS = 500
_CLOSE_SECONDS = 2.0


@frozen
class Limits:
    """Every wait has an end; seconds, except ``size``."""

    size: int = 8
    connect: float = 5.0
    acquire: float = 5.0
    statement: float = 30.0
    network: float = 2.0
    """What an answer may take longer than the server may work on it."""
    lock: float = 10.0
    idle_in_transaction: float = 60.0
    finish: float = 10.0
    """For COMMIT and ROLLBACK, which no cancellation reaches."""
    attempts: int = 6
    """How often a transaction is run when PostgreSQL asks for it again (40001, 40P01)."""


@define(eq=False)
class Session:
    """One connection, and what the pool remembers of it.

    Attributes:
        reused: It waited in the pool, where a server may lose it.
        scope: The statement that last said whose rows it sees outside transactions.
    """

    wire: Wire
    reused: bool = False
    scope: Ahead | None = None

    @property
    def connection(self) -> asyncpg.Connection:
        """What statements are run on, by way of the wire."""
        return self.wire.connection

    async def finish(self, within: float, statement: str) -> str:
        """Run COMMIT or ROLLBACK beyond the reach of cancellation; return what it came to.

        Raises:
            TimeoutError: no answer ``within`` seconds.
        """
        with trio.move_on_after(within, shield=True):
            return await self.wire.run(None, self.connection.execute, statement)
        raise TimeoutError(f"no answer to {statement} within {within:g} s")


@define(eq=False)
class Sessions:
    """A bounded pool. Taking an idle session costs no step of the asyncio loop."""

    dsn: str
    limits: Limits
    application: str = "bitvaultd"
    idle: list[Session] = field(factory=list)
    in_use: int = 0
    deadlines: Deadlines = field(init=False)
    _slots: trio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make as many slots as there may be sessions."""
        self.deadlines = Deadlines(self.limits.statement + self.limits.network)
        self._slots = trio.Semaphore(self.limits.size, max_value=self.limits.size)

    @property
    def waiting(self) -> int:
        """Tasks that wait for a session."""
        return self._slots.statistics().tasks_waiting

    async def take(self) -> Session:
        """Take an idle session, or open one.

        Raises:
            DependencyDown: none came free in time, or PostgreSQL cannot be reached.
        """
        await self._slot()
        try:
            while self.idle:
                session = self.idle.pop()
                session.wire.catch_up()
                if not session.connection.is_closed():
                    self.in_use += 1
                    return session
            session = await self._connect()
        except BaseException:
            self._slots.release()
            raise
        self.in_use += 1
        return session

    def give_back(self, session: Session) -> None:
        """Keep a clean session for the next taker; drop one with anything left open."""
        connection = session.connection
        if connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
        else:
            session.reused = True
            self.idle.append(session)
        self.in_use -= 1
        self._slots.release()

    def drop(self) -> None:
        """End the idle sessions at once, for a server that may never answer on them."""
        while self.idle:
            self.idle.pop().connection.terminate()

    async def close(self) -> None:
        """Close the idle sessions politely, for a bounded time, and then at once."""
        self.deadlines.close()
        while self.idle:
            session = self.idle.pop()
            connection = session.connection
            session.wire.leave_to_loop()
            try:
                await aio.finish(_CLOSE_SECONDS, connection.close)
            except Exception:  # noqa: BLE001 - a session that cannot be closed politely is dropped
                connection.terminate()

    async def _slot(self) -> None:
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            with trio.move_on_after(self.limits.acquire):
                await self._slots.acquire()
                return
            raise DependencyDown(
                SYSTEM, f"no connection free within {self.limits.acquire:g} s"
            ) from None

    async def _connect(self) -> Session:
        try:
            with trio.fail_after(self.limits.connect):
                return await aio.call(self._open)
        except trio.TooSlowError:
            late = f"no session within {self.limits.connect:g} s"
            raise DependencyDown(SYSTEM, late) from None
        except CANNOT_CONNECT as error:
            raise DependencyDown(SYSTEM, reason(error)) from error

    async def _open(self) -> Session:
        connection = await asyncpg.connect(
            self.dsn,
            timeout=self.limits.connect,
            statement_cache_size=_CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            server_settings=self._server_settings(),
        )
        try:
            await prepare_session(connection)
            return Session(Wire(connection))
        except BaseException:
            connection.terminate()
            raise

    def _server_settings(self) -> dict[str, str]:
        return {
            "application_name": self.application,
            "timezone": "UTC",
            "statement_timeout": _milliseconds(self.limits.statement),
            "lock_timeout": _milliseconds(self.limits.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.limits.idle_in_transaction),
            "jit": "off",  # every statement is short: compiling one costs more than it saves
        }


async def prepare_session(connection: asyncpg.Connection) -> None:
    """Teach a connection our types: json and jsonb travel as plain Python values.

    A time is always one with a zone: as it comes, ±infinity is read as one without, and a year
    after 9999 fails the statement, so one such row would fail every list that it is in.
    """
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_to_json, decoder=msgspec.json.decode
        )
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=_to_ticks, decoder=_to_moment, format="tuple"
    )


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _to_ticks(moment: datetime) -> tuple[int]:
    """Return microseconds since PostgreSQL's epoch."""
    return ((moment - _EPOCH) // _TICK,)


def _to_moment(ticks: tuple[int]) -> datetime:
    """Return the moment, or the nearest one that every part can hold."""
    at = ticks[0]
    if not _FIRST <= at <= _LAST:
        at = _FIRST if at < _FIRST else _LAST
    return _EPOCH + timedelta(0, 0, at)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
