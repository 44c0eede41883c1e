"""What the finalizer counts."""

from collections import Counter
from datetime import datetime
from typing import Any

import attrs
from attrs import define, field, frozen


@frozen
class Age:
    """Since when the oldest garbage of each kind has waited; None without any."""

    unused: datetime | None = None
    """Content without references, also while its grace lasts."""
    condemned: datetime | None = None
    """Content whose objects storage has not taken charge of."""
    purged: datetime | None = None
    """What a user purged and is not all gone."""
    discarded: datetime | None = None
    """Objects that the store could not delete."""


@define(eq=False)
class Tally:
    """Counts of the last turn and of all turns since the start, and how old garbage is."""

    turns: int = 0
    postponed: int = 0
    """How often a job had to wait for the next turn because something was down."""
    last: Counter[str] = field(factory=Counter)
    totals: Counter[str] = field(factory=Counter)
    oldest: Age = Age()

    def begin(self) -> None:
        """Start a turn."""
        self.turns += 1
        self.last = Counter()

    def add(self, name: str, count: int) -> None:
        """Count what a slice did."""
        if count:
            self.last[name] += count
            self.totals[name] += count

    def postpone(self) -> None:
        """Count a job that could not be done."""
        self.postponed += 1

    def shown(self, now: datetime) -> dict[str, Any]:
        """Return everything as plain values; ages in seconds, of kinds there is something of."""
        since = attrs.asdict(self.oldest).items()
        return {
            "turns": self.turns,
            "postponed": self.postponed,
            "last": dict(self.last),
            "totals": dict(self.totals),
            "oldest_seconds": {
                name: round((now - at).total_seconds(), 1) for name, at in since if at is not None
            },
        }
