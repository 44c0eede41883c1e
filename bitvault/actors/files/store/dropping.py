"""Putting files where the caller may add, and sees nothing (ADR-0026).

Whatever is there, it goes well and the answer is the same: a name that is taken is numbered, one of
a folder on the way too if that folder is not one to add to.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from attrs import define, evolve, field, frozen

from bitvault.actors.files.contract import (
    DropFolder,
    IfExists,
    NameTaken,
    NodeNotFound,
    Written,
)
from bitvault.actors.files.rules.drops import (
    MOST_OPEN,
    check_open,
    check_share,
    check_slot,
    slots_left,
)
from bitvault.actors.files.rules.names import name_key, numbered, valid_name
from bitvault.actors.files.rules.plan import MAX_NUMBER, Arrival, Content, Picture
from bitvault.actors.files.store.contents import Raced, Stamp, numbered_keys, read_ledger
from bitvault.actors.files.store.locate import spaces_of, walk_up
from bitvault.actors.files.store.places import Place, rights_at
from bitvault.actors.files.store.ways import Way, find_all, passed
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Right
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refusal, Refused

SQL = load_queries("bitvault.actors.files.store", "dropping.sql")


@define
class Slots:
    """What may be begun with a link: how many more uploads a file request takes, and how large.

    None is without limit.
    """

    left: int | None = None
    taken: int = 0
    room: Mapping[UUID, int | None] = field(factory=dict)
    """By space: the bytes that are left, and those that the link holds of it."""
    held: int = 0
    """Bytes that its open uploads reserve."""
    open: int = 0

    def take(self, space_id: UUID, size: int) -> None:
        """Count an upload, or refuse it."""
        check_slot(self.left)
        check_share(self.room.get(space_id), self.held, size)
        check_open(self.open, size)
        self.taken += 1
        self.open += 1
        self.held += size
        if self.left is not None:
            self.left -= 1


async def hold_slots(tx: Transaction, stamp: Stamp, spaces: Sequence[UUID]) -> Slots | None:
    """Keep others from beginning uploads with the caller's link until the commit.

    None: the caller is no guest.
    """
    principal = stamp.caller.principal
    if not principal.is_guest:
        return None
    key = {"tenant": stamp.tenant, "link_id": principal.user_id}
    await tx.fetch(SQL["hold_drop"], **key)
    row = await tx.fetchrow(SQL["taken"], **key) if principal.drop else None
    held = await tx.fetchrow(SQL["held"], **key, most=MOST_OPEN)
    if held is None:
        raise AssertionError("a sum has a row")
    return Slots(
        slots_left(principal.drop, row["taken"] if row else 0),
        room=await _room(tx, stamp, spaces, held["bytes"]),
        held=held["bytes"],
        open=held["open"],
    )


async def _room(
    tx: Transaction, stamp: Stamp, spaces: Sequence[UUID], held: int
) -> dict[UUID, int | None]:
    """Return, by space, what would be left without the bytes that are ``held``."""
    balances = (await read_ledger(tx, stamp, spaces)).balances
    room: dict[UUID, int | None] = {}
    for space_id in spaces:
        left = [balances[one].available for one in (space_id, stamp.tenant)]
        known = [one for one in left if one is not None]
        room[space_id] = min(known) + held if known else None
    return room


async def take_slots(tx: Transaction, stamp: Stamp, slots: Slots | None) -> None:
    """Write how many were taken."""
    if stamp.caller.principal.drop and slots and slots.taken:
        link_id = stamp.caller.principal.user_id
        await tx.execute(SQL["take_slots"], tenant=stamp.tenant, link_id=link_id, count=slots.taken)


async def give_slots_back(tx: Transaction, tenant: UUID, link_ids: Sequence[UUID]) -> None:
    """Count uploads that came to nothing, by the links of their file requests."""
    counts = Counter(link_ids)
    if counts:
        await tx.execute(
            SQL["give_slots_back"],
            tenant=tenant,
            link_ids=list(counts),
            counts=list(counts.values()),
        )


def drop_of(place: Place, content: Content) -> Arrival:
    """Say where content is to go, as it was written, whatever is there."""
    folder = place.ids[place.drop_index]
    space_id, names = place.space["space_id"], place.dropped
    return Arrival(space_id, folder, (), names, content, IfExists.RENAME, None)


def told(done: Written, place: Place) -> Written:
    """Return what the caller may know of a file that was put in: what they said, and its id."""
    if not place.dropped:
        return done
    said = evolve(done.node, parent_id=None, name=place.dropped[-1], path=place.path)
    return Written(said, None)


async def drop_folders(
    tx: Transaction, caller: Caller, node_ids: Sequence[UUID]
) -> tuple[DropFolder | NodeNotFound, ...]:
    """Name folders that were granted to the caller to add to, live and not guests' to know."""
    rows = {row["node_id"]: row for row in await walk_up(tx, caller, list(node_ids))}
    known = [row for row in rows.values() if not row["trashed"] and row["root_space_id"]]
    spaces = await spaces_of(tx, caller, [row["root_space_id"] for row in known])
    by_id = {space["space_id"]: space for space in spaces}
    named = {
        row["node_id"]
        for row in known
        if row["kind"] == "folder" and not caller.principal.is_guest and row["granted"][-1]
        and Right.ADD in rights_at(row, by_id[row["root_space_id"]], caller)[-1]
    }  # fmt: skip
    return tuple(
        DropFolder(NodeId(one), rows[one]["name"]) if one in named else NodeNotFound(str(one))
        for one in node_ids
    )


