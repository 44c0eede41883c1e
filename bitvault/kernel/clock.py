"""The clock port. Rules take ``now`` as an argument; only actors and edges hold a clock."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time; for durations use ``trio.current_time()``, which tests can bend."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)
