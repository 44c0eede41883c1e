"""The in-process bus: bounded memory channels that mirror the subjects.

A subscription that is full drops and says so once; its consumer then reads the outbox instead.
"""

from collections.abc import Sequence

import trio
from attrs import define, field

from bitvault.drivers.bus.port import Hint, Subscription

_CAPACITY = 1000


@define(eq=False)
class MemorySubscription:
    """One subscriber's bounded queue."""

    name: str
    subjects: tuple[str, ...]
    bus: "MemoryBus"
    dropped: bool = False
    _send: trio.MemorySendChannel[Hint] = field(init=False)
    _receive: trio.MemoryReceiveChannel[Hint] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the channel."""
        self._send, self._receive = trio.open_memory_channel[Hint](_CAPACITY)

    def matches(self, hint: Hint) -> bool:
        """Return whether any of its subjects is wanted."""
        return any(
            kind.startswith(subject[:-1]) if subject.endswith("*") else kind == subject
            for subject in self.subjects
            for kind in hint.subjects
        )

    def offer(self, hint: Hint) -> None:
        """Queue a hint, or note that one was dropped."""
        try:
            self._send.send_nowait(hint)
        except trio.WouldBlock:
            self.dropped = True

    async def receive(self) -> Hint | None:
        """Wait for the next hint; None once after some were dropped."""
        if self.dropped and not self._receive.statistics().current_buffer_used:
            self.dropped = False
            return None
        return await self._receive.receive()

    def close(self) -> None:
        """Stop receiving."""
        self.bus.forget(self)
        self._receive.close()

    def statistics(self) -> trio.MemoryChannelStatistics:
        """Return the state of the channel."""
        return self._send.statistics()


@define(eq=False)
class MemoryBus:
    """Publishes to every matching subscription of this process."""

    _subscriptions: list[MemorySubscription] = field(factory=list)

    async def publish(self, hint: Hint) -> None:
        """Offer it to each matching subscription; never waits for a slow one."""
        for subscription in self._subscriptions:
            if subscription.matches(hint):
                subscription.offer(hint)
        await trio.lowlevel.checkpoint()

    def subscribe(self, name: str, subjects: Sequence[str]) -> Subscription:
        """Open a bounded subscription."""
        subscription = MemorySubscription(name, tuple(subjects), self)
        self._subscriptions.append(subscription)
        return subscription

    def forget(self, subscription: MemorySubscription) -> None:
        """Drop a subscription."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
