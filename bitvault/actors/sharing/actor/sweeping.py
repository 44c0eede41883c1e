"""Forgets, a slice at a time, what was said on nodes that are gone with a folder around them."""

from typing import Final
from uuid import UUID

from attrs import define

from bitvault.actors.sharing.actor.desk import Desk
from bitvault.actors.sharing.contract.sweeping import ForgetLost
from bitvault.drivers.postgres.port import Query, Row, Transaction, load_queries
from bitvault.kernel.ids import TenantId
from supervisors import handles

# Here and not in the store's modules: these statements serve this one message.
SQL = load_queries("bitvault.actors.sharing.store", "sweeping.sql")
_PAGES: Final = ("said_after", "linked_after")
_START: Final = (UUID(int=0), UUID(int=0))


@define(eq=False)
class Sweeping(Desk):
    """Walks round and round through all rows; an id that is gone never comes back."""

    @handles(ForgetLost)
    async def forget_lost(self, message: ForgetLost) -> int:
        """Look at the next rows, and forget those that nothing leads to any more."""
        gone = 0
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

    async def _next(self, name: str, query: Query, limit: int) -> list[Row]:
        tenant_id, node_id = self.swept.get(name, _START)

        async def work(tx: Transaction) -> list[Row]:
            return await tx.fetch(query, tenant_id=tenant_id, node_id=node_id, limit=limit)

        rows = await self.database.read(None, work)
        is_end = len(rows) < limit
        self.swept[name] = _START if is_end else (rows[-1]["tenant_id"], rows[-1]["node_id"])
        return rows

    async def _forget(self, tenant_id: TenantId, node_ids: list[UUID]) -> int:
        async def work(tx: Transaction) -> int:
            which = {"tenant": tenant_id, "node_ids": node_ids}
            granted = await tx.execute(SQL["forget_nodes"], **which)
            return granted + await tx.execute(SQL["forget_links"], **which)

        return await self.database.transact(tenant_id, work)
