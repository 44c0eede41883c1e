"""Garbage: marked first, deleted then, recorded last, so that a crash anywhere is made good later.

``open → sealed → garbage → gone``, and then no row at all. What nobody claims comes up on the
ledger's agenda, and its owner is asked (ADR-0013).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import define

from bitvault.actors.storage import contract as c
from bitvault.actors.storage.actor.ledger import Entries, Ledger
from bitvault.actors.storage.actor.removal import Remover
from bitvault.actors.storage.rules import MAX_BATCH, check_batch
from bitvault.actors.storage.store import Entry
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Invalid, Refused, Unavailable
from supervisors import handles

_DOWN = Unavailable("object store")


@define(eq=False)
class Garbage:
    """The part of the service that deletes."""

    ledger: Ledger
    remover: Remover

    @handles(c.DiscardObjects)
    async def discard(self, request: c.DiscardObjects) -> int | Unavailable:
        """Discard by upload; ``Unavailable`` when some of it has to be tried again.

        Many are marked only, and due at once: no caller waits for a thousand requests to the store.
        """
        check_batch("uploadIds", request.upload_ids)
        if len(request.upload_ids) > self.remover.parallel:
            due = self.ledger.clock.now()
            marked = await self.ledger.discard(request.tenant_id, request.upload_ids, look_at=due)
            return len(marked)
        found = await self.ledger.discard(request.tenant_id, request.upload_ids)
        deleted = await self._remove(request.tenant_id, found)
        return len(found) if len(deleted) == len(found) else _DOWN

    @handles(c.DiscardKeys)
    async def discard_keys(self, request: c.DiscardKeys) -> int:
        """Discard by key; once marked, it is the ledger's agenda that sees to the deletion."""
        check_batch("keys", request.keys)
        ids = await self.ledger.sealed_under(request.tenant_id, request.keys)
        found = await self.ledger.discard(request.tenant_id, ids)
        await self._remove(request.tenant_id, found)
        return len(found)

    async def _remove(self, tenant_id: TenantId, found: Entries) -> frozenset[UploadId]:
        deleted = await self.remover.delete(list(found.values()))
        await self.ledger.forget(tenant_id, sorted(deleted))
        return deleted

    @handles(c.ListDueObjects)
    async def list_due(self, request: c.ListDueObjects) -> tuple[c.DueObject, ...]:
        """List what its owner must be asked about."""
        return tuple(await self.ledger.due(_limit(request.limit)))

    @handles(c.SettleObjects)
    async def settle(self, request: c.SettleObjects) -> int:
        """Do what the owner said; an object that was sealed in the meantime is left for later."""
        check_batch("objects", (*request.kept, *request.later, *request.unneeded))
        tenant_id = request.tenant_id
        for state in ("open", "sealed"):
            ids = [one.upload_id for one in request.unneeded if _state(one) == state]
            if ids:
                await self._remove(tenant_id, await self.ledger.discard(tenant_id, ids, [state]))
        kept = await self.ledger.find(tenant_id, request.kept)
        tidied = await self.remover.tidy(list(kept.values()))
        later = [one for one in request.kept if one not in tidied]
        await self.ledger.settle(tenant_id, sorted(tidied), [*request.later, *later])
        return len(request.unneeded)

    @handles(c.RetryDiscards)
    async def retry(self, request: c.RetryDiscards) -> int | Unavailable:
        """Delete what is left, tenant by tenant; ``Unavailable`` once the store does not answer."""
        leaving = await self.ledger.leaving(_limit(request.limit))
        by_tenant: dict[TenantId, list[UploadId]] = defaultdict(list)
        for tenant_id, upload_id in leaving:
            by_tenant[tenant_id].append(upload_id)
        for tenant_id, upload_ids in by_tenant.items():
            entries = await self.ledger.take_leaving(tenant_id, upload_ids)
            if not await self._finish(tenant_id, entries):
                return _DOWN
        return len(leaving)

    async def _finish(self, tenant_id: TenantId, entries: Sequence[Entry]) -> bool:
        """Delete; what was garbage is gone then, what was gone needs no row any more."""
        deleted = await self.remover.delete(entries)
        done = [entry for entry in entries if entry.upload_id in deleted]
        await self.ledger.forget(tenant_id, [e.upload_id for e in done if e.state == "garbage"])
        await self.ledger.drop(tenant_id, [e.upload_id for e in done if e.state == "gone"])
        return len(done) == len(entries)

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Hasten what is unfinished; the rest comes as ever, each object being deleted twice."""
        return Erased(0, not await self.ledger.leave(request.tenant_id, request.limit))

    @handles(c.InspectLedger)
    async def inspect(self, _: c.InspectLedger) -> datetime | None:
        """Say since when the oldest garbage has waited."""
        return await self.ledger.oldest_garbage()

    @handles(CountBacklog)
    async def count_backlog(self, _: CountBacklog) -> Mapping[str, Backlog]:
        """Count objects to ask about, and deletions, that are due."""
        return await self.ledger.backlog()


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_BATCH:
        raise Refused(Invalid("limit", f"must be from 1 to {MAX_BATCH}"))
    return limit


def _state(one: c.DueObject) -> str:
    return "open" if one.key is None else "sealed"
