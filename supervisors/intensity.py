"""The restart window: pure (OTP `supervisor:add_restart/1`)."""

__all__ = ["add_restart"]


def add_restart(
    stamps: tuple[float, ...], now: float, *, intensity: int, period: float
) -> tuple[tuple[float, ...], bool]:
    """Count one restart.

    Args:
        stamps: Times of the restarts counted so far, oldest first, seconds.
        now: Time of this restart, not before the last stamp.
        intensity: Restarts allowed within `period`; this is the burst you accept.
        period: Seconds. With `intensity` it sets the sustained rate you accept.

    Returns:
        The stamps to keep (those within the period, this one included) and whether the restart
        is allowed. A stamp exactly `period` old still counts, as in OTP.
    """
    kept = (*(stamp for stamp in stamps if now <= stamp + period), now)
    return kept, len(kept) <= intensity
