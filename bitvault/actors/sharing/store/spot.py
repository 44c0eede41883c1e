"""Where something is said, by whom and when."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from attrs import frozen

from bitvault.kernel.ids import NodeId, TenantId, UserId
from bitvault.kernel.principal import Caller


@frozen
class Spot:
    """The node that something is said of, by whom and when."""

    tenant: TenantId
    node_id: NodeId
    user_id: UserId
    now: datetime

    @classmethod
    def of(cls, caller: Caller, node_id: NodeId, now: datetime) -> Self:
        """Have the caller say it."""
        return cls(caller.tenant_id, node_id, caller.principal.user_id, now)

    @property
    def key(self) -> dict[str, UUID]:
        """Return the parameters that find its rows."""
        return {"tenant": self.tenant, "node_id": self.node_id}

    @property
    def stamp(self) -> dict[str, Any]:
        """Return the parameters of a new row."""
        return {**self.key, "user_id": self.user_id, "now": self.now}
