"""Places for connections and for unsent answers: so many in all, and a share for each address.

One address cannot take them all, and what waits for its client gives way to a newcomer: a place is
never lost to somebody who does nothing with it.
"""

from collections.abc import Callable

import trio
from attrs import define, field

_SHARE = 4
"""No address may hold more than one part in so many."""
_GRACE = 1.0
"""Seconds that nobody's place is taken away."""


@define(eq=False)
class Place:
    """What is held for a client."""

    address: str
    size: int
    give_up: Callable[[], None]
    """Ends what is held."""
    since: float
    """When the wait for the client began."""
    may_end: bool = True
    """Whether it waits for the client, so that it may be ended for another."""
    is_exempt: bool = False
    """Whether it is a proxy's: many clients, so it is held to no share."""


@define(eq=False)
class Places:
    """Holds up to ``most`` at once, in whatever is counted."""

    most: int
    share: int = field()
    inside: int = 0
    refused: int = 0
    ended: int = 0
    """How many had to give way."""
    _held: dict[str, set[Place]] = field(factory=dict)

    @share.default
    def _fair(self) -> int:
        return max(self.most // _SHARE, 1)

    def enter(
        self, address: str, give_up: Callable[[], None], size: int = 1, *, is_exempt: bool = False
    ) -> Place | None:
        """Take a place; None if there is none, and nobody that has to give way to this one.

        What is larger than a share fits when its address holds nothing else.
        """
        place = Place(address, size, give_up, trio.current_time(), is_exempt=is_exempt)
        if not (self._fits_share(place) and self._fits(place)):
            self.refused += 1
            return None
        self.inside += size
        self._held.setdefault(address, set()).add(place)
        return place

    def leave(self, place: Place) -> None:
        """Free a place; it may be free already."""
        held = self._held.get(place.address, set())
        if place in held:
            held.remove(place)
            self.inside -= place.size
        if not held:
            self._held.pop(place.address, None)

    def _fits_share(self, place: Place) -> bool:
        while not place.is_exempt and self._of(place.address):
            if self._of(place.address) + place.size <= self.share:
                break
            if not self._end_one_of(self._held[place.address]):
                return False
        return True

    def _fits(self, place: Place) -> bool:
        while self._held and self.inside + place.size > self.most:
            fullest = max(self._held, key=self._of)
            every = {one for held in self._held.values() for one in held}
            if not (self._end_one_of(self._held[fullest]) or self._end_one_of(every)):
                return False
        return True

    def _of(self, address: str) -> int:
        return sum(place.size for place in self._held.get(address, ()))

    def _end_one_of(self, held: set[Place]) -> bool:
        """End what has waited longest for its client, if that is long enough."""
        waiting = [one for one in held if one.may_end]
        longest = min(waiting, key=lambda one: one.since, default=None)
        if longest is None or trio.current_time() - longest.since < _GRACE:
            return False
        self.leave(longest)
        self.ended += 1
        longest.give_up()
        return True
