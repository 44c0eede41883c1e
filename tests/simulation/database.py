"""The database port of one life of the daemon, over the real PostgreSQL.

It behaves as the pool does: BEGIN with the first statement, a transaction run again when PostgreSQL
asks for it, a COMMIT without an answer raised as unknown. A statement that would wait for another
simulated session's lock fails behind a savepoint, and is tried again once some lock was released.
"""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar

import asyncpg
from attrs import define, field

from bitvault.drivers.postgres.faults import RETRIED, SYSTEM
from bitvault.drivers.postgres.pool import _BEGIN, _scope
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from tests.simulation.sessions import Sessions
from tests.simulation.world import Life, World

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]

_ATTEMPTS = 6
_LOCKS = re.compile(r"\bFOR (NO KEY )?(UPDATE|SHARE|KEY SHARE)\b|advisory")
_WRITES = re.compile(r"\b(INSERT INTO|DELETE FROM|UPDATE) \w+\.\w+")


@cache
def _writes(sql: str) -> bool:
    return _WRITES.search(sql) is not None


@cache
def _may_wait(sql: str) -> bool:
    """Say whether a statement takes locks; a plain SELECT never waits."""
    return _writes(sql) or _LOCKS.search(sql) is not None


@define(eq=False)
class SimTransaction:
    """A transaction of one life on the real database."""

    world: World
    life: Life
    sessions: Sessions
    tenant: TenantId | None
    hooks: list[Callable[[], None]] = field(factory=list)
    later: list[Work[Any]] = field(factory=list)
    """Work that a mutant moves out of this transaction, into one after it."""
    wrote: list[str] = field(factory=list)
    at: str = ""
    """The statement that waited for a lock last."""
    _connection: Any = None
    _saved: bool = False

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        """Run a statement and return every row."""
        rows: list[Row] = await self._statement("fetch", query, parameters)
        return rows

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        """Run a statement and return its first row."""
        rows = await self.fetch(query, **parameters)
        return rows[0] if rows else None

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        """Run a statement and return how many rows it touched."""
        status = await self._statement("execute", query, parameters)
        count = str(status).rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    def after_commit(self, notify: Callable[[], None]) -> None:
        """Remember a wake-up; it dies with this life."""
        self.hooks.append(notify)

    async def _statement(self, method: str, query: Query, parameters: dict[str, Any]) -> Any:
        arguments = query.arguments(parameters)
        if _writes(query.sql):
            self.wrote.append(query.name)
        while True:
            await self.world.pause(self.life)
            try:
                return self._now(method, query.sql, arguments)
            except asyncpg.LockNotAvailableError:
                self.at = f"{query.name} after {','.join(self.wrote)}"
                await self._wait(query.name)

    async def _wait(self, name: str) -> None:
        self.world.saw("waited for a lock")
        try:
            if await self.sessions.wait_turn(self):
                return
        except TimeoutError:
            self.world.saw("gave up waiting for a lock")
            raise DependencyDown(SYSTEM, f"lock_timeout at {name}") from None
        self.world.saw("a deadlock was broken")
        self.world.deadlocks.append(" | ".join(sorted(each.at for each in self.sessions.open)))
        raise asyncpg.DeadlockDetectedError(f"at {name}")

    def _now(self, method: str, sql: str, arguments: list[Any]) -> Any:
        if self._connection is None:
            self._begin()
        if len(self.sessions.open) == 1 or not _may_wait(sql):
            return self.sessions.run(getattr(self._connection, method)(sql, *arguments))
        return self.sessions.run(self._guarded(method, sql, arguments))

    def _begin(self) -> None:
        self._connection = self.sessions.take()
        begin = "; ".join((_BEGIN, *_scope(self.tenant, "SET LOCAL")))
        self.sessions.run(self._connection.execute(begin))
        self.sessions.begun(self)

    async def _guarded(self, method: str, sql: str, arguments: list[Any]) -> Any:
        again = "RELEASE SAVEPOINT attempt; " if self._saved else ""
        await self._connection.execute(f"{again}SAVEPOINT attempt")
        self._saved = True
        try:
            return await getattr(self._connection, method)(sql, *arguments)
        except asyncpg.LockNotAvailableError:
            await self._connection.execute("ROLLBACK TO SAVEPOINT attempt")
            raise

    def end(self, verb: str) -> str:
        """COMMIT or ROLLBACK, once; what PostgreSQL made of it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return verb
        status: str = self.sessions.run(connection.execute(verb))
        self.sessions.give_back(connection)
        self.sessions.ended(self)
        return status

    def abandon(self) -> None:
        """Roll back, if it is still open."""
        self.end("ROLLBACK")


@define(eq=False)
class SimReads:
    """Statements outside any transaction, each on its own snapshot."""

    world: World
    life: Life
    sessions: Sessions
    tenant: TenantId | None

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        """Run a statement and return every row."""
        arguments = query.arguments(parameters)
        await self.world.pause(self.life)
        return self.sessions.read("; ".join(_scope(self.tenant, "SET")), query.sql, arguments)

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        """Run a statement and return its first row."""
        rows = await self.fetch(query, **parameters)
        return rows[0] if rows else None


@define(eq=False)
class SimDatabase:
    """The database port for one life; its only durable effect is COMMIT."""

    world: World
    life: Life
    sessions: Sessions

    async def transact(self, tenant: TenantId | None, work: Work[T]) -> T:
        """Run ``work`` in a transaction that a crash rolls back at once, as PostgreSQL would."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._once(tenant, work)
            except RETRIED:
                self.world.saw("a transaction was run again")
                if attempt == _ATTEMPTS:
                    raise
                await self.world.pause(self.life)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, tenant: TenantId | None, work: Work[T]) -> T:
        tx = SimTransaction(self.world, self.life, self.sessions, tenant)
        self.life.on_crash.append(tx.abandon)
        try:
            result = await work(tx)
            wrong = await self._commit(tx)
        finally:
            tx.abandon()
            self.life.on_crash.remove(tx.abandon)
        times = 0 if "wake-up lost" in wrong else 2 if "wake-up doubled" in wrong else 1
        for hook in tx.hooks * times:
            hook()
        for moved in tx.later:
            await self.transact(tenant, moved)
        return result

    async def _commit(self, tx: SimTransaction) -> frozenset[str]:
        """Commit; a transaction that wrote nothing is no effect, and nothing can go wrong."""
        if not tx.wrote:
            tx.end("COMMIT")
            return frozenset()
        wrong = await self.world.point(self.life, "commit", f"commit {','.join(tx.wrote)}")
        self.world.saw(*(wrong & {"wake-up lost", "wake-up doubled"}))
        if "run again" in wrong:
            raise asyncpg.SerializationError("drawn")

        async def act() -> None:
            if tx.end("COMMIT") != "COMMIT":
                raise RuntimeError("the work went on after a statement had failed")

        await self.world.carry_out(self.life, wrong, act)
        return wrong

    async def read(self, tenant: TenantId | None, work: Work[T]) -> T:
        """Run ``work`` for reading; nothing durable happens."""
        await self.world.point(self.life, "read", "read")
        return await work(SimReads(self.world, self.life, self.sessions, tenant))  # type: ignore[arg-type]
