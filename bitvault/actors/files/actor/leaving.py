"""Spaces, nodes, versions and uploads go with their tenant."""

from bitvault.actors.files.actor.desk import Desk
from bitvault.actors.files.store.erasing import erase_some, has_blobs
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.erasure import Erased, EraseTenant
from supervisors import handles


class Leaving(Desk):
    """What the finalizer asks for."""

    @handles(EraseTenant)
    async def erase_tenant(self, message: EraseTenant) -> Erased:
        """Delete rows; it is done when the collector has handed over the content, too."""
        tenant_id, limit, now = message.tenant_id, message.limit, self._clock.now()

        async def work(tx: Transaction) -> Erased:
            gone = await erase_some(tx, tenant_id, now, limit)
            return Erased(gone, gone < limit and not await has_blobs(tx, tenant_id))

        return await self._database.transact(tenant_id, work)
