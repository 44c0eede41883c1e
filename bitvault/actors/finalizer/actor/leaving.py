"""Tenants that leave for good are erased a slice at a time, room by room (ADR-0025).

Nothing of how far it has come is kept: what is left is what there is to do, so a crash anywhere
costs nothing. Each room deletes its own rows. The upper ones come first, so that nothing refers to
what is gone; then the objects, as ever after a grace; then, when nobody writes any more, the
events, what was made of them, and at last the tenant.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from bitvault.actors.finalizer.actor.asking import ask
from bitvault.actors.identity.contract import DueErasures, FinishErasure
from bitvault.kernel.erasure import EraseTenant, Phase
from bitvault.kernel.ids import TenantId
from bitvault.manifest import Manifest
from supervisors import Ref

_ROWS = 1000


@frozen(eq=False)
class Leaving:
    """Asks the rooms, a phase at a time."""

    identity: Ref
    phases: Sequence[Sequence[Ref]]

    async def erase_some(self) -> int:
        """Delete a slice of each tenant that is leaving; return how many rows went."""
        tenants = await ask(self.identity, DueErasures())
        return sum([await self._erase(tenant_id) for tenant_id in tenants])

    async def _erase(self, tenant_id: TenantId) -> int:
        """Delete a slice; when there was nothing left to delete anywhere, it is finished.

        That takes one look more than the last row: a request that was under way when the tenant was
        closed may have written after a room had been done.
        """
        total = 0
        for rooms in self.phases:
            slices = [await ask(room, EraseTenant(tenant_id, _ROWS)) for room in rooms]
            total += sum(one.rows for one in slices)
            if not all(one.is_done for one in slices):
                return total
        if not total:
            await ask(self.identity, FinishErasure(tenant_id))
        return total


def phases_of(manifests: Sequence[Manifest[Any]], ref: Callable[[str], Ref]) -> list[list[Ref]]:
    """Return whom to ask in which phase, the upper ones first."""
    return [
        [ref(one.name) for one in reversed(manifests) if one.erasure is phase] for phase in Phase
    ]
