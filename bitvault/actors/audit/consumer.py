"""The audit sink: every event becomes one entry."""

from collections.abc import Collection, Sequence

from attrs import frozen

from bitvault.actors.audit import store
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Event, Recorded


@frozen
class AuditSink:
    """Its effect is a row for each event, in the transaction of its cursor."""

    events: Collection[type[Event]]
    """All there are."""
    name: str = "audit"

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Write the entries."""
        await store.insert_entries(tx, events)
