"""Limits in memory: all or none, bounded, and a flood sets nobody free."""

import pytest
from attrs import define, field

from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.kernel.limits import Charge, Limit

SLOW = Limit("slow", rate=0.01, burst=3)
FAST = Limit("fast", rate=10, burst=100)


@define
class Held:
    """Limits that hold a hundred keys exactly, and a clock."""

    time: float = 1000.0
    limits: MemoryLimits = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.limits = MemoryLimits(most=100, now=lambda: self.time)

    async def take(self, *keys: str, limit: Limit = SLOW) -> bool:
        """Charge one unit to each key; say whether it was allowed."""
        verdicts = await self.limits.take([Charge(key, limit) for key in keys])
        return all(verdict.is_allowed for verdict in verdicts)


async def test_a_refused_charge_leaves_the_others_unspent() -> None:
    """One key that has to wait makes all charges of the call void."""
    held = Held()
    assert [await held.take("a") for _ in range(4)] == [True, True, True, False]
    assert not await held.take("b", "a")
    assert [await held.take("b") for _ in range(4)] == [True, True, True, False]


async def test_what_is_given_back_can_be_spent_again() -> None:
    """Exactly that, and no more."""
    held = Held()
    for _ in range(3):
        await held.take("a")
    await held.limits.give_back([Charge("a", SLOW)])
    assert [await held.take("a"), await held.take("a")] == [True, False]


@pytest.mark.requirement("X9")
async def test_a_flood_of_keys_neither_grows_the_state_nor_frees_a_limited_key() -> None:
    """Ten thousand strangers later, who had to wait has to wait still."""
    held = Held()
    while await held.take("attacker"):
        pass
    for number in range(10_000):
        await held.take(f"stranger {number}")
    assert len(held.limits) <= 100
    assert not await held.take("attacker")
    held.time += 100
    assert [await held.take("attacker"), await held.take("attacker")] == [True, False]


@pytest.mark.requirement("X9", "X57")
async def test_no_key_is_forgotten_in_any_flood() -> None:
    """Whoever of a thousand keys has used up its burst is refused, wherever its state went."""
    held = Held()
    for _ in range(3):
        for number in range(1000):
            await held.take(f"key {number}")
    assert not any([await held.take(f"key {number}") for number in range(1000)])


async def test_a_newcomer_is_not_limited_by_a_flood_of_others() -> None:
    """A few thousand spilled keys leave room in the sketch for strangers."""
    held = Held()
    for number in range(2000):
        await held.take(f"stranger {number}")
    allowed = [await held.take(f"newcomer {number}") for number in range(500)]
    assert all(allowed)


async def test_what_is_whole_again_is_dropped() -> None:
    """After a flood the state shrinks as charges come in, without a pass over all of it."""
    held = Held()
    for number in range(100):
        await held.take(f"stranger {number}", limit=FAST)
    held.time += 10
    for number in range(60):
        await held.take(f"later {number}", limit=FAST)
    assert len(held.limits) == 60


async def test_a_charge_of_nothing_is_no_trouble() -> None:
    """A key that owes nothing is not held."""
    held = Held()
    await held.limits.take([Charge("a", SLOW, 0)])
    assert len(held.limits) == 0


@pytest.mark.requirement("X57")
async def test_a_flood_at_one_limit_makes_nobody_wait_at_another() -> None:
    """However long the keys of the one are remembered: strangers there are no strangers here."""
    held, once = Held(), Limit("once", rate=0.01, burst=1)
    for number in range(50_000):
        await held.take(f"slow {number}", limit=once)
    # One alone may be lucky with its cells, about one time in six.
    assert not all([await held.take(f"stranger {number}", limit=once) for number in range(20)])
    assert all([await held.take(f"fast {number}", limit=FAST) for number in range(1_000)])
