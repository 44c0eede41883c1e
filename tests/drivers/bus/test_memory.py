"""The in-process bus is bounded, and says when it dropped something."""

from uuid import UUID

import pytest
import trio

from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.bus.port import Hint
from bitvault.kernel.ids import TenantId

CAPACITY = 1000


def hint(*kinds: str, last: int = 1) -> Hint:
    """Return a hint at events of these kinds."""
    return Hint(TenantId(UUID(int=0)), last, 1, frozenset(kinds))


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
async def test_subjects_choose_the_hints(subjects: list[str], kind: str, wanted: bool) -> None:  # noqa: FBT001 - a table's column
    """A subject is a prefix with a star, or one exact kind."""
    bus = MemoryBus()
    subscription = bus.subscribe("reader", subjects)

    await bus.publish(hint(kind, "space.changed"))

    assert subscription.statistics().current_buffer_used == int(wanted)


async def test_every_subscription_gets_every_hint_in_order() -> None:
    """Subscribers do not take hints from each other."""
    bus = MemoryBus()
    readers = [bus.subscribe(name, ["node.*"]) for name in ("one", "two")]
    hints = [hint("node.committed", last=seq) for seq in (1, 2, 3)]

    for one in hints:
        await bus.publish(one)

    for reader in readers:
        assert [await reader.receive() for _ in hints] == hints


async def test_a_full_subscription_drops_and_says_so_once() -> None:
    """What fitted is delivered, then None, then what came later; the publisher never waits."""
    bus = MemoryBus()
    reader = bus.subscribe("slow", ["node.*"])
    for seq in range(CAPACITY + 5):
        await bus.publish(hint("node.committed", last=seq))

    received = [await reader.receive() for _ in range(CAPACITY + 1)]
    await bus.publish(hint("node.moved", last=9999))

    assert [one.last for one in received[:-1] if one] == list(range(CAPACITY))
    assert received[-1] is None
    assert await reader.receive() == hint("node.moved", last=9999)


async def test_a_closed_subscription_receives_nothing_more() -> None:
    """Publishing goes on without it."""
    bus = MemoryBus()
    reader = bus.subscribe("gone", ["node.*"])
    reader.close()
    reader.close()

    await bus.publish(hint("node.committed"))

    with pytest.raises(trio.ClosedResourceError):
        await reader.receive()
