"""Which tenants have new events: bounded, coalescing hints; a sweep heals what they lose."""

import trio
from attrs import define, field

from bitvault.kernel.ids import TenantId

_MOST = 10_000


@define(eq=False)
class Wakeups:
    """Tenants to look at, in the order they were first named."""

    _dirty: dict[TenantId, None] = field(factory=dict)
    _changed: trio.Event = field(factory=trio.Event)

    def add(self, tenant: TenantId) -> None:
        """Name a tenant; beyond the bound the sweep will find it."""
        if len(self._dirty) < _MOST:
            self._dirty[tenant] = None
        self._changed.set()

    async def wait(self, seconds: float) -> tuple[TenantId, ...]:
        """Take what is named now; wait up to ``seconds`` if nothing is; () means: sweep."""
        if not self._dirty:
            self._changed = trio.Event()
            with trio.move_on_after(seconds):
                await self._changed.wait()
        taken = tuple(self._dirty)
        self._dirty.clear()
        return taken
