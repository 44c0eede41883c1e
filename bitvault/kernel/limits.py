"""Rate limits: GCRA, a pure decision over one number for each key.

The number is the theoretical arrival time: when everything spent under the key is refilled. A key
whose arrival has passed is whole again, so it need not be remembered.
"""

from collections.abc import Iterable
from math import ceil

from attrs import frozen

_ROUNDING = 1e-6
"""Seconds; so that the last of a burst is not lost to floating point."""


@frozen
class Limit:
    """``burst`` units at once, refilled at ``rate`` units a second; clients see ``name``."""

    name: str
    rate: float
    burst: float

    @property
    def window(self) -> float:
        """Return the seconds in which nothing becomes the whole burst again."""
        return self.burst / self.rate

    def seconds(self, cost: float) -> float:
        """Return how long it takes to refill ``cost`` units, at most the window.

        What costs more than the burst costs the burst: else it could never be done.
        """
        return min(cost, self.burst) / self.rate


@frozen
class Charge:
    """Units that somebody, named by ``key``, wants to spend under a limit."""

    key: str
    limit: Limit
    cost: float = 1.0


@frozen
class Verdict:
    """What a limit says to one charge.

    Attributes:
        limit: The limit.
        arrival: The key's theoretical arrival time, to be kept if the charge is made.
        wait: Seconds until the charge would be allowed; 0: it is.
        remaining: Units that could be spent now.
        reset: Seconds until the burst is whole again.
    """

    limit: Limit
    arrival: float
    wait: float
    remaining: float
    reset: float

    @property
    def retry_after(self) -> int:
        """Return ``wait`` in whole seconds, not less."""
        return ceil(round(self.wait, 6))

    @property
    def is_allowed(self) -> bool:
        """Say whether the charge may be made."""
        return not self.wait


def seconds_to_wait(verdicts: Iterable[Verdict]) -> int:
    """Return whole seconds until all of the charges would be allowed; 0: they are."""
    return max(verdict.retry_after for verdict in verdicts)


def decide(arrival: float, now: float, limit: Limit, cost: float = 1.0) -> Verdict:
    """Judge a charge; ``arrival`` is what is kept of its key, any time past for an unknown one."""
    # More than a window cannot be owed; an arrival that says so was kept by another clock.
    owed = min(max(arrival - now, 0.0), limit.window)
    spent = owed + limit.seconds(cost)
    late = spent - limit.window
    if late > _ROUNDING:
        return Verdict(limit, now + owed, late, (limit.window - owed) * limit.rate, owed)
    left = max(-late, 0.0) * limit.rate
    return Verdict(limit, now + spent, 0.0, left, spent)
