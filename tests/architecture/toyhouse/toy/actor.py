"""Keeps toys."""

from collections.abc import Mapping
from uuid import UUID

from attrs import define

from bitvault.actors.room import Room, erase_schema, export_slice
from bitvault.drivers.postgres.port import Database, Transaction, load_queries
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.ids import Ids, TenantId
from bitvault.outbox import Outbox
from supervisors import handles
from tests.architecture.toyhouse.toy.contract import BreakToys, MakeToy, ToyMade

SQL = load_queries("tests.architecture.toyhouse.toy")


@define(eq=False)
class Toys(Room):
    """All of it."""

    database: Database
    outbox: Outbox
    ids: Ids

    @handles(MakeToy)
    async def make(self, request: MakeToy) -> UUID:
        """Make one."""
        caller, toy_id = request.caller, self.ids.uuid7()

        async def work(tx: Transaction) -> UUID:
            tenant_id = caller.tenant_id
            await tx.execute(SQL["insert"], tenant_id=tenant_id, toy_id=toy_id, name=request.name)
            await self.outbox.append(tx, tenant_id, [ToyMade(toy_id, 1, request.name)], caller)
            return toy_id

        return await self.database.transact(caller.tenant_id, work)

    @handles(BreakToys)
    async def break_toys(self, request: BreakToys) -> int:
        """Break some."""
        found = await self.database.read(
            None, lambda tx: tx.fetch(SQL["told"], limit=request.limit)
        )
        for row in found:
            tenant_id = TenantId(row["tenant_id"])
            await self.database.transact(
                tenant_id, lambda tx, row=row: tx.execute(SQL["break"], **row)
            )
        return len(found)

    @handles(CountBacklog)
    async def count_backlog(self, _: CountBacklog) -> Mapping[str, Backlog]:
        """Count what is to be broken."""
        found = await self.database.read(None, lambda tx: tx.fetch(SQL["told"], limit=10))
        return {"break-toys": Backlog(len(found))}

    @handles(EraseTenant)
    async def erase(self, request: EraseTenant) -> Erased:
        """Delete a tenant's toys."""
        return await erase_schema(self.database, "toy", request)

    @handles(ExportRecords)
    async def export(self, request: ExportRecords) -> Exported:
        """Tell a tenant's toys."""
        return await export_slice(self.database, SQL["list"], {"toy_id": UUID(int=0)}, request)
