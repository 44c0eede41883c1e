"""``PostgresDatabase``: transactions over pooled sessions.

BEGIN travels in the packet of the first statement, so work that runs none costs nothing. No
cancellation reaches COMMIT or ROLLBACK; both have a deadline instead.

Whose rows a statement sees is said before it, every time: by the transaction's own BEGIN, or, for
reading, by the session, which is told again whenever its next work is somebody else's (ADR-0015).
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from time import perf_counter
from typing import Any, TypeVar, cast
from uuid import UUID

import asyncpg
import trio
from attrs import define, field, frozen

from bitvault.drivers.postgres.deadlines import Deadlines
from bitvault.drivers.postgres.faults import (
    RETRIED,
    SYSTEM,
    is_down,
    lost_session,
    reason,
    what_is_missing,
)
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.drivers.postgres.sessions import Limits, Session, Sessions
from bitvault.drivers.postgres.wire import Ahead, ahead_in_one, ahead_of_its_own
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown, StatementFailed
from bitvault.kernel.timing import spent

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]

APP_ROLE = "bitvault_app"
_SYSTEM_ROLE = "bitvault_system"
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_REMEMBERED_TENANTS = 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.25
_CLOSE_SECONDS = 10.0


@frozen
class Statistics:
    """A moment of the pool, for ``/metrics`` and the status page."""

    size: int
    idle: int
    in_use: int
    waiting: int
    transactions: int
    retries: int


class _LostBeforeCommit(Exception):  # noqa: N818 - never leaves this file
    """The session went away and the transaction with it: PostgreSQL has rolled it back."""


@define(eq=False)
class _Open:
    """What a service's work gets; ``ahead`` goes before its statements until it is in force."""

    session: Session
    tenant: TenantId | None
    ahead: Ahead | None
    deadlines: Deadlines
    begun: bool = False
    notices: list[Callable[[], None]] = field(factory=list)

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        """Run ``query`` and return every row."""
        rows = await self._run(self.session.connection.fetch, query, parameters)
        return cast("list[Row]", rows)

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        """Run ``query`` and return its first row, or None."""
        row = await self._run(self.session.connection.fetchrow, query, parameters)
        return cast("Row | None", row)

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Run ``query`` and return the number of rows it touched."""
        status = await self._run(self.session.connection.execute, query, parameters)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    def after_commit(self, notify: Callable[[], None]) -> None:
        """Call ``notify`` once the commit is durable."""
        self.notices.append(notify)

    async def _run(
        self, method: Callable[..., Awaitable[Any]], query: Query, parameters: dict[str, Any]
    ) -> Any:
        if query.is_across and self.tenant is not None:
            raise TypeError(f"query {query.name} looks across tenants, in the name of one")
        arguments = query.arguments(parameters)
        wire = self.session.wire
        self.begun = True
        started = perf_counter()
        self.deadlines.start(wire)
        try:
            return await wire.run(self.ahead, method, query.sql, *arguments)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            # Without what PostgreSQL says beside: it quotes values, and logs are no place for them.
            rule = getattr(error, "constraint_name", None) or ""
            told = f"{query.name}: {type(error).__name__} {rule}".rstrip()
            raise StatementFailed(told) from None
        except Exception as error:
            if (judged := self._judged(error)) is error:
                raise
            raise judged from error
        finally:
            self.deadlines.stop(wire)
            if wire.in_force:
                self.ahead = None
            elif wire.refused:
                self.session.connection.terminate()
            _account(perf_counter() - started)

    def _judged(self, error: Exception) -> Exception:
        if self.deadlines.is_over(self.session.wire):
            return DependencyDown(SYSTEM, f"no answer within {self.deadlines.seconds:g} s")
        if isinstance(error, RETRIED) or not is_down(error, self.session.connection):
            return error
        if lost_session(error):
            self.session.connection.terminate()
            if self.session.reused:
                return _LostBeforeCommit(reason(error))
        return DependencyDown(what_is_missing(error), reason(error))


@define(eq=False)
class PostgresDatabase:
    """Implements ``Database``.

    Attributes:
        sessions: Where connections come from.
        limits: Deadlines and attempts.
        draw: Jitter between attempts, uniform in [0, 1).
    """

    sessions: Sessions
    limits: Limits
    draw: Callable[[], float] = random.random
    transactions: int = 0
    retries: int = 0

    async def transact(self, tenant: TenantId | None, work: Work[T]) -> T:
        """Run ``work`` in one READ COMMITTED transaction and commit it.

        Raises:
            DependencyDown: PostgreSQL cannot answer; ``unknown`` when COMMIT had no answer.
        """
        return await self._tried(lambda session: self._once(session, tenant, work))

    async def read(self, tenant: TenantId | None, work: Work[T]) -> T:
        """Run ``work`` for reading only, each statement on its own snapshot.

        Raises:
            DependencyDown: PostgreSQL cannot answer.
        """
        return await self._tried(lambda session: self._look(session, tenant, work))

    async def _look(self, session: Session, tenant: TenantId | None, work: Work[T]) -> T:
        scope = _reading(tenant)
        ahead, session.scope = None if session.scope is scope else scope, None
        reading = self._transaction(session, tenant, ahead)
        result = await work(reading)
        # Remembered only when all went well: in doubt the session is told again.
        session.scope = scope if reading.ahead is None else None
        return result

    def statistics(self) -> Statistics:
        """Say how busy the pool is."""
        return Statistics(
            size=self.limits.size,
            idle=len(self.sessions.idle),
            in_use=self.sessions.in_use,
            waiting=self.sessions.waiting,
            transactions=self.transactions,
            retries=self.retries,
        )

    async def _tried(self, once: Callable[[Session], Awaitable[T]]) -> T:
        """Run it again when PostgreSQL asks for that, or a pooled session turns out to be dead."""
        attempt = 0
        while True:
            attempt += 1
            session = await self.sessions.take()
            try:
                return await once(session)
            except _LostBeforeCommit as error:
                if attempt > self.limits.size:
                    raise DependencyDown(SYSTEM, str(error)) from error
            except RETRIED as error:
                if attempt >= self.limits.attempts:
                    raise DependencyDown(SYSTEM, reason(error)) from error
            finally:
                self.sessions.give_back(session)
            self.retries += 1
            await trio.sleep(self._pause(attempt))

    def _pause(self, attempt: int) -> float:
        return self.draw() * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**attempt)

    def _transaction(self, session: Session, tenant: TenantId | None, ahead: Ahead | None) -> _Open:
        return _Open(session, tenant, ahead, self.sessions.deadlines)

    async def _once(self, session: Session, tenant: TenantId | None, work: Work[T]) -> T:
        transaction = self._transaction(session, tenant, _writing(tenant))
        try:
            result = await work(transaction)
        except BaseException:
            if transaction.begun:
                with trio.move_on_after(self.limits.finish + self.limits.network, shield=True):
                    await self._roll_back(session)
            raise
        if transaction.begun:
            await self._commit(session)
        self.transactions += 1
        for notify in transaction.notices:
            notify()
        return result

    async def _commit(self, session: Session) -> None:
        connection = session.connection
        started = perf_counter()
        try:
            status = await session.finish(self.limits.finish, "COMMIT")
        except RETRIED:
            raise  # PostgreSQL says itself that nothing was written
        except Exception as error:
            if is_down(error, connection):
                connection.terminate()
                missing = what_is_missing(error)
                raise DependencyDown(missing, reason(error), unknown=True) from error
            raise
        finally:
            _account(perf_counter() - started)
        if status != "COMMIT":
            raise RuntimeError("the work went on after a statement had failed; nothing was written")

    async def _roll_back(self, session: Session) -> None:
        if session.connection.is_closed():
            return
        try:
            await session.finish(self.limits.finish, "ROLLBACK")
        except Exception:  # noqa: BLE001 - what the work raised is the error, whatever comes on top
            session.connection.terminate()  # the server rolls back what a lost session left open


@lru_cache(_REMEMBERED_TENANTS)
def _writing(tenant: TenantId | None) -> Ahead:
    """Begin a transaction; if that fails, the statement behind it is not run."""
    return ahead_in_one((_BEGIN, *_scope(tenant, "SET LOCAL")))


@lru_cache(_REMEMBERED_TENANTS)
def _reading(tenant: TenantId | None) -> Ahead:
    """Tell the session, for all that it reads from now on."""
    return ahead_of_its_own(_scope(tenant, "SET"))


def _scope(tenant: TenantId | None, verb: str) -> tuple[str, str]:
    """Say whose rows may be seen; without a tenant all of them, but nothing can be written."""
    role = _SYSTEM_ROLE if tenant is None else APP_ROLE
    name = "" if tenant is None else UUID(str(tenant))
    return f"{verb} ROLE {role}", f"{verb} bitvault.tenant = '{name}'"


def _account(seconds: float) -> None:
    if (request := spent.get()) is not None:
        request.database_seconds += seconds
        request.database_statements += 1


_ALIVE = Query("alive", "SELECT 1", ())
_LOOKING = Limits(size=1, connect=2.0, acquire=2.0, statement=1.5, network=0.5)


@asynccontextmanager
async def open_look(dsn: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Yield what asks the server whether it answers, on a session beside those of the pool.

    A session on which it did not is not used again: the next look opens another.
    """
    async with open_database(dsn, _LOOKING, application="bitvaultd watch") as database:

        async def look() -> None:
            try:
                await database.read(None, lambda tx: tx.execute(_ALIVE))
            except BaseException:
                database.sessions.drop()
                raise

        yield look


@asynccontextmanager
async def open_database(
    dsn: str,
    limits: Limits | None = None,
    *,
    application: str = "bitvaultd",
    draw: Callable[[], float] = random.random,
) -> AsyncIterator[PostgresDatabase]:
    """Open the pool; connections are made on demand. The asyncio loop must be open around it.

    Args:
        dsn: ``postgresql://…``, as libpq reads it.
        limits: Pool size and deadlines; the defaults when left out.
        application: ``application_name``, seen in ``pg_stat_activity``.
        draw: Jitter, uniform in [0, 1).
    """
    limits = limits or Limits()
    sessions = Sessions(dsn, limits, application)
    try:
        yield PostgresDatabase(sessions, limits, draw)
    finally:
        with trio.move_on_after(_CLOSE_SECONDS, shield=True):
            await sessions.close()
