"""The event bus port. A hint, never the truth: consumers read the outbox for what there is."""

from collections.abc import Sequence
from typing import Protocol

import trio
from attrs import frozen

from bitvault.kernel.ids import TenantId


@frozen
class Hint:
    """That a tenant has new events, and what they tell of; the events are in the outbox."""

    tenant_id: TenantId
    last: int
    """The seq of the last of them."""
    count: int
    subjects: frozenset[str]
    """Their kinds."""


class Subscription(Protocol):
    """What a subscriber receives: hints at its subjects, at least once while it listens."""

    async def receive(self) -> Hint | None:
        """Wait for the next hint; None says that some were dropped: look at every tenant."""
        ...

    def close(self) -> None:
        """Stop receiving; what is still queued is dropped."""
        ...

    def statistics(self) -> trio.MemoryChannelStatistics:
        """Return the state of the channel behind it."""
        ...


class Bus(Protocol):
    """Publish and subscribe by subject: ``node.*``, ``blob.*``, ``share.*``, ``space.*``."""

    async def publish(self, hint: Hint) -> None:
        """Hand a hint to every matching subscription; returns once the bus has it."""
        ...

    def subscribe(self, name: str, subjects: Sequence[str]) -> Subscription:
        """Open a subscription; ``subjects`` are prefixes such as ``node.*``."""
        ...
