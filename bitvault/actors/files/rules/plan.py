"""What a batch of file contents does to a tree: decided in order, on a small picture of it.

The picture (``Picture``) holds the nodes the batch can touch. Each arrival is decided against the
picture as the arrivals before it left it, so one batch behaves like the same requests in order.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from attrs import define, evolve, field, frozen

from bitvault.actors.files.contract import (
    IfExists,
    KindMismatch,
    NameTaken,
    NodeCommitted,
    NodeCreated,
    StaleBase,
)
from bitvault.actors.files.rules.names import join, name_key, numbered
from bitvault.kernel.events import Event
from bitvault.kernel.refusal import Refusal, Refused

MAX_NUMBER = 2000


@frozen
class Content:
    """The bytes of one version and what is said about them."""

    hash: str
    size: int
    content_type: str
    content_modified_at: datetime | None


@frozen
class Spot:
    """A node in the picture."""

    node_id: UUID
    parent_id: UUID
    kind: str
    name: str
    revision: int
    version: int | None = None
    content: Content | None = None
    created_at: datetime | None = None
    """None while it is only planned."""
    modified_at: datetime | None = None
    modified_by: UUID | None = None


@frozen
class Arrival:
    """Content on its way to ``names`` below the folder ``anchor_id`` (the last is the file's)."""

    space_id: UUID
    anchor_id: UUID
    above: tuple[str, ...]
    """Names from the root down to the anchor, for messages."""
    names: tuple[str, ...]
    content: Content
    if_exists: IfExists
    base_version: int | None


@frozen
class Landed:
    """Where an arrival ended: the node, and the index of its event (None: nothing changed)."""

    spot: Spot
    path: str
    event: int | None


@define
class Picture:
    """The known nodes by (parent, key), and everything that the plan adds."""

    spots: dict[tuple[UUID, str], Spot]
    taken: Mapping[UUID, Collection[str]]
    """Keys of children that only a numbered name could meet."""
    new_id: Callable[[], UUID]
    created: dict[UUID, Spot] = field(factory=dict)
    changed: dict[UUID, Spot] = field(factory=dict)
    versions: list[Spot] = field(factory=list)
    events: list[Event] = field(factory=list)

    def put(self, spot: Spot) -> None:
        """Make ``spot`` the state of its place."""
        self.spots[spot.parent_id, name_key(spot.name)] = spot
        if spot.revision == 1 or spot.node_id in self.created:
            self.created[spot.node_id] = spot
        else:
            self.changed[spot.node_id] = spot

    def at(self, parent_id: UUID, name: str) -> Spot | None:
        """Return what is at a place."""
        return self.spots.get((parent_id, name_key(name)))

    def free_name(self, parent_id: UUID, name: str) -> str:
        """Return ``name (n)`` with the smallest free n, or refuse."""
        taken = self.taken.get(parent_id, ())
        for number in range(2, MAX_NUMBER):
            candidate = numbered(name, number)
            if self.at(parent_id, candidate) is None and name_key(candidate) not in taken:
                return candidate
        raise Refused(NameTaken(name))


def land(picture: Picture, arrival: Arrival) -> Landed | Refusal:
    """Decide one arrival and draw it into the picture; a refusal leaves the picture alone."""
    try:
        existing, verdict = foresee(picture, arrival)
        if verdict is Verdict.KEEP and existing:
            return Landed(existing, _path(picture, arrival, existing), None)
        name = arrival.names[-1]
        if verdict is Verdict.NUMBER and existing:
            name, existing = picture.free_name(existing.parent_id, name), None
    except Refused as refused:
        return refused.refusal
    parent_id = _make_folders(picture, arrival)
    spot = _next(picture, existing, parent_id, name, arrival.content)
    picture.put(spot)
    picture.versions.append(spot)
    picture.events.append(committed(spot, arrival.space_id))
    return Landed(spot, _path(picture, arrival, spot), len(picture.events) - 1)


class Verdict(Enum):
    """What to do with an arrival."""

    KEEP = "keep"
    WRITE = "write"
    NUMBER = "number"


def decide(existing: Spot | None, arrival: Arrival) -> Verdict:
    """Say whether to write, keep what is there (same content), or take a numbered name.

    ``baseVersion`` decides alone when given (ADR-0010); else ``ifExists`` does. A repeat of what
    is current is not a conflict with oneself.
    """
    base = arrival.base_version
    if existing is None:
        if base:
            raise Refused(StaleBase(0))
        return Verdict.WRITE
    same = existing.content is not None and existing.content.hash == arrival.content.hash
    if existing.kind == "file" and base is not None:
        if not same and base != existing.version:
            raise Refused(StaleBase(existing.version or 0))
        return Verdict.KEEP if same else Verdict.WRITE
    if arrival.if_exists is IfExists.RENAME:
        return Verdict.NUMBER
    if arrival.if_exists is IfExists.FAIL:
        raise Refused(NameTaken(existing.name))
    if existing.kind == "folder":
        raise Refused(KindMismatch(join(arrival.above + arrival.names), "file"))
    return Verdict.KEEP if same else Verdict.WRITE


def foresee(picture: Picture, arrival: Arrival) -> tuple[Spot | None, Verdict]:
    """Decide one arrival as the picture is now; answer also what has the name already."""
    parent_id = arrival.anchor_id
    for index, name in enumerate(arrival.names[:-1]):
        spot = picture.at(parent_id, name)
        if spot is None:
            return None, decide(None, arrival)
        if spot.kind != "folder":
            path = join(arrival.above + arrival.names[: index + 1])
            raise Refused(KindMismatch(path, "folder"))
        parent_id = spot.node_id
    existing = picture.at(parent_id, arrival.names[-1])
    return existing, decide(existing, arrival)


def _path(picture: Picture, arrival: Arrival, spot: Spot) -> str:
    """Return where a spot is, in the case that its folders have."""
    names, parent_id = list(arrival.above), arrival.anchor_id
    for name in arrival.names[:-1]:
        folder = picture.spots[parent_id, name_key(name)]
        names.append(folder.name)
        parent_id = folder.node_id
    return join([*names, spot.name])


def _make_folders(picture: Picture, arrival: Arrival) -> UUID:
    return make_folders(picture, arrival.space_id, arrival.anchor_id, arrival.names[:-1])


def make_folders(picture: Picture, space_id: UUID, parent_id: UUID, names: Sequence[str]) -> UUID:
    """Draw the missing folders of ``names`` and return the last one's id."""
    for name in names:
        spot = picture.at(parent_id, name)
        if spot is None:
            spot = Spot(picture.new_id(), parent_id, "folder", name, 1)
            picture.put(spot)
            picture.events.append(NodeCreated(**_fields(spot, space_id)))
        parent_id = spot.node_id
    return parent_id


def _next(
    picture: Picture, existing: Spot | None, parent_id: UUID, name: str, content: Content
) -> Spot:
    if existing is None:
        return Spot(picture.new_id(), parent_id, "file", name, 1, 1, content)
    return evolve(
        existing,
        revision=existing.revision + 1,
        version=(existing.version or 0) + 1,
        content=content,
    )


def _fields(spot: Spot, space_id: UUID) -> dict[str, Any]:
    return {
        "aggregate_id": spot.node_id,
        "revision": spot.revision,
        "space_id": space_id,
        "parent_id": spot.parent_id,
        "name": spot.name,
    }


def draw_copy(
    picture: Picture, source: Spot, place: tuple[UUID, UUID, str], space_id: UUID
) -> None:
    """Draw a copy at ``place``, its id, its parent's and its name, with the current version."""
    node_id, parent_id, name = place
    content, version = source.content, source.version and 1
    spot = Spot(node_id, parent_id, source.kind, name, 1, version, content)
    picture.put(spot)
    if spot.kind == "file":
        picture.versions.append(spot)
        picture.events.append(committed(spot, space_id, copied_from=source.node_id))
    else:
        fields = (node_id, 1, space_id, parent_id, name, source.node_id)
        picture.events.append(NodeCreated(*fields))


def committed(
    spot: Spot,
    space_id: UUID,
    *,
    copied_from: UUID | None = None,
    restored_from: int | None = None,
) -> NodeCommitted:
    """Return the event of a file's new current version."""
    if spot.content is None or spot.version is None:
        raise AssertionError("only a file has versions")
    return NodeCommitted(
        **_fields(spot, space_id),
        version=spot.version,
        size=spot.content.size,
        hash=spot.content.hash,
        copied_from=copied_from,
        restored_from=restored_from,
        content_type=spot.content.content_type,
        content_modified_at=spot.content.content_modified_at,
    )
