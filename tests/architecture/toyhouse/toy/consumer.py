"""Takes note of toys."""

from collections.abc import Collection

from attrs import frozen

from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Event, Recorded
from tests.architecture.toyhouse.toy.actor import SQL
from tests.architecture.toyhouse.toy.contract import ToyMade


@frozen
class ToyNotes:
    """Its effect is a mark."""

    name: str = "toy-notes"
    events: Collection[type[Event]] = (ToyMade,)

    async def apply(self, tx: Transaction, event: Recorded) -> None:
        """Mark the toy."""
        await tx.execute(SQL["note"], tenant_id=event.tenant_id, toy_id=event.aggregate_id)
