"""The audit sink: every event becomes one entry."""

from attrs import frozen

from bitvault.actors.audit import store
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Recorded


@frozen
class AuditSink:
    """The first consumer; its effect is a row in the transaction of its cursor."""

    name: str = "audit"
    events: None = None

    async def apply(self, tx: Transaction, event: Recorded) -> None:
        """Write the entry."""
        await store.insert_entry(tx, event)
