"""The in-process bus: bounded memory channels that mirror the subjects.

A subscription that is full drops and says so once; its consumer then reads the outbox instead.
"""

from collections.abc import Sequence

import trio
from attrs import define, field

from bitvault.drivers.bus.port import Subscription
from bitvault.kernel.events import Recorded

_CAPACITY = 1000


@define(eq=False)
class MemorySubscription:
    """One subscriber's bounded queue."""

    name: str
    subjects: tuple[str, ...]
    bus: "MemoryBus"
    dropped: bool = False
    _send: trio.MemorySendChannel[Recorded] = field(init=False)
    _receive: trio.MemoryReceiveChannel[Recorded] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the channel."""
        self._send, self._receive = trio.open_memory_channel[Recorded](_CAPACITY)

    def matches(self, kind: str) -> bool:
        """Return whether an event of this kind is wanted."""
        return any(
            kind.startswith(subject[:-1]) if subject.endswith("*") else kind == subject
            for subject in self.subjects
        )

    def offer(self, event: Recorded) -> None:
        """Queue an event, or note that one was dropped."""
        try:
            self._send.send_nowait(event)
        except trio.WouldBlock:
            self.dropped = True

    async def receive(self) -> Recorded | None:
        """Wait for the next event; None once after some were dropped."""
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

    async def publish(self, events: Sequence[Recorded]) -> None:
        """Offer each event to each matching subscription; never waits for a slow one."""
        for event in events:
            for subscription in self._subscriptions:
                if subscription.matches(event.kind):
                    subscription.offer(event)
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
