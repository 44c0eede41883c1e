"""Ways that names lead where the caller sees nothing, and how to get round what blocks them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.files.contract import NameTaken, Target
from bitvault.actors.files.rules.names import name_key, numbered
from bitvault.actors.files.rules.plan import MAX_NUMBER
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.locate import Wanted, locate
from bitvault.actors.files.store.places import Place
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.access import Right
from bitvault.kernel.ids import NodeId
from bitvault.kernel.refusal import Refusal

_FIRST_NUMBERS = 8
_FIND_AT_ONCE = 4096


@frozen
class Blocked:
    """A name in a folder that leads no further."""

    folder_id: UUID
    key: str
    name: str = field(eq=False)


@frozen
class Way:
    """Where ``names`` lead, below ``place.ids[first]``."""

    place: Place
    first: int
    names: tuple[str, ...]

    @property
    def obstacle(self) -> int | None:
        """Return which of the ids is no folder to add to, before the last name."""
        place = self.place
        for index in range(self.first + 1, len(place.ids) - (not place.missing)):
            if Right.ADD not in place.rights[index]:
                return index
        is_file = bool(place.missing) and place.node["kind"] != "folder"
        return len(place.ids) - 1 if is_file else None

    @property
    def blocked(self) -> Blocked:
        """Return what is in the way."""
        index = self._blocked_index
        name = self.names[index - self.first - 1]
        return Blocked(self.place.ids[index - 1], name_key(name), name)

    def with_name(self, other: str) -> tuple[str, ...]:
        """Return its names, with another one for what is in the way."""
        at = self._blocked_index - self.first - 1
        return (*self.names[:at], other, *self.names[at + 1 :])

    @property
    def _blocked_index(self) -> int:
        if (index := self.obstacle) is None:
            raise AssertionError("nothing is in the way")
        return index


async def passed(
    tx: Transaction, stamp: Stamp, ways: Mapping[int, Way]
) -> dict[int, Place | Refusal]:
    """Lead them round what is in the way, level by level, for all of them at once."""
    done: dict[int, Place | Refusal] = {}
    while ways:
        done |= {i: way.place for i, way in ways.items() if way.obstacle is None}
        blocked = {i: way for i, way in ways.items() if way.obstacle is not None}
        others = await _round(tx, stamp, [way.blocked for way in blocked.values()])
        turned = {}
        for index, way in blocked.items():
            if (other := others.get(way.blocked)) is None:
                done[index] = NameTaken(way.names[-1])
            else:
                turned[index] = way.with_name(other)
        asked = [(blocked[i].place.ids[blocked[i].first], names) for i, names in turned.items()]
        found = dict(zip(turned, await find_all(tx, stamp, asked), strict=True))
        done |= {i: one for i, one in found.items() if not isinstance(one, Place)}
        ways = {
            i: Way(one, blocked[i].first, turned[i])
            for i, one in found.items()
            if isinstance(one, Place)
        }
    return done


async def _round(tx: Transaction, stamp: Stamp, blocked: Sequence[Blocked]) -> dict[Blocked, str]:
    """Return the first numbered name that is free, or a folder to add to, of each of these.

    Looks at more numbers at once the more are taken, so that what it costs depends on the
    numbers in use: not on how many files are on their way through.
    """
    waiting, chosen = list(dict.fromkeys(blocked)), dict[Blocked, str]()
    first, width = 2, _FIRST_NUMBERS
    while waiting and first < MAX_NUMBER:
        numbers = range(first, min(first + width, MAX_NUMBER))
        asked = [(one, numbered(one.name, number)) for one in waiting for number in numbers]
        found = await find_all(tx, stamp, [(one.folder_id, (name,)) for one, name in asked])
        for (one, name), there in zip(asked, found, strict=True):
            if one not in chosen and isinstance(there, Place) and _is_open(there):
                chosen[one] = name
        waiting = [one for one in waiting if one not in chosen]
        first, width = first + width, width * 8
    return chosen


async def find_all(
    tx: Transaction, stamp: Stamp, wanted: Sequence[tuple[UUID, tuple[str, ...]]]
) -> list[Place | Refusal]:
    """Find names below folders, a few thousand at once."""
    asked = [Wanted(Target(node_id=NodeId(one)), names, adds=True) for one, names in wanted]
    found: list[Place | Refusal] = []
    for start in range(0, len(asked), _FIND_AT_ONCE):
        some = asked[start : start + _FIND_AT_ONCE]
        found += await locate(tx, stamp.caller, some)
    return found


def _is_open(place: Place) -> bool:
    """Say whether something can be put where this is, or will be, a folder."""
    is_folder = place.node["kind"] == "folder"
    return is_folder and (bool(place.missing) or Right.ADD in place.rights[-1])
