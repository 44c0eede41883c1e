"""Turns: a flood from one address is worked through a few at a time, and others go on."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from bitvault.http.turns import Turns


@pytest.mark.requirement("X67")
async def test_an_address_has_so_many_at_a_time_in_order(autojump_clock: MockClock) -> None:
    """The others wait behind them, first come first served; another address waits for none."""
    turns, begun, end = Turns(most=2), list[str](), [trio.Event() for _ in range(4)]

    async def request(name: str, address: str, until: trio.Event) -> None:
        async with turns.of(address):
            begun.append(name)
            await until.wait()

    async with trio.open_nursery() as nursery:
        for number, event in enumerate(end):
            nursery.start_soon(request, f"a{number}", "a", event)
            await wait_all_tasks_blocked()
        assert begun == ["a0", "a1"]
        nursery.start_soon(request, "b", "b", end[0])
        await wait_all_tasks_blocked()
        assert begun == ["a0", "a1", "b"]
        end[1].set()
        await wait_all_tasks_blocked()
        assert begun == ["a0", "a1", "b", "a2"]
        for event in end:
            event.set()
    assert begun == ["a0", "a1", "b", "a2", "a3"]


async def test_a_request_that_waits_for_something_keeps_nobody(autojump_clock: MockClock) -> None:
    """A turn lasts a moment at most, so slow requests of one address overlap."""
    turns, begun = Turns(most=2), list[float]()

    async def slow() -> None:
        async with turns.of("a"):
            begun.append(trio.current_time())
            await trio.sleep(10)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(slow)
    assert [round(at - start, 3) for at in begun] == [0, 0, 0.05, 0.05, 0.1, 0.1]


async def test_a_request_that_lasts_takes_no_turns_along(autojump_clock: MockClock) -> None:
    """It ends when all others of its address have, and new ones have come: these stay counted."""
    turns, begun = Turns(most=1), list[float]()

    async def request(seconds: float) -> None:
        async with turns.of("a"):
            begun.append(trio.current_time())
            await trio.sleep(seconds)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for begins, seconds in ((0, 0.11), (0.06, 0.01), (0.1, 0.04), (0.12, 0.01)):
            await trio.sleep_until(start + begins)
            nursery.start_soon(request, seconds)
    assert [round(at - start, 3) for at in begun] == [0, 0.06, 0.1, 0.14]


async def test_who_gives_up_or_fails_leaves_no_turn_behind(autojump_clock: MockClock) -> None:
    """A request that ends while it waits, or by an error, is forgotten with its address."""
    turns = Turns(most=1)

    async def failing() -> None:
        async with turns.of("a"):
            with trio.move_on_after(0.01):
                async with turns.of("a"):
                    pytest.fail("it had no turn")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    async with turns.of("a"):
        assert list(turns._lines) == ["a"]
    assert turns._lines == {}
