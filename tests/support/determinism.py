"""A clock that stands still until a test moves it, and ids that count."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import define, field

from bitvault.kernel.ids import uuid7_from

_START = datetime(2030, 1, 1, tzinfo=UTC)


@define(eq=False)
class FixedClock:
    """Implements ``Clock``; time passes by ``advance`` alone."""

    time: datetime = _START

    def now(self) -> datetime:
        """Return the time the test has set."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


@define(eq=False)
class SequenceIds:
    """Implements ``Ids``: strictly increasing UUIDv7 and secrets from a seed."""

    seed: int = 1
    _random: random.Random = field(init=False)
    _tick: int = field(init=False, default=int(_START.timestamp() * 1000) << 12)

    def __attrs_post_init__(self) -> None:
        """Start the sequence."""
        self._random = random.Random(self.seed)  # noqa: S311 - tests want the same bytes again

    def uuid7(self) -> UUID:
        """Return the next id."""
        self._tick += 1
        return uuid7_from(self._tick, self._random.randbytes(8))

    def secret(self, size: int) -> bytes:
        """Return bytes that only the seed can tell."""
        return self._random.randbytes(size)
