"""The relay: tells the bus of what is new in the outbox, in order, at least once.

Publish first, then move the cursor: a crash in between publishes again, and consumers do not mind.
The bus carries hints and no events; a consumer that misses one reads the outbox by itself.

Error handling: a database or bus that is down pauses the relay; nothing is lost, because the
cursor has not moved. Anything else is a crash.
"""

from collections.abc import Sequence

import trio
from attrs import field, frozen

from bitvault.drivers.bus.port import Bus, Hint
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown
from bitvault.outbox import journal
from bitvault.outbox.wakeup import Wakeups, pause, sweep_at_stop
from supervisors import Child, ChildSpec, Turn, Turns

RELAY = "relay"
"""The name of its cursor."""
_SLICE = 500
_MOST_TENANTS = 1000


@frozen(eq=False)
class Relay:
    """One serial loop; wakes on commits of this process and sweeps for all others."""

    database: Database
    bus: Bus
    wakeups: Wakeups
    sweep_seconds: float = 1.0
    turns: Turns = field(factory=lambda: Turns(RELAY))

    async def run(self, child: Child) -> None:
        """Publish until asked to stop."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sweep_at_stop, child, self.wakeups)
            child.started()
            with self.turns.taken_by(child, self.wakeups.sweep):
                await self._work(child)
            nursery.cancel_scope.cancel()

    async def _work(self, child: Child) -> None:
        failures = 0
        while not child.stopping.is_set():
            self.turns.due = trio.current_time() + self.sweep_seconds
            named = await self.wakeups.wait(self.sweep_seconds)
            with self.turns.turn() as turn:
                await self._turn(named, turn)
            if turn.error:
                self.wakeups.sweep()
                await pause(child, failures)
            failures = failures + 1 if turn.error else 0

    async def _turn(self, named: Sequence[TenantId], turn: Turn) -> None:
        try:
            for tenant_id in named or await self._behind():
                turn.count("published", await self.publish(tenant_id))
        except DependencyDown as down:
            turn.fail(f"{down.dependency} does not answer")

    async def _behind(self) -> tuple[TenantId, ...]:
        async def work(tx: Transaction) -> tuple[TenantId, ...]:
            return await journal.tenants_behind(tx, RELAY, _MOST_TENANTS)

        return await self.database.read(None, work)

    async def publish(self, tenant_id: TenantId) -> int:
        """Publish everything of a tenant that is there now; return how many events that was."""
        published, more = 0, True
        while more:
            count, more = await self._slice(tenant_id)
            published += count
        return published

    async def _slice(self, tenant_id: TenantId) -> tuple[int, bool]:
        """Publish one slice; return how many events, and whether there may be more."""
        after, hint = await self._next(tenant_id)
        if hint is None:
            return 0, False
        await self.bus.publish(hint)

        async def work(tx: Transaction) -> bool:
            return await journal.advance(tx, RELAY, tenant_id, after, hint.last)

        moved = await self.database.transact(tenant_id, work)
        return hint.count, moved and hint.count == _SLICE

    async def _next(self, tenant_id: TenantId) -> tuple[int, Hint | None]:
        async def work(tx: Transaction) -> tuple[int, Hint | None]:
            after = await journal.applied(tx, RELAY, tenant_id)
            return after, await journal.hint_after(tx, tenant_id, after, _SLICE)

        return await self.database.read(tenant_id, work)


def relay_child(relay_id: str, relay: Relay) -> ChildSpec:
    """Describe a relay as a child."""
    return ChildSpec(relay_id, relay.run)
