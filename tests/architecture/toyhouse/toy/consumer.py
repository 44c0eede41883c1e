"""Takes note of toys."""

from collections.abc import Collection, Sequence

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

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Mark the toys."""
        for told in events:
            toy_id = told.event.aggregate_id
            await tx.execute(SQL["note"], tenant_id=told.tenant_id, toy_id=toy_id)
