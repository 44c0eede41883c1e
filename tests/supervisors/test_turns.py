"""Turns: what is told of them, and who may ask for one."""

from collections.abc import Callable

import pytest
import trio

from supervisors import Bell, Board, Child, Turns
from supervisors.child import Tree


def a_child() -> Child:
    """Return a life of nobody in particular."""
    return Child("root/worker", Tree(lambda _report: None), lambda _value: None)


async def test_a_turn_tells_when_it_was_and_what_it_did(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The latest, the latest that did something, and the sum of all stand side by side."""
    turns = Turns("sweep")
    with turns.turn() as first:
        await trio.sleep(2)
        first.count("swept", 3)
        first.count("kept", 0)
    await trio.sleep(10)
    with turns.turn() as second:
        assert (turns.ended, second.ended) == (1, None)

    assert (turns.last, turns.worked, turns.ended) == (second, first, 2)
    assert (first.ended or 0) - first.began == 2
    assert second.began - first.began == 12
    assert dict(turns.totals) == {"swept": 3}


async def test_failures_in_a_row_are_counted_and_forgiven() -> None:
    """A failure is told by hand or raised; a turn that is well ends the row, not the memory."""
    turns = Turns("sweep")
    with turns.turn() as turn:
        turn.fail("the store does not answer")
    with pytest.raises(ValueError, match="secret"), turns.turn():
        raise ValueError("a secret")
    assert (turns.failures, turns.failed) == (2, turns.last)
    assert turns.last is not None
    assert turns.last.error == "ValueError"

    with turns.turn():
        pass

    assert (turns.failures, turns.last.error) == (0, "")
    assert turns.failed is not None
    assert turns.failed.number == 2


async def test_whoever_asks_gets_a_turn_that_begins_after_that(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """One under way is not the one that was asked for, and many who ask are one."""
    turns = Turns("sweep")
    assert (turns.ask(), turns.ask()) == (1, 1)
    with turns.turn():
        assert not turns.is_wanted
        assert turns.ask() == 2
    assert turns.is_wanted
    with turns.turn() as second:
        pass
    assert (turns.asked, turns.is_wanted, turns.ended) == (second, False, 2)


async def test_asking_ends_a_rest(autojump_clock: trio.testing.MockClock) -> None:
    """Turns come at their time, or at once when somebody asks, and never two at a time."""
    board, child, began = Board(), a_child(), list[float]()
    turns = board.turns("sweep")

    async def work() -> None:
        with turns.taken_by(child):
            while not child.stopping.is_set():
                with turns.turn():
                    began.append(trio.current_time() - start)
                    await trio.sleep(5)
                await turns.rest(child, 60)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await trio.sleep(3)
        board.turns("sweep").ask()  # while the first is under way
        await trio.sleep(17)
        assert turns.due == start + 70
        turns.ask()
        await trio.sleep(100)
        child.stopping.set()

    assert began == [0, 5, 20, 85]
    assert (turns.worker, turns.due) == ("", None)


def test_a_board_knows_who_ever_took_turns() -> None:
    """A new life goes on with the turns of the one before."""
    board = Board()
    assert board.find("sweep") is None
    turns = board.turns("sweep")
    assert board.turns("sweep") is board.find("sweep") is turns
    assert board.names == ("sweep",)


async def test_nobody_is_asked_in_vain(autojump_clock: trio.testing.MockClock) -> None:
    """What is asked while no worker lives is the first thing its next life does."""
    turns, rang = Turns("sweep"), list[str]()
    ring: Callable[[], None] = lambda: rang.append("rang")  # noqa: E731 - one line
    with turns.taken_by(a_child(), ring):
        assert turns.worker == "root/worker"
    turns.ask()
    assert (turns.is_wanted, rang) == (True, [])

    with turns.taken_by(a_child(), ring):
        await turns.rest(a_child(), 60)
        assert trio.current_time() == 0
        turns.ask()
    assert rang == ["rang"]


async def test_a_bell_rung_while_nobody_rests_is_not_heard(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The next rest takes its time; a stop ends it."""
    bell, child = Bell(), a_child()
    bell.ring()
    await bell.rest(child, 60)
    assert trio.current_time() == 60
    child.stopping.set()
    await bell.rest(child, 60)
    assert trio.current_time() == 60
