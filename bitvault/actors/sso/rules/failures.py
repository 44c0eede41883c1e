"""How often failed sign-ins are told: anybody can fail, as often as they like."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import define, field

_PAUSE: Final = timedelta(minutes=1)
_MOST: Final = 10_000


@define(eq=False)
class Failures:
    """Counts what is not told; in memory, and bounded: what is forgotten was told before."""

    _told: OrderedDict[UUID, tuple[datetime, int]] = field(factory=OrderedDict, init=False)

    def told(self, provider_id: UUID, now: datetime) -> int:
        """Count a failure; return how many there are to tell now, or 0 to keep silent."""
        at, untold = self._told.get(provider_id, (None, 0))
        if at is not None and now - at < _PAUSE:
            self._told[provider_id] = (at, untold + 1)
            return 0
        self._told[provider_id] = (now, 0)
        self._told.move_to_end(provider_id)
        if len(self._told) > _MOST:
            self._told.popitem(last=False)
        return untold + 1
