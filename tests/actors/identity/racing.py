"""Two requests of which the second comes when the first has done all but commit."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio
from attrs import define, field

from bitvault.actors.identity.actor import Identity
from bitvault.drivers.postgres.port import Database, Query, Transaction
from bitvault.kernel.ids import TenantId
from tests.support.rewiring import rewire

T = TypeVar("T")
Ask = Callable[[], Awaitable[Any]]

_PATIENCE = 30
_WAITING = Query("waiting", "SELECT count(*) AS n FROM pg_locks WHERE NOT granted", ())


@define(eq=False)
class Pausing:
    """A database whose first transaction waits before its commit."""

    inner: Database
    arrived: trio.Event = field(factory=trio.Event)
    released: trio.Event = field(factory=trio.Event)

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Do the work; the first time, wait then."""

        async def paused(tx: Transaction) -> T:
            done = await work(tx)
            if not self.arrived.is_set():
                self.arrived.set()
                await self.released.wait()
            return done

        return await self.inner.transact(tenant, paused)

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Read."""
        return await self.inner.read(tenant, work)

    async def one_waits_for_another(self) -> None:
        """Return as soon as a session waits for a lock."""

        async def work(tx: Transaction) -> int:
            row = await tx.fetchrow(_WAITING)
            assert row is not None
            return int(row["n"])

        while not await self.inner.read(None, work):
            pass


async def overtaken(identity: Identity, first: Ask, second: Ask) -> tuple[Any, Any]:
    """Let ``first`` do all but commit, then start ``second``, which waits, and let both end."""
    database = Pausing(identity.database)
    rewire(identity, database=database)
    answers = {}

    async def run(name: str, ask: Ask) -> None:
        answers[name] = await ask()

    with trio.fail_after(_PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "first", first)
            await database.arrived.wait()
            nursery.start_soon(run, "second", second)
            await database.one_waits_for_another()
            database.released.set()
    rewire(identity, database=database.inner)
    return answers["first"], answers["second"]
