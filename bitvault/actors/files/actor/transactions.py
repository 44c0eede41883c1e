"""Transactions that are run again, or once the caller's personal space is made."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from attrs import define

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.contract import SpaceNotFound
from bitvault.actors.files.store.contents import Raced, Stamp
from bitvault.actors.files.store.locate import PersonalSpaceMissing
from bitvault.actors.files.store.spaces import ensure_personal
from bitvault.actors.files.store.written import Appender
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refused, Unavailable
from bitvault.outbox import Outbox

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]

_TRIES = 8


@define(eq=False)
class FilesTransactions:
    """Where the parts of the service read and write the tree."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    options: FilesOptions

    async def write(self, caller: Caller, work: Work[T]) -> T:
        """Run ``work`` in a transaction; again when a concurrent one got in between."""
        for _ in range(_TRIES):
            try:
                return await self.database.transact(caller.tenant_id, work)
            except Raced:
                continue
            except PersonalSpaceMissing:
                await self._make_personal(caller)
        raise Refused(Unavailable("namespace"))

    async def read(self, caller: Caller, work: Work[T]) -> T:
        """Run ``work`` for reading; the caller's personal space is made if it needs it."""
        try:
            return await self.database.read(caller.tenant_id, work)
        except PersonalSpaceMissing:
            await self._make_personal(caller)
            return await self.database.read(caller.tenant_id, work)

    async def _make_personal(self, caller: Caller) -> None:
        if caller.principal.is_guest or caller.principal.confined_to:
            raise Refused(SpaceNotFound("personal"))
        stamp = Stamp(caller, self.clock.now())

        async def work(tx: Transaction) -> None:
            append = self.appender(caller)
            await ensure_personal(tx, stamp, self.ids, self.options.quotas, append)

        await self.write(caller, work)

    def appender(self, caller: Caller) -> Appender:
        """Return what appends the caller's events."""

        async def append(tx: Transaction, events: Sequence[Event]) -> Position | None:
            if not events:
                return None
            return await self.outbox.append(tx, caller.tenant_id, events, caller)

        return append
