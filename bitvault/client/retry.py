"""Retries: exponential backoff with full jitter, bounded in number and in length."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from attrs import evolve, field, frozen

from bitvault.client.errors import BitVaultError

T = TypeVar("T")

_MORE = 4
"""Tries of a server that has answered before: it is there, so it may come back."""
_LEAST = 1.0
"""Seconds before a limited call is repeated, whatever the server says."""


@frozen
class RetryPolicy:
    """Up to ``attempts`` tries; the wait before retry n is random in 0..min(cap, first * 2^n).

    Full jitter keeps clients that failed together from coming back together. A server that says
    when to come back (Retry-After) is not asked sooner: the drawn wait comes on top. Told to wait
    for more than ``longest``, the call fails at once, because the caller knows better what to do.

    A call that was limited (429) had no effect, and will be let in: it is repeated as often as it
    takes, until all waits of the call exceed ``patience``. ``tell`` hears of each wait before it
    begins. Times are in seconds.
    """

    attempts: int = 5
    first: float = 0.2
    cap: float = 10.0
    longest: float = 60.0
    patience: float = 300.0
    draw: Callable[[], float] = field(default=random.random, repr=False)
    wait: Callable[[float], None] = field(default=time.sleep, repr=False)
    tell: Callable[[BitVaultError, float], None] = field(default=lambda *_: None, repr=False)

    def lasting(self) -> "RetryPolicy":
        """Return one that outlasts a restart of the server: half a minute at the most."""
        return evolve(self, attempts=self.attempts + _MORE) if self.attempts > 1 else self

    def delay(self, failures: int, retry_after: float | None = None) -> float:
        """Return the wait after the ``failures``-th failure in a row (1, 2, ...)."""
        ceiling: float = min(self.cap, self.first * 2 ** (failures - 1))
        return (retry_after or 0.0) + ceiling * self.draw()

    def run(self, attempt: Callable[[], T]) -> T:
        """Call ``attempt`` until it succeeds, fails for good, or the tries are used up.

        Raises:
            BitVaultError: the last failure.
        """
        tries, counted, waited = 0, 0, 0.0
        while True:
            try:
                return attempt()
            except BitVaultError as error:
                tries += 1
                counted += not error.is_limited
                pause = self._pause(error, tries)
                used_up = waited + pause > self.patience if error.is_limited else False
                if not error.retryable or counted >= self.attempts or used_up:
                    raise
                if (error.retry_after or 0.0) > self.longest:
                    raise
                self.tell(error, pause)
            self.wait(pause)
            waited += pause

    def _pause(self, error: BitVaultError, tries: int) -> float:
        asked = error.retry_after
        # The exponent is bounded: tries of a limited call may be many.
        return self.delay(min(tries, 16), max(asked or 0.0, _LEAST) if error.is_limited else asked)


NO_RETRY = RetryPolicy(attempts=1, patience=0.0)
