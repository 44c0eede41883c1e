"""Who must go when there is no room, and how slow a peer may be."""

from bitvault.objectd.pace import Pace
from bitvault.objectd.places import Phase, Place, Places, Room, parse, subscriber

ROOM = Room(total=8, per_address=6, strangers=4, strangers_per_address=3)


def moving(size: int) -> Pace:
    """A transfer that moved so much, and whose peer is waited for since 0."""
    pace = Pace(30, 2**30, 0)
    pace.pause(size, 0)
    pace.resume(0)
    return pace


class Guests:
    """Newcomers of a run of the clock, and who had to leave for them."""

    def __init__(self) -> None:
        self.places = Places(ROOM)
        self.left: list[Place] = []
        self.now = 0.0

    def come(
        self, address: str, phase: Phase = Phase.STRANGER, *, is_exempt: bool = False
    ) -> Place | None:
        """Let one in; None when it was refused."""
        self.now += 1
        place = Place(address, self.now, lambda: self.left.append(place), is_exempt=is_exempt)
        if not self.places.enter(place):
            return None
        place.phase = phase
        return place

    def fill(self, phase: Phase) -> list[Place]:
        """Take all places, from two addresses in turn."""
        came = [self.come("ab"[number % 2], phase) for number in range(ROOM.total)]
        assert self.left == []
        return [place for place in came if place is not None]


def test_strangers_leave_places_for_signed_requests() -> None:
    """However many strangers come from wherever, only their quarter is taken."""
    guests = Guests()
    came = [guests.come(f"{number}") for number in range(100)]
    assert None not in came
    assert guests.left == came[: 100 - ROOM.strangers]


def test_a_stranger_of_the_heaviest_address_goes_first() -> None:
    """An address that floods pays for itself, not for a single newcomer elsewhere."""
    guests = Guests()
    single, *flood = [guests.come(address) for address in ("single", "flood", "flood", "flood")]
    guests.come("other")
    assert guests.left == [flood[0]]
    assert single not in guests.left


def test_one_address_has_a_share_of_strangers() -> None:
    """Past its share an address loses its own oldest stranger, though there is room."""
    guests = Guests()
    flood = [guests.come("flood") for _ in range(5)]
    assert guests.left == flood[:2]


def test_a_full_house_closes_what_rests() -> None:
    """Keep-alive is a courtesy: it ends before anybody is refused."""
    guests = Guests()
    resting, *_ = guests.fill(Phase.RESTING)
    assert guests.come("c") is not None
    assert guests.left == [resting]


def test_signed_requests_that_move_are_never_cut() -> None:
    """With every place in use for signed requests, the newcomer is refused."""
    guests = Guests()
    for place in guests.fill(Phase.SIGNED):
        place.pace = moving(64 * 1024 * 30)
    guests.now = 20
    assert guests.come("c") is None
    assert guests.left == []


def test_the_slowest_transfer_makes_room() -> None:
    """A signed request that drips goes before a newcomer is refused, the slowest first."""
    guests = Guests()
    for number, place in enumerate(guests.fill(Phase.SIGNED)):
        place.pace = moving(1000 - number)
    guests.now = 20
    assert guests.come("c") is not None
    assert [place.pace.moved for place in guests.left if place.pace] == [993]


def test_work_that_waits_for_nobody_is_not_slow() -> None:
    """While the store is busy with its disk, or with the answer, its peer is not slow."""
    guests = Guests()
    for number, place in enumerate(guests.fill(Phase.SIGNED)):
        place.pace = moving(0)
        place.pace.over = number % 2 == 0
        if number % 2:
            place.pace.pause(1, 5)
    guests.now = 20
    assert guests.come("c") is None
    assert guests.left == []


def test_one_address_never_takes_all_places() -> None:
    """Its share used up by signed requests, an address is refused and another is let in."""
    guests = Guests()
    for _ in range(ROOM.per_address):
        guests.come("a", Phase.SIGNED)
    assert guests.come("a") is None
    assert guests.come("b") is not None


def test_a_proxy_is_held_to_no_share() -> None:
    """Many clients come through it: signed requests take all places, strangers their quarter."""
    guests = Guests()
    strangers = [guests.come("proxy", is_exempt=True) for _ in range(ROOM.strangers + 1)]
    assert guests.left == strangers[:1]
    guests = Guests()
    held = [guests.come("proxy", Phase.SIGNED, is_exempt=True) for _ in range(ROOM.total)]
    assert None not in held
    assert guests.come("proxy", is_exempt=True) is None


def test_a_subscriber_is_one_address() -> None:
    """IPv6 subscribers own a /64, and IPv4 in IPv6 is IPv4."""

    def same(one: str, other: str) -> bool:
        return subscriber(parse(one)) == subscriber(parse(other))

    assert same("2001:db8::1", "2001:db8::ffff:1")
    assert not same("2001:db8:0:1::1", "2001:db8::1")
    assert same("::ffff:127.0.0.1", "127.0.0.1")
    assert same("fe80::1%eth0", "fe80::2")


def test_a_stretch_that_has_its_bytes_is_followed_by_a_new_one() -> None:
    """A steady trickle above the least rate goes on for ever; credit is not saved up."""
    pace = Pace(30, 100, 0)
    for minute in range(1, 100):
        assert pace.resume(minute * 29 - 29) >= minute * 29
        assert pace.pause(minute * 100, minute * 29)
    pace.resume(99 * 29)
    assert not pace.pause(99 * 100 + 99, 99 * 29 + 30)
    assert pace.resume(99 * 29 + 30) == 99 * 29 + 30


def test_own_work_does_not_count_against_the_peer() -> None:
    """While a slow disk is waited for, the peer's time stands still, whatever came before."""
    pace = Pace(30, 100, 0)
    pace.pause(1, 100)
    assert pace.resume(200) == 230
    pace.pause(1, 210)
    pace.pause(1, 500)
    assert (pace.waited(900), pace.resume(1000)) == (10, 1020)
