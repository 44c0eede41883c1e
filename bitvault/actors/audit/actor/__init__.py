"""Answers what the audit trail says, and takes in the downloads that it is to tell of."""

import trio
from attrs import define

from bitvault.actors.audit import rules, store
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.contract import Entry, ListEntries, RecordDownloads
from bitvault.actors.room import Room, ask_below, erase_schema
from bitvault.actors.sharing.contract import CountDownloads
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.ids import Ids
from bitvault.kernel.paging import Page, page_of, page_size
from bitvault.kernel.principal import Caller, admin_of, operator_of
from bitvault.kernel.refusal import Refused, Unavailable
from supervisors import Ref, handles

_PATIENCE = 2.0
"""Seconds that a download waits for room among those that are not written yet."""


@define(eq=False)
class Audit(Room):
    """Reads for tenant admins; the sink and the writer of downloads write."""

    database: Database
    downloads: Downloads
    sharing: Ref
    """Counts what a link hands out."""
    clock: Clock
    ids: Ids

    @handles(ListEntries)
    async def list_entries(self, request: ListEntries) -> Page[Entry]:
        """List the trail, newest first."""
        tenant_id = admin_of(request.caller, "read the audit trail").tenant_id
        wanted, limit = request.wanted, page_size(request.limit)
        before = rules.first_place(request.cursor, wanted.until)

        async def work(tx: Transaction) -> tuple[Entry, ...]:
            return await store.entries(tx, tenant_id, wanted, before, limit + 1)

        entries = await self.database.read(tenant_id, work)
        keys = [rules.place_key(entry.at, entry.seq, entry.event_id) for entry in entries]
        return page_of(entries, limit, keys)

    @handles(RecordDownloads)
    async def record_downloads(self, request: RecordDownloads) -> None:
        """Have downloads written soon, or refuse them: none is handed out and not told of.

        A guest's are counted by the link once there is room, so that a refusal of either changes
        nothing.
        """
        tenant_id, number = request.tenant_id or request.caller.tenant_id, len(request.downloads)
        with trio.move_on_after(_PATIENCE) as waited:
            await self.downloads.reserve(tenant_id, number)
        if waited.cancelled_caught:
            self.downloads.refused += number
            raise Refused(Unavailable("audit trail"))
        try:
            await self._count(request.caller, number)
            now = self.clock.now()
            self.downloads.add(request.caller, request.downloads, tenant_id, self.ids, now)
        finally:
            self.downloads.release(tenant_id, number)

    async def _count(self, caller: Caller, number: int) -> None:
        if not caller.principal.is_guest:
            return
        refused = await ask_below(self.sharing, CountDownloads(caller, number), "sharing")
        if refused is not None:
            raise Refused(refused)

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete the trail of a tenant that is leaving, and what waits to be written to it."""
        await self.downloads.forget(request.tenant_id)
        return await erase_schema(self.database, "audit", request)

    @handles(ExportRecords)
    async def export_records(self, request: ExportRecords) -> Exported:
        """Tell the trail to an operator who exports the tenant."""
        operator_of(request.caller)
        tell = store.export_downloads if request.kind == "download" else store.export

        async def work(tx: Transaction) -> Exported:
            return await tell(tx, request.tenant_id, request.after, request.limit)

        return await self.database.read(request.tenant_id, work)
