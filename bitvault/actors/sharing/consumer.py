"""Forgets what was granted on nodes that are gone for good."""

from collections.abc import Sequence

from attrs import frozen

from bitvault.actors.sharing import store
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Recorded


@frozen
class GrantSweeper:
    """Of what lies below a purged folder the grants stay: nothing leads to them any more."""

    name: str = "sharing"
    subjects: Sequence[str] = ("node.*",)

    async def apply(self, tx: Transaction, event: Recorded) -> None:
        """Drop the grants on a purged node."""
        if event.kind == "node.purged":
            await store.forget(tx, event.tenant_id, event.aggregate_id)
