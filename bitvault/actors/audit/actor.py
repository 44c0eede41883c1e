"""Answers what the audit trail says."""

from attrs import define

from bitvault.actors.audit import rules, store
from bitvault.actors.audit.contract import Entry, ListEntries
from bitvault.actors.room import Room, erase_schema
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.paging import Page, page_of, page_size
from bitvault.kernel.principal import admin_of, operator_of
from supervisors import handles


@define(eq=False)
class Audit(Room):
    """Reads for tenant admins; the sink writes."""

    database: Database

    @handles(ListEntries)
    async def list_entries(self, request: ListEntries) -> Page[Entry]:
        """List the trail, newest first."""
        tenant_id = admin_of(request.caller, "read the audit trail").tenant_id
        wanted, limit = request.wanted, page_size(request.limit)
        before = rules.first_place(request.cursor, wanted.until)

        async def work(tx: Transaction) -> tuple[Entry, ...]:
            return await store.entries(tx, tenant_id, wanted, before, limit + 1)

        entries = await self.database.read(tenant_id, work)
        keys = [rules.place_key(entry.at, entry.seq) for entry in entries]
        return page_of(entries, limit, keys)

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete the trail of a tenant that is leaving."""
        return await erase_schema(self.database, "audit", request)

    @handles(ExportRecords)
    async def export_records(self, request: ExportRecords) -> Exported:
        """Tell the trail to whoever takes the tenant's data along."""
        operator_of(request.caller)
        tenant_id, after, limit = request.tenant_id, request.after, request.limit

        async def work(tx: Transaction) -> Exported:
            return await store.export(tx, tenant_id, after, limit)

        return await self.database.read(tenant_id, work)
