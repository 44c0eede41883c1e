"""The event bus port. A hint, never the truth: consumers read the outbox for what they miss."""

from collections.abc import Sequence
from typing import Protocol

import trio

from bitvault.kernel.events import Recorded


class Subscription(Protocol):
    """What a subscriber receives: events of its subjects, at least once while it listens."""

    async def receive(self) -> Recorded | None:
        """Wait for the next event; None says that some were dropped: read the outbox instead."""
        ...

    def close(self) -> None:
        """Stop receiving; what is still queued is dropped."""
        ...

    def statistics(self) -> trio.MemoryChannelStatistics:
        """Return the state of the channel behind it."""
        ...


class Bus(Protocol):
    """Publish and subscribe by subject: ``node.*``, ``blob.*``, ``share.*``, ``space.*``."""

    async def publish(self, events: Sequence[Recorded]) -> None:
        """Hand the events to every matching subscription; returns once the bus has them."""
        ...

    def subscribe(self, name: str, subjects: Sequence[str]) -> Subscription:
        """Open a subscription; ``subjects`` are prefixes such as ``node.*``."""
        ...
