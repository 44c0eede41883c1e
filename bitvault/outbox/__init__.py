"""Events: appended in the transaction that makes them true, delivered at least once (ADR-0006)."""

from bitvault.outbox.append import Outbox
from bitvault.outbox.consumer import Consumer, ConsumerLoop, consumer_child
from bitvault.outbox.relay import Relay, relay_child
from bitvault.outbox.wakeup import Wakeups

__all__ = [
    "Consumer",
    "ConsumerLoop",
    "Outbox",
    "Relay",
    "Wakeups",
    "consumer_child",
    "relay_child",
]
