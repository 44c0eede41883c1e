"""Events: appended in the transaction that makes them true, delivered at least once (ADR-0006)."""

from bitvault.outbox.append import Outbox
from bitvault.outbox.consumer import Consumer, ConsumerLoop, consumer_child
from bitvault.outbox.erasing import erase_events
from bitvault.outbox.journal import lag
from bitvault.outbox.lease import Lease
from bitvault.outbox.pruning import prune
from bitvault.outbox.relay import RELAY, Relay, relay_child
from bitvault.outbox.replay import Letter, Replayed, letters_after, next_aggregate, replay
from bitvault.outbox.wakeup import Wakeups

__all__ = [
    "RELAY",
    "Consumer",
    "ConsumerLoop",
    "Lease",
    "Letter",
    "Outbox",
    "Relay",
    "Replayed",
    "Wakeups",
    "consumer_child",
    "erase_events",
    "lag",
    "letters_after",
    "next_aggregate",
    "prune",
    "relay_child",
    "replay",
]
