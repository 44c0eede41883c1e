"""Rate limits of one process, in bounded memory.

The most recent keys are held exactly. The others are poured into a sketch of fixed size, one for
each limit, with several hashed cells for each key, that can say too much of a key and never too
little: a flood of distinct keys may make strangers wait for one another at that limit, which has
one window for all, but sets nobody free.
"""

import os
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import islice

import trio
from attrs import define, evolve, field

from bitvault.kernel.limits import Charge, Verdict, decide

_ROWS = 4
_CELLS = 1 << 14
_NEVER = float("-inf")


@define(eq=False)
class Sketch:
    """Arrival times of any number of keys in 512 KiB; what it says is never too early."""

    salt: bytes = field(factory=partial(os.urandom, 16), repr=False)
    """Secret, so that nobody can choose with whom to share cells."""
    _cells: "array[float]" = field(init=False, repr=False)
    _latest: float = _NEVER

    def __attrs_post_init__(self) -> None:
        """Start empty."""
        self._cells = array("d", [_NEVER]) * (_ROWS * _CELLS)

    def arrival(self, key: str, now: float) -> float:
        """Return an arrival time that is at least the key's own, if that is still to come."""
        if self._latest <= now:
            return _NEVER
        return min(self._cells[at] for at in self._places(key))

    def note(self, key: str, arrival: float) -> None:
        """Keep a key's arrival time."""
        self._latest = max(self._latest, arrival)
        for at in self._places(key):
            self._cells[at] = max(self._cells[at], arrival)

    def _places(self, key: str) -> Iterator[int]:
        digest = blake2b(
            key.encode(errors="replace"), digest_size=4 * _ROWS, key=self.salt
        ).digest()
        for row in range(_ROWS):
            cell = int.from_bytes(digest[4 * row : 4 * row + 4]) % _CELLS
            yield row * _CELLS + cell


@define(eq=False)
class MemoryLimits:
    """Implements ``Limits`` for one process.

    Attributes:
        most: How many keys are held exactly.
        now: Seconds on a clock that only goes forward.
    """

    most: int = 50_000
    now: Callable[[], float] = trio.current_time
    _arrivals: OrderedDict[str, tuple[float, str]] = field(
        factory=OrderedDict, init=False, repr=False
    )
    """With the name of the limit that each key is of."""
    _sketches: dict[str, Sketch] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._arrivals)

    async def take(self, charges: Sequence[Charge]) -> Sequence[Verdict]:
        """Make all of the charges or none."""
        now = self.now()
        verdicts = [self._judge(charge, now) for charge in charges]
        if all(verdict.is_allowed for verdict in verdicts):
            for charge, verdict in zip(charges, verdicts, strict=True):
                self._keep(charge, verdict.arrival, now)
            return verdicts
        # What would have been allowed is not made either, so it must not be shown as spent.
        return [
            self._judge(evolve(charge, cost=0), now) if verdict.is_allowed else verdict
            for charge, verdict in zip(charges, verdicts, strict=True)
        ]

    async def give_back(self, charges: Sequence[Charge]) -> None:
        """Undo charges; one whose key went into the sketch stands, for its cells are shared."""
        for charge in charges:
            if (held := self._arrivals.get(charge.key)) is not None:
                arrival = held[0] - charge.limit.seconds(charge.cost)
                self._arrivals[charge.key] = (arrival, held[1])

    def _judge(self, charge: Charge, now: float) -> Verdict:
        held = self._arrivals.get(charge.key)
        arrival = self._poured(charge, now) if held is None else held[0]
        return decide(arrival, now, charge.limit, charge.cost)

    def _poured(self, charge: Charge, now: float) -> float:
        sketch = self._sketches.get(charge.limit.name)
        return _NEVER if sketch is None else sketch.arrival(charge.key, now)

    def _keep(self, charge: Charge, arrival: float, now: float) -> None:
        self._arrivals[charge.key] = (arrival, charge.limit.name)
        self._arrivals.move_to_end(charge.key)
        # Two at most: what a flood left is gone after as many charges, and no charge pays for it.
        for oldest, (until, name) in list(islice(self._arrivals.items(), 2)):
            if until > now and len(self._arrivals) <= self.most:
                return
            del self._arrivals[oldest]
            if until > now:
                self._pour(oldest, name, until)

    def _pour(self, key: str, name: str, arrival: float) -> None:
        if name not in self._sketches:
            self._sketches[name] = Sketch()
        self._sketches[name].note(key, arrival)
