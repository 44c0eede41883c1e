"""Answers what the audit trail says."""

from attrs import define

from bitvault.actors.audit import store
from bitvault.actors.audit.contract import Entry, ListEntries
from bitvault.actors.room import Room
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.paging import MAX_LIMIT, Page, decode_cursor, page_of
from bitvault.kernel.refusal import Forbidden
from supervisors import handles

_NEWEST = (1 << 63) - 1


@define(eq=False)
class Audit(Room):
    """Reads for tenant admins; the sink writes."""

    database: Database

    @handles(ListEntries)
    async def list_entries(self, request: ListEntries) -> Page[Entry] | Forbidden:
        """List the trail, newest first."""
        if not request.caller.principal.is_admin:
            return Forbidden("read the audit trail")
        limit = max(1, min(request.limit, MAX_LIMIT))
        before = _NEWEST
        if request.cursor is not None:
            before = int(decode_cursor(request.cursor, [int])[0])

        async def work(tx: Transaction) -> tuple[Entry, ...]:
            return await store.entries_before(tx, request.caller.tenant_id, before, limit + 1)

        entries = await self.database.read(request.caller.tenant_id, work)
        return page_of(entries, limit, [(entry.seq,) for entry in entries])
