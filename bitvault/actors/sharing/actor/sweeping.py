"""Forgets, a slice at a time, what was said on nodes that are gone with a folder around them.

And what was given to users and groups that are gone, where the consumer found more than a slice.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from attrs import define, field

from bitvault.actors.sharing.contract.sweeping import ForgetLost
from bitvault.actors.sharing.store.grants import forget_grantee
from bitvault.drivers.postgres.port import Database, Query, Row, Transaction, load_queries
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import TenantId
from supervisors import handles

# Here and not in the store's modules: these statements serve this one message.
SQL = load_queries("bitvault.actors.sharing.store", "sweeping.sql")
_PAGES: Final = ("said_after", "linked_after")
_SETTLED: Final = timedelta(hours=1)
"""What was being given by a request under way has been given by then."""
_START: Final = (UUID(int=0), UUID(int=0))


@define(eq=False)
class LostShares:
    """Walks through all rows, and begins again; an id that is gone never comes back."""

    database: Database
    clock: Clock
    _swept: dict[str, tuple[UUID, UUID]] = field(factory=dict, init=False)
    """How far each walk through the rows came; a service that restarts begins again."""

    @handles(ForgetLost)
    async def forget_lost(self, message: ForgetLost) -> int:
        """Look at the next rows, and forget those that nothing leads to any more."""
        gone = await self.forget_departed(message.limit)
        for name in _PAGES:
            rows = await self._next(name, SQL[name], message.limit)
            by_tenant: dict[TenantId, set[UUID]] = {}
            for row in rows:
                if row["is_lost"]:
                    tenant_id = TenantId(row["tenant_id"])
                    by_tenant.setdefault(tenant_id, set()).add(row["node_id"])
            for tenant_id, node_ids in by_tenant.items():
                gone += await self._forget(tenant_id, sorted(node_ids))
        return gone

    async def forget_departed(self, limit: int) -> int:
        """Take what a consumer left of those who are gone, or what was given at that moment."""
        before = self.clock.now() - _SETTLED

        async def look(tx: Transaction) -> list[Row]:
            return await tx.fetch(SQL["departed"], before=before, limit=limit)

        gone = 0
        for row in await self.database.read(None, look):
            gone += await self._forget_one(TenantId(row["tenant_id"]), row["grantee_id"], limit)
            if gone >= limit:
                break
        return gone

    async def _forget_one(self, tenant_id: TenantId, grantee_id: UUID, limit: int) -> int:
        async def work(tx: Transaction) -> int:
            gone = await forget_grantee(tx, tenant_id, grantee_id, limit)
            if gone < limit:
                await tx.execute(SQL["drop_departed"], tenant=tenant_id, grantee_id=grantee_id)
            return gone

        return await self.database.transact(tenant_id, work)

    async def _next(self, name: str, query: Query, limit: int) -> list[Row]:
        tenant_id, node_id = self._swept.get(name, _START)

        async def work(tx: Transaction) -> list[Row]:
            return await tx.fetch(query, tenant_id=tenant_id, node_id=node_id, limit=limit)

        rows = await self.database.read(None, work)
        is_end = len(rows) < limit
        self._swept[name] = _START if is_end else (rows[-1]["tenant_id"], rows[-1]["node_id"])
        return rows

    async def _forget(self, tenant_id: TenantId, node_ids: list[UUID]) -> int:
        async def work(tx: Transaction) -> int:
            which = {"tenant": tenant_id, "node_ids": node_ids}
            granted = await tx.execute(SQL["forget_nodes"], **which)
            return granted + await tx.execute(SQL["forget_links"], **which)

        return await self.database.transact(tenant_id, work)
