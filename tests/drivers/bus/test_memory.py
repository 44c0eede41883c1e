"""The in-process bus is bounded, and says when it dropped something."""

from uuid import UUID

import pytest
import trio

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.kernel.events import Recorded
from bitvault.kernel.ids import TenantId
from tests.support.determinism import FixedClock

CAPACITY = 1000


def event(kind: str, seq: int = 1) -> Recorded:
    """Return an event of a kind."""
    zero = UUID(int=0)
    return Recorded(TenantId(zero), seq, zero, kind, zero, 1, FixedClock().now(), None, {}, {})


@pytest.mark.parametrize(
    ("subjects", "kind", "wanted"),
    [
        (["node.*"], "node.committed", True),
        (["node.*", "blob.*"], "blob.gone", True),
        (["node.*"], "nodes.committed", False),
        (["node.committed"], "node.committed", True),
        (["node.committed"], "node.committed_twice", False),
        ([], "node.committed", False),
    ],
)
async def test_subjects_choose_the_events(subjects: list[str], kind: str, wanted: bool) -> None:  # noqa: FBT001 - a table's column
    """A subject is a prefix with a star, or one exact kind."""
    bus = MemoryBus()
    subscription = bus.subscribe("reader", subjects)

    await bus.publish([event(kind)])

    assert subscription.statistics().current_buffer_used == int(wanted)


async def test_every_subscription_gets_every_event_in_order() -> None:
    """Subscribers do not take events from each other."""
    bus = MemoryBus()
    readers = [bus.subscribe(name, ["node.*"]) for name in ("one", "two")]
    events = [event("node.committed", seq) for seq in (1, 2, 3)]

    await bus.publish(events)

    for reader in readers:
        assert [await reader.receive() for _ in events] == events


async def test_a_full_subscription_drops_and_says_so_once() -> None:
    """What fitted is delivered, then None, then what came later; the publisher never waits."""
    bus = MemoryBus()
    reader = bus.subscribe("slow", ["node.*"])
    await bus.publish([event("node.committed", seq) for seq in range(CAPACITY + 5)])

    received = [await reader.receive() for _ in range(CAPACITY + 1)]
    await bus.publish([event("node.moved", 9999)])

    assert [e.seq for e in received[:-1] if e] == list(range(CAPACITY))
    assert received[-1] is None
    assert await reader.receive() == event("node.moved", 9999)


async def test_a_closed_subscription_receives_nothing_more() -> None:
    """Publishing goes on without it."""
    bus = MemoryBus()
    reader = bus.subscribe("gone", ["node.*"])
    reader.close()
    reader.close()

    await bus.publish([event("node.committed")])

    with pytest.raises(trio.ClosedResourceError):
        await reader.receive()
