"""The restart window, as a property."""

from hypothesis import given
from hypothesis import strategies as st

from supervisors import Backoff, add_restart

TIMES = st.lists(st.floats(0, 1000), max_size=40).map(sorted)


@given(times=TIMES, intensity=st.integers(0, 5), period=st.floats(0.1, 100))
def test_a_restart_is_refused_exactly_above_the_intensity(
    times: list[float], intensity: int, period: float
) -> None:
    """The window agrees with counting all restarts of the last period, this one included."""
    stamps: tuple[float, ...] = ()
    for count, now in enumerate(times, start=1):
        stamps, allowed = add_restart(stamps, now, intensity=intensity, period=period)
        recent = sum(now <= earlier + period for earlier in times[:count])
        assert allowed == (recent <= intensity)
        assert len(stamps) == recent


def test_a_stamp_exactly_one_period_old_still_counts() -> None:
    """OTP's boundary: now <= then + period."""
    assert add_restart((0.0,), 5.0, intensity=1, period=5.0) == ((0.0, 5.0), False)
    assert add_restart((0.0,), 5.1, intensity=1, period=5.0) == ((5.1,), True)


@given(streak=st.integers(1, 10_000), draw=st.floats(0, 1, exclude_max=True))
def test_backoff_stays_within_its_bounds(streak: int, draw: float) -> None:
    """A delay is never negative, never above the maximum, and none for the first restart."""
    backoff = Backoff(base=0.1, maximum=30, jitter=0.5, random=lambda: draw)

    assert 0 <= backoff.delay(streak) <= 30
    assert backoff.delay(1) == 0
