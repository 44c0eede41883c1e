"""Grants and links go with their tenant."""

from attrs import define

from bitvault.actors.sharing.actor.desk import Desk
from bitvault.drivers.postgres.port import Transaction, erase_rows
from bitvault.kernel.erasure import Erased, EraseTenant
from supervisors import handles


@define(eq=False)
class Leaving(Desk):
    """What the finalizer asks for."""

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete what was shared in a tenant that is leaving."""
        limit = request.limit

        async def work(tx: Transaction) -> int:
            return await erase_rows(tx, "sharing", limit)

        gone = await self.database.transact(request.tenant_id, work)
        return Erased(gone, gone < limit)
