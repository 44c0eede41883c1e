"""Retries: exponential backoff with full jitter, bounded in number and in length."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from attrs import field, frozen

from bitvault.client.errors import BitVaultError

T = TypeVar("T")


@frozen
class RetryPolicy:
    """Up to ``attempts`` tries; the wait before retry n is random in 0..min(cap, first * 2^n).

    Full jitter keeps clients that failed together from coming back together. A Retry-After of
    the server wins over the drawn wait, up to ``cap``. Times are in seconds.
    """

    attempts: int = 5
    first: float = 0.2
    cap: float = 10.0
    draw: Callable[[], float] = field(default=random.random, repr=False)
    wait: Callable[[float], None] = field(default=time.sleep, repr=False)

    def delay(self, failures: int, retry_after: float | None = None) -> float:
        """Return the wait after the ``failures``-th failure in a row (1, 2, ...)."""
        if retry_after is not None:
            return min(retry_after, self.cap)
        ceiling: float = min(self.cap, self.first * 2 ** (failures - 1))
        return ceiling * self.draw()

    def run(self, attempt: Callable[[], T]) -> T:
        """Call ``attempt`` until it succeeds, fails for good, or the tries are used up.

        Raises:
            BitVaultError: the last failure.
        """
        for failures in range(1, self.attempts):
            try:
                return attempt()
            except BitVaultError as error:
                if not error.retryable:
                    raise
                self.wait(self.delay(failures, getattr(error, "retry_after", None)))
        return attempt()


NO_RETRY = RetryPolicy(attempts=1)
