"""Retries are bounded, jittered, and only for what may pass."""

import pytest

from bitvault.client.errors import Problem, Unreachable
from bitvault.client.retry import RetryPolicy


def test_waits_grow_to_the_cap() -> None:
    """The ceiling doubles; Retry-After wins, up to the cap."""
    policy = RetryPolicy(first=1, cap=5, draw=lambda: 1.0)
    assert [policy.delay(n) for n in (1, 2, 3, 4)] == [1, 2, 4, 5]
    assert (policy.delay(1, 3), policy.delay(1, 60)) == (3, 5)


def test_a_retryable_failure_is_tried_again_and_then_raised() -> None:
    """Three attempts make two waits, and the last failure is the caller's."""
    waits: list[float] = []
    tries: list[int] = []

    def attempt() -> None:
        tries.append(1)
        raise Unreachable("the server", "down")

    with pytest.raises(Unreachable):
        RetryPolicy(attempts=3, wait=waits.append).run(attempt)
    assert (len(tries), len(waits)) == (3, 2)


def test_a_final_refusal_is_not_retried() -> None:
    """A name that is taken will be taken the next time too."""
    tries: list[int] = []

    def attempt() -> None:
        tries.append(1)
        raise Problem(409, {"code": "name_taken"})

    with pytest.raises(Problem, match="409"):
        RetryPolicy(wait=lambda _: None).run(attempt)
    assert len(tries) == 1
