"""Leases: of several daemons on one database one does what only one has to do.

A lease is a row with an epoch, and lasts for some time on the database's clock, the only one that
all daemons share. Its holder renews it long before it ends; one that stalls finds another epoch
there, and stops. What it was at when it stalled is refused where it is written: a consumer's cursor
has moved, a delivery has been claimed again. So a lease saves work that would be done twice, and
nothing is done twice if it fails.

Error handling: a database that is down is raised; the lease is asked for again when it is back.
"""

from contextlib import suppress
from uuid import UUID

import trio
from attrs import define, field

from bitvault.drivers.postgres.port import Database, Transaction, load_queries
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown

_QUERIES = load_queries("bitvault.outbox")
_NOBODY = TenantId(UUID(int=0))


@define(eq=False)
class Lease:
    """One process's share in a lease."""

    name: str
    holder: UUID
    """The installation: a daemon that starts again there takes over at once from the one before."""
    database: Database
    seconds: float = 30.0
    _epoch: int = field(default=0, init=False)
    _renew_at: float = field(default=0.0, init=False)

    async def hold(self) -> bool:
        """Take or renew it; False: another has it."""
        if self._epoch and trio.current_time() < self._renew_at:
            return True
        asked_at = trio.current_time()
        self._epoch = await self.database.transact(_NOBODY, self._ask)
        self._renew_at = asked_at + self.seconds / 3
        return bool(self._epoch)

    async def _ask(self, tx: Transaction) -> int:
        which = {"tenant_id": _NOBODY, "name": self.name, "seconds": self.seconds}
        if self._epoch and await tx.fetchrow(_QUERIES["renew_lease"], **which, epoch=self._epoch):
            return self._epoch
        row = await tx.fetchrow(_QUERIES["take_lease"], **which, holder=self.holder)
        return row["epoch"] if row else 0

    async def release(self) -> None:
        """Let another have it at once; what cannot be released now ends by itself."""
        epoch, self._epoch = self._epoch, 0

        async def work(tx: Transaction) -> None:
            which = {"tenant_id": _NOBODY, "name": self.name, "epoch": epoch}
            await tx.execute(_QUERIES["release_lease"], **which)

        if epoch:
            with suppress(DependencyDown):
                await self.database.transact(_NOBODY, work)
