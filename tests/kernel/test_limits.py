"""GCRA against a bucket that is filled step by step in exact numbers."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitvault.kernel.limits import Limit, decide

LIMIT = Limit("test", rate=2.0, burst=6.0)
ARRIVALS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8)), max_size=60)


@pytest.mark.requirement("X57")
@settings(derandomize=True, max_examples=300, deadline=None)
@given(ARRIVALS, st.integers(1, 16), st.integers(1, 12))
def test_it_decides_as_a_bucket_does(gaps: list[tuple[int, int]], rate: int, burst: int) -> None:
    """X57: the same charges pass, and as much remains, for any rate, burst, cost and pause."""
    limit = Limit("test", rate, burst)
    level, arrival, now = Fraction(burst), 0.0, 1000.0
    for eighths, cost in gaps:
        now += eighths / 8
        level = min(Fraction(burst), level + Fraction(eighths, 8) * rate)
        price = min(cost, burst)
        verdict = decide(arrival, now, limit, cost)
        assert verdict.is_allowed == (level >= price)
        if verdict.is_allowed:
            level, arrival = level - price, verdict.arrival
        assert verdict.remaining == pytest.approx(float(level), abs=1e-4)
        assert verdict.reset == pytest.approx(float((burst - level) / rate), abs=1e-4)


def test_the_wait_is_exact() -> None:
    """A charge that was told to wait passes then, and not a moment sooner."""
    spent = decide(0.0, 100.0, LIMIT, 6)
    told = decide(spent.arrival, 100.5, LIMIT, 4)
    assert told.wait == pytest.approx(1.5)
    assert not decide(spent.arrival, 100.5 + told.wait - 0.01, LIMIT, 4).is_allowed
    assert decide(spent.arrival, 100.5 + told.wait, LIMIT, 4).is_allowed


def test_what_is_refused_costs_nothing() -> None:
    """The arrival time of a refusal is the one before: waiting is not made longer by asking."""
    spent = decide(0.0, 100.0, LIMIT, 6)
    told = decide(spent.arrival, 100.0, LIMIT, 1)
    assert (told.is_allowed, told.arrival) == (False, spent.arrival)


def test_what_costs_more_than_the_burst_costs_the_burst() -> None:
    """A batch of a thousand under a burst of six waits for a whole bucket, and not for ever."""
    assert decide(0.0, 100.0, LIMIT, 1000).remaining == 0
    assert decide(100.5, 100.0, LIMIT, 1000).wait == pytest.approx(0.5)


def test_an_arrival_of_another_clock_owes_a_window_at_most() -> None:
    """A key whose time was kept before a clock went back waits as after a burst."""
    assert decide(1e9, 100.0, LIMIT, 1).wait == pytest.approx(0.5)
