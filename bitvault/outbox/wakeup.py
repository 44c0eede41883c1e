"""Which tenants have new events: bounded, coalescing hints; a sweep heals what they lose."""

import trio
from attrs import define, field

from bitvault.kernel.ids import TenantId
from supervisors import Child

_MOST = 10_000
_LONGEST_PAUSE = 5.0
GAP = 0.1
"""Seconds from one look to the next, at least: under load each look finds many events, and costs
little more than for one. The first hint after a quiet time waits for nothing."""


@define(eq=False)
class Wakeups:
    """Tenants to look at, in the order they were first named; for one waiting loop."""

    _dirty: dict[TenantId, None] = field(factory=dict)
    _changed: trio.Event = field(factory=trio.Event)
    _swept: trio.Event = field(factory=trio.Event)
    _next_at: float = 0.0
    _sweep_at: float = 0.0

    def add(self, tenant: TenantId) -> None:
        """Name a tenant; beyond the bound the sweep will find it."""
        if len(self._dirty) < _MOST:
            self._dirty[tenant] = None
        self._changed.set()

    def sweep(self) -> None:
        """Make the loop look at every tenant now: hints were lost, or it is to stop."""
        self._sweep_at = 0.0
        self._changed.set()
        self._swept.set()

    async def wait(self, seconds: float) -> tuple[TenantId, ...]:
        """Take what is named, waiting for it; () says: sweep, at the latest every ``seconds``."""
        if not self._dirty and trio.current_time() < self._sweep_at:
            self._changed = trio.Event()
            with trio.move_on_at(self._sweep_at):
                await self._changed.wait()
        await self._gather()
        taken = tuple(self._dirty)
        self._dirty.clear()
        now = trio.current_time()
        self._next_at = now + GAP
        if now < self._sweep_at:
            return taken
        self._sweep_at = now + seconds
        return ()

    async def _gather(self) -> None:
        """Let more be named until the next look, unless a sweep is due before."""
        await trio.lowlevel.checkpoint()
        self._swept = trio.Event()
        if trio.current_time() < (look_at := min(self._next_at, self._sweep_at)):
            with trio.move_on_at(look_at):
                await self._swept.wait()


async def sweep_at_stop(child: Child, wakeups: Wakeups) -> None:
    """Wake a waiting loop as soon as its child is asked to stop."""
    await child.stopping.wait()
    wakeups.sweep()


async def pause(child: Child, failures: int) -> None:
    """Wait longer the more often in a row a dependency was down; a stop cuts it short."""
    with trio.move_on_after(min(0.1 * 2.0 ** min(failures, 10), _LONGEST_PAUSE)):
        await child.stopping.wait()
