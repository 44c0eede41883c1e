"""Writing what was decided, while the right to decide it holds."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import define

from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.store.deciding import Overtaken, hold_right
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.events import Event
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refused, Unavailable
from bitvault.outbox import Outbox

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]

_TRIES = 8


@define(eq=False)
class SharingTransactions:
    """Transactions in which somebody shares a node, and the events of what is written in them."""

    database: Database
    outbox: Outbox
    access: NodeAccess

    async def run(
        self,
        caller: Caller,
        node_id: NodeId,
        work: Work[T],
        look: Callable[[], Awaitable[object]] | None = None,
    ) -> T:
        """Run ``work`` in a transaction to whose end the caller may share the node.

        Who lost that right since it was looked at is answered by looking again, with ``look``.
        """

        async def deciding(tx: Transaction) -> T:
            await hold_right(tx, caller, node_id)
            return await work(tx)

        for _ in range(_TRIES):
            try:
                return await self.database.transact(caller.tenant_id, deciding)
            except Overtaken:
                await (look() if look else self.access.sharable(caller, node_id))
        raise Refused(Unavailable("sharing"))

    async def tell(self, tx: Transaction, caller: Caller, event: Event) -> None:
        """Append an event of what the transaction writes."""
        await self.outbox.append(tx, caller.tenant_id, [event], caller)
