"""Downloads that wait to be written: in memory and bounded, so that handing out writes nothing.

A repeat of the same download by the same caller from the same address within a minute counts up
the one before, so that one who asks again and again leaves a row a minute.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

import trio
from attrs import define, evolve, field

from bitvault.actors.audit.contract import Download
from bitvault.actors.audit.store import DownloadRow
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.principal import Caller
from bitvault.outbox.append import bounded

MOST: Final = 10_000
"""Rows that wait at most; what more than these is lost in a crash was never handed out."""
SHARE: Final = 4
"""A tenant's rows fill at most one part in so many, so that it does not shut the others out."""
REPEATS: Final = timedelta(minutes=1)


def row_of(
    caller: Caller, what: Download, tenant_id: TenantId, row_id: UUID, at: datetime
) -> DownloadRow:
    """Describe a download; of an operator from elsewhere the tenant learns no more than that."""
    who, origin, is_own = caller.principal, caller.origin, caller.tenant_id == tenant_id
    return DownloadRow(
        tenant_id,
        row_id,
        what,
        who.user_id,
        who.credential_id if is_own else None,
        bounded(origin.request_id),
        bounded(origin.address) if is_own else "",
        bounded(origin.user_agent) if is_own else "",
        at,
        at,
    )


@define(eq=False)
class Downloads:
    """What waits, tenant by tenant, and what was written lately."""

    most: int = MOST
    written: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)
    """Not handed out, because too many waited to be written."""
    lost: int = field(default=0, init=False)
    """Handed out, and could not be written."""
    _waiting: dict[TenantId, dict[UUID, DownloadRow]] = field(factory=dict, init=False)
    _recent: OrderedDict[tuple[object, ...], DownloadRow] = field(factory=OrderedDict, init=False)
    waiting: int = field(default=0, init=False)
    _reserved: Counter[TenantId] = field(factory=Counter, init=False)
    writing: trio.Lock = field(factory=trio.Lock, init=False)
    """Held while rows are written, so that none of a tenant's is once these are forgotten."""
    _room: trio.Event = field(factory=trio.Event, init=False)

    def statistics(self) -> Mapping[str, int]:
        """Return what is shown of it."""
        counts = {"written": self.written, "refused": self.refused, "lost": self.lost}
        return {"waiting": self.waiting, **counts}

    async def reserve(self, tenant_id: TenantId, number: int) -> None:
        """Wait until so many more of a tenant's may wait, and keep the room for them."""
        while not self._fits(tenant_id, number):
            await self._room.wait()
        self._reserved[tenant_id] += number

    def release(self, tenant_id: TenantId, number: int) -> None:
        """Give back what was reserved, used by now or not."""
        self._reserved[tenant_id] -= number
        self._reserved = +self._reserved
        self._wake()

    def _fits(self, tenant_id: TenantId, number: int) -> bool:
        own = len(self._waiting.get(tenant_id, ())) + self._reserved[tenant_id]
        every = self.waiting + self._reserved.total()
        return own + number <= self.most // SHARE and every + number <= self.most

    def _wake(self) -> None:
        self._room.set()
        self._room = trio.Event()

    def add(
        self, caller: Caller, what: Iterable[Download], tenant_id: TenantId, ids: Ids, now: datetime
    ) -> None:
        """Take downloads in; the caller has reserved the room."""
        waiting = self._waiting.setdefault(tenant_id, {})
        for one in what:
            row = row_of(caller, one, tenant_id, ids.uuid7(), now)
            known = self._recent.pop(row.key, None)
            if known is not None and now - known.at < REPEATS:
                row = evolve(known, times=known.times + 1, last_at=max(known.last_at, now))
            self._recent[row.key] = row
            self.waiting += row.download_id not in waiting
            waiting[row.download_id] = row
            if len(self._recent) > self.most:
                self._recent.popitem(last=False)

    def next_batch(self, most: int) -> tuple[DownloadRow, ...]:
        """Return some of one tenant's rows; they wait until they are ``done``."""
        for tenant_id, rows in self._waiting.items():
            if rows:
                self._waiting[tenant_id] = self._waiting.pop(tenant_id)
                return tuple(islice(rows.values(), most))
        return ()

    def done(self, rows: Sequence[DownloadRow]) -> None:
        """Forget rows that were written; one that was counted up meanwhile waits on."""
        for row in rows:
            waiting = self._waiting.get(row.tenant_id, {})
            if waiting.get(row.download_id) is row:
                del waiting[row.download_id]
                self.waiting -= 1
                if not waiting:
                    del self._waiting[row.tenant_id]
        self._wake()

    async def forget(self, tenant_id: TenantId) -> None:
        """Drop what waits of a tenant that is leaving, after what is being written now."""
        async with self.writing:
            self.waiting -= len(self._waiting.pop(tenant_id, ()))
            for key in [key for key, row in self._recent.items() if row.tenant_id == tenant_id]:
                del self._recent[key]
            self._wake()
