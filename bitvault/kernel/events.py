"""Events: facts in the past tense, the published language between rooms and workers (ADR-0006)."""

from collections.abc import Callable, Mapping
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

    What is stored is read for as long as the platform lives. A new field has a default, and is no
    new version. To remove a field or give it another type: raise ``schema``, and add to
    ``upcasts`` what makes the fields of the new version from those of the one before.
    """

    kind: ClassVar[str]
    schema: ClassVar[int] = 1
    """The version of its fields."""
    upcasts: ClassVar[Mapping[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]]] = {}
    """By the version that they take: from its fields as JSON values to those of the next one."""
    aggregate_id: UUID
    revision: int


@frozen
class Recorded:
    """An event as its consumers are given it: numbered, and attributed."""

    tenant_id: TenantId
    seq: int
    """1, 2, 3 … per tenant, in commit order, without a gap."""
    event_id: UUID
    recorded_at: datetime
    user_id: UserId | None
    """Who did it; None for the platform itself."""
    origin: Mapping[str, str]
    """``request_id``, ``address``, ``user_agent`` and ``credential_id`` of the request that caused
    it; may be empty. From an operator of another tenant: ``request_id`` and ``by``."""
    event: Event


@frozen
class Position:
    """A place in a tenant's event sequence; ``epoch`` changes when a backup is restored."""

    epoch: UUID
    seq: int

    def __str__(self) -> str:
        """Render as the opaque event id that the REST interface answers writes with."""
        return f"{self.epoch.hex[:12]}-{self.seq}"
