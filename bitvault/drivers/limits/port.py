"""The port of rate limits: who has spent how much."""

from collections.abc import Sequence
from typing import Protocol

from bitvault.kernel.limits import Charge, Verdict


class Limits(Protocol):
    """Keeps one arrival time for each key; the decisions are `kernel.limits.decide`.

    It always decides: an implementation whose server is down or slow decides from its own memory,
    because limits on authentication never switch off. Its memory is bounded, and what is
    forgotten to stay within the bound never makes a limited key free.
    """

    async def take(self, charges: Sequence[Charge]) -> Sequence[Verdict]:
        """Make all of the charges, each under a key of its own, or none; a verdict for each."""
        ...

    async def give_back(self, charges: Sequence[Charge]) -> None:
        """Undo charges that were made; where that cannot be known any more, they stand."""
        ...
