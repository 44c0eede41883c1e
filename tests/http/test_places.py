"""Places: nobody takes them all, and who does nothing gives way to who asks."""

import pytest
import trio
from trio.testing import MockClock

from bitvault.edge.places import Place, Places


def entered(places: Places, address: str, gone: list[str], **more: int) -> Place | None:
    """Enter, and note the address that has to give way."""
    return places.enter(address, lambda: gone.append(address), **more)


@pytest.mark.requirement("X67")
async def test_one_address_holds_a_share_at_most(autojump_clock: MockClock) -> None:
    """Who asks for more is refused while nobody of that address has waited; others come in."""
    places, gone = Places(8), list[str]()
    assert [bool(entered(places, "a", gone)) for _ in range(3)] == [True, True, False]
    assert entered(places, "b", gone)
    assert (places.inside, places.refused, places.ended, gone) == (3, 1, 0, [])


@pytest.mark.requirement("X67")
async def test_who_waits_longest_gives_way_to_its_own_address(autojump_clock: MockClock) -> None:
    """After a second without progress; one in work keeps its place."""
    places, gone = Places(8), list[str]()
    busy, idle = entered(places, "a", gone), entered(places, "a", gone)
    assert busy
    assert idle
    busy.may_end = False
    await trio.sleep(1)
    assert entered(places, "a", gone)
    assert (gone, places.inside, places.ended) == (["a"], 2, 1)
    places.leave(idle)  # its end notices too
    places.leave(busy)
    assert places.inside == 1


@pytest.mark.requirement("X67")
async def test_a_full_house_takes_the_place_of_who_holds_most(autojump_clock: MockClock) -> None:
    """A newcomer of another address comes in, though all places are taken."""
    places, gone = Places(8, share=7), list[str]()
    for address in "aaaaaaab":
        entered(places, address, gone)
    assert entered(places, "c", gone) is None
    await trio.sleep(1)
    assert entered(places, "c", gone)
    assert (gone, places.inside) == (["a"], 8)


async def test_proxies_are_held_to_no_share(autojump_clock: MockClock) -> None:
    """Many clients come through one, and all places are still the most there is."""
    places = Places(8)
    assert all(places.enter("proxy", lambda: None, is_exempt=True) for _ in range(8))
    assert places.enter("proxy", lambda: None, is_exempt=True) is None


async def test_what_is_larger_than_a_share_fits_alone(autojump_clock: MockClock) -> None:
    """An answer of any size can be given, to who has taken all others."""
    places, gone = Places(100), list[str]()
    large = entered(places, "a", gone, size=90)
    assert large
    assert entered(places, "a", gone, size=1) is None
    places.leave(large)
    assert places.inside == 0
    assert entered(places, "a", gone, size=1)