@define
class Drops:
    """Finds places for one batch, of which some are where the caller sees nothing."""

    tx: Transaction
    stamp: Stamp
    visits: dict[UUID, "Visit"] = field(factory=dict)
    """Those that get a folder now."""

    async def settle(
        self, rows: Sequence[Row], places: Sequence[Place | Refusal]
    ) -> list[Place | Refusal]:
        """Return where each upload goes, whose row this is, if it is to go where it was found."""
        blind = {
            index: (row, place)
            for index, (row, place) in enumerate(zip(rows, places, strict=True))
            if isinstance(place, Place) and place.dropped
        }
        folders = await self._folders([row["visit"] for row, _ in blind.values() if row["visit"]])
        ways = await self._begun(blind, folders)
        fresh = await self._fresh({i: blind[i] for i in blind if i not in ways}, folders)
        found = {**await passed(self.tx, self.stamp, ways), **fresh}
        settled: list[Place | Refusal] = list(places)
        for index, one in found.items():
            dropped = blind[index][1].dropped
            settled[index] = evolve(one, dropped=dropped) if isinstance(one, Place) else one
        return settled

    async def keep(self, picture: Picture) -> None:
        """Write down which folders were made for visits.

        Raises:
            Raced: another transaction made one meanwhile.
        """
        for visit, one in self.visits.items():
            folder = picture.at(one.above, one.name)
            if folder is not None and not await self.tx.fetchrow(
                SQL["keep_visit"],
                tenant=self.stamp.tenant,
                link_id=self.stamp.caller.principal.user_id,
                visit=visit,
                folder_id=folder.node_id,
                before=one.before,
            ):
                raise Raced

    async def _folders(self, visits: Sequence[UUID]) -> dict[UUID, UUID]:
        if not visits:
            return {}
        rows = await self.tx.fetch(
            SQL["visit_folders"],
            tenant=self.stamp.tenant,
            link_id=self.stamp.caller.principal.user_id,
            visits=list(dict.fromkeys(visits)),
        )
        return {row["visit"]: row["folder_id"] for row in rows}

    async def _begun(
        self, blind: Mapping[int, tuple[Row, Place]], folders: Mapping[UUID, UUID]
    ) -> dict[int, Way]:
        """Return the ways of what goes where it was found, and of visits with a folder."""
        ways = {
            index: Way(place, place.drop_index, place.dropped)
            for index, (row, place) in blind.items()
            if row["visit"] is None
        }
        again = {i: place.dropped for i, (row, place) in blind.items() if row["visit"] in folders}
        found = await find_all(
            self.tx,
            self.stamp,
            [(folders[blind[index][0]["visit"]], names) for index, names in again.items()],
        )
        for (index, names), one in zip(again.items(), found, strict=True):
            if isinstance(one, Place):
                ways[index] = Way(one, one.depth - len(names), names)
        return ways

    async def _fresh(
        self, blind: Mapping[int, tuple[Row, Place]], folders: Mapping[UUID, UUID]
    ) -> dict[int, Place]:
        """Return the places of visits that get a folder now."""
        wanted = []
        for row, place in blind.values():
            visit, above = row["visit"], place.ids[place.drop_index]
            if visit not in self.visits:
                name = await self._free(above, valid_name(row["sender"]))
                self.visits[visit] = Visit(above, name, folders.get(visit))
            one = self.visits[visit]
            wanted.append((one.above, (one.name, *place.dropped)))
        places = {}
        found = await find_all(self.tx, self.stamp, wanted)
        for (index, (_, place)), there in zip(blind.items(), found, strict=True):
            if not isinstance(there, Place) or len(there.missing) <= len(place.dropped):
                raise Raced  # somebody took the name, or the folder, since we looked
            places[index] = there
        return places

    async def _free(self, folder_id: UUID, name: str) -> str:
        chosen = {name_key(one.name) for one in self.visits.values() if one.above == folder_id}
        (found,) = await find_all(self.tx, self.stamp, [(folder_id, (name,))])
        if name_key(name) not in chosen and isinstance(found, Place) and found.missing:
            return name
        arriving = {(folder_id, key) for key in chosen}
        taken = await numbered_keys(self.tx, self.stamp, [(folder_id, name)], arriving)
        used = chosen | taken.get(folder_id, set())
        for number in range(2, MAX_NUMBER):
            if name_key(candidate := numbered(name, number)) not in used:
                return candidate
        raise Refused(NameTaken(name))


@frozen
class Visit:
    """The folder that a visit gets: where, its name, and which it had before that is gone."""

    above: UUID
    name: str
    before: UUID | None
