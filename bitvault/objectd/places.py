"""Who may hold a connection when not all can. Pure: times are handed in.

A connection that has not signed a request yet is a stranger. A newcomer must be let in before it
can show a signature, so where room is short the stranger that has had the longest time for it
goes, first at the address that has the most of them. Then go connections that rest between
requests, then the slowest transfer. Signed requests that move are never cut; when there are no
others, the newcomer is refused. A trusted proxy is many clients, so it is held to no share.
"""

import enum
import ipaddress
from collections import Counter
from collections.abc import Callable, Collection

import attrs

from bitvault.objectd.pace import Pace

_SETTLED_SECONDS = 10
_SLOW = 64 * 1024  # bytes per second: under pressure, what is slower makes room
_SUBSCRIBER_BITS = 64

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Phase(enum.Enum):
    """What a connection has shown so far."""

    STRANGER = "no signed request yet"
    RESTING = "between signed requests"
    SIGNED = "a signed request in flight"


@attrs.define(eq=False)
class Place:
    """One connection's place.

    Attributes:
        address: who it counts for, see `subscriber`.
        since: when it was let in, or began to rest.
        leave: ends the connection soon.
        pace: of the transfer that the peer takes part in, if there is one.
        is_exempt: held to no share of its address.
    """

    address: str
    since: float
    leave: Callable[[], None]
    phase: Phase = Phase.STRANGER
    pace: Pace | None = None
    is_exempt: bool = False

    def sign(self, pace: Pace) -> None:
        """A signed request is in flight, and its body comes at this pace."""
        self.phase, self.pace = Phase.SIGNED, pace

    def rest(self, now: float) -> None:
        """The request has been answered."""
        self.pace = None
        if self.phase is Phase.SIGNED:
            self.phase, self.since = Phase.RESTING, now


@attrs.frozen
class Room:
    """How many connections there may be.

    Attributes:
        total: in all.
        per_address: of one address, whatever they do.
        strangers: without a signed request; the rest of `total` is kept for signed ones.
        strangers_per_address: the same of one address.
    """

    total: int
    per_address: int
    strangers: int
    strangers_per_address: int

    @classmethod
    def of(cls, total: int) -> "Room":
        """Half for one address at most; a quarter for strangers, an eighth for those of one."""
        return cls(total, max(total // 2, 1), max(total // 4, 1), max(total // 8, 1))


def parse(host: str) -> Address:
    """The address of a peer; IPv4 in IPv6 is IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def subscriber(address: Address) -> str:
    """The address that limits count for: IPv6 hands a whole /64 to one subscriber."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), _SUBSCRIBER_BITS), strict=False))


class Places:
    """The places taken."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken: dict[Place, None] = {}

    def enter(self, newcomer: Place) -> bool:
        """Give the newcomer a place, at another's cost if it must be; False when there is none."""
        pool = self._too_many(newcomer)
        if pool:
            leaver = _first_to_leave(pool, newcomer.since)
            if leaver is None:
                return False
            self.leave(leaver)
            leaver.leave()
        self._taken[newcomer] = None
        return True

    def leave(self, place: Place) -> None:
        """Free a place; one freed already is fine."""
        self._taken.pop(place, None)

    def _too_many(self, newcomer: Place) -> list[Place]:
        """Those of whom one must go first."""
        room, everyone = self._room, list(self._taken)
        neighbours = [
            place
            for place in everyone
            if place.address == newcomer.address and not newcomer.is_exempt
        ]
        if len(neighbours) >= room.per_address:
            return neighbours
        if len(everyone) >= room.total:
            return everyone
        strangers = [place for place in neighbours if place.phase is Phase.STRANGER]
        if len(strangers) >= room.strangers_per_address:
            return strangers
        strangers = [place for place in everyone if place.phase is Phase.STRANGER]
        return strangers if len(strangers) >= room.strangers else []


def _first_to_leave(pool: Collection[Place], now: float) -> Place | None:
    for phase in (Phase.STRANGER, Phase.RESTING):
        candidates = [place for place in pool if place.phase is phase]
        if candidates:
            (heaviest, _), *_ = Counter(place.address for place in candidates).most_common(1)
            return min((p for p in candidates if p.address == heaviest), key=lambda p: p.since)
    slow = [
        (place.pace.rate(now), number, place)
        for number, place in enumerate(pool)
        if place.pace and not place.pace.over and place.pace.waited(now) >= _SETTLED_SECONDS
    ]
    rate, _, slowest = min(slow, default=(_SLOW, 0, None))
    return slowest if rate < _SLOW else None
