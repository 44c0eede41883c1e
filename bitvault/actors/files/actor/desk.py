"""What every part of the room works with: transactions that are retried, asks that may fail."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import SpaceNotFound
from bitvault.actors.files.rules.drops import lives_until
from bitvault.actors.files.store.contents import Raced, Stamp
from bitvault.actors.files.store.copying import Restricting
from bitvault.actors.files.store.locate import PersonalSpaceMissing
from bitvault.actors.files.store.spaces import ensure_personal
from bitvault.actors.room import Room, ask_below
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import Ids
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refused, Unavailable
from bitvault.kernel.request import Request
from bitvault.outbox import Outbox
from supervisors import Ref

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[Transaction], Awaitable[T]]

_TRIES = 8


@frozen
class FilesOptions:
    """Limits of the room; quotas in bytes, None is without limit."""

    upload_ttl: timedelta = timedelta(days=7)
    guest_ttl: timedelta = timedelta(hours=2)
    """How long a guest's upload lives on after they were last seen to go on with it; longer than a
    presigned request."""
    default_space_quota: int | None = None
    tenant_quota: int | None = None
    grace: timedelta = timedelta(days=1)
    """How long content outlives its last reference; longer than any presigned request."""
    keep_results: timedelta = timedelta(days=7)
    """How long the answer of an upload outlives the upload's lifetime; a day or more."""
    purge_at_once: int = 1000
    """Nodes, and versions, that one request removes itself."""


class Desk(Room):
    """The room's tools; the messages are handled in the classes built on it."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        storage: Ref,
        clock: Clock,
        ids: Ids,
        options: FilesOptions,
        restrict: Restricting | None = None,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._storage = storage
        self._clock = clock
        self._ids = ids
        self._options = options
        self._restrict = restrict

    def _stamp(self, caller: Caller) -> Stamp:
        return Stamp(caller, self._clock.now())

    def _lives_until(self, stamp: Stamp, begun_at: datetime) -> datetime:
        options = self._options
        principal = stamp.caller.principal
        return lives_until(principal, begun_at, stamp.now, options.upload_ttl, options.guest_ttl)

    async def _write(self, caller: Caller, work: Work[T]) -> T:
        """Run ``work`` in a transaction; again when a concurrent one got in between."""
        for _ in range(_TRIES):
            try:
                return await self._database.transact(caller.tenant_id, work)
            except Raced:
                continue
            except PersonalSpaceMissing:
                await self._make_personal(caller)
        raise Refused(Unavailable("namespace"))

    async def _read(self, caller: Caller, work: Work[T]) -> T:
        """Run ``work`` for reading; the caller's personal space is made if it needs it."""
        try:
            return await self._database.read(caller.tenant_id, work)
        except PersonalSpaceMissing:
            await self._make_personal(caller)
            return await self._database.read(caller.tenant_id, work)

    async def _make_personal(self, caller: Caller) -> None:
        if caller.principal.is_guest or caller.principal.confined_to:
            raise Refused(SpaceNotFound("personal"))
        stamp = self._stamp(caller)

        async def work(tx: Transaction) -> None:
            options = self._options
            quotas = (options.tenant_quota, options.default_space_quota)
            await ensure_personal(tx, stamp, self._ids, quotas, self._appender(caller))

        await self._write(caller, work)

    def _appender(
        self, caller: Caller
    ) -> Callable[[Transaction, Sequence[Event]], Awaitable[Position | None]]:
        async def append(tx: Transaction, events: Sequence[Event]) -> Position | None:
            if not events:
                return None
            return await self._outbox.append(tx, caller.tenant_id, events, caller)

        return append

    async def _ask(self, request: Request[R]) -> R | Unavailable:
        """Ask the storage room; never inside a transaction."""
        return await ask_below(self._storage, request, "storage")


def unique(ids: Sequence[UUID]) -> list[UUID]:
    """Return each id once, in the order of its first appearance."""
    return list(dict.fromkeys(ids))
