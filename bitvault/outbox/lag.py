"""How far a consumer is behind, measured now and then for the status page and the metrics."""

from contextlib import suppress

import trio
from attrs import define, field

from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import journal


@define(eq=False)
class LagGauge:
    """Reads one consumer's lag over all tenants.

    Error handling: while the database is down the figures are those of the last look, which is
    what a reader would see anyway; the loop beside it says that it is paused.
    """

    consumer: str
    database: Database
    clock: Clock
    seconds: float = 1.0
    """Between two looks."""
    _found: journal.Lag | None = field(default=None, init=False)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            with suppress(DependencyDown):
                await self.look()
            await trio.sleep(self.seconds)

    async def look(self) -> None:
        """Look once."""

        async def work(tx: Transaction) -> tuple[journal.Lag, ...]:
            return await journal.lag(tx, [self.consumer], self.clock.now())

        (self._found,) = await self.database.read(None, work)

    def statistics(self) -> dict[str, int | float]:
        """Return events not yet applied, the age in seconds of the oldest, and dead letters."""
        found = self._found
        if found is None:
            return {}
        return {"lag": found.events, "lag_seconds": round(found.seconds, 3), "dead": found.dead}
