"""Events: facts in the past tense, the published language between rooms and workers (ADR-0006)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from attrs import frozen

from bitvault.kernel.ids import TenantId, UserId


@frozen
class Event:
    """The root of every event a room may append to the outbox.

    ``kind`` is the dotted subject (``node.committed``); the first word belongs to one room.
    Subclasses add flat, JSON-representable fields (str, int, bool, UUID, datetime, None).
    ``revision`` counts the changes of the aggregate, so a consumer can tell stale from new.
    """

    kind: ClassVar[str]
    aggregate_id: UUID
    revision: int


@frozen
class Recorded:
    """An event as it stands in the outbox: numbered, attributed, with its fields as JSON values."""

    tenant_id: TenantId
    seq: int
    """1, 2, 3 … per tenant, in commit order, without a gap."""
    event_id: UUID
    kind: str
    aggregate_id: UUID
    revision: int
    recorded_at: datetime
    user_id: UserId | None
    """Who did it; None for the platform itself."""
    origin: Mapping[str, str]
    """``request_id``, ``address``, ``user_agent`` and ``credential_id`` of the request that caused
    it; may be empty. From an operator of another tenant: ``request_id`` and ``by``."""
    payload: Mapping[str, Any]


@frozen
class Position:
    """A place in a tenant's event sequence; ``epoch`` changes when a backup is restored."""

    epoch: UUID
    seq: int

    def __str__(self) -> str:
        """Render as the opaque event id that the REST interface answers writes with."""
        return f"{self.epoch.hex[:12]}-{self.seq}"
