"""Turning a plan's results into replies, with the positions of their events."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from bitvault.actors.files.contract import Node, Written
from bitvault.actors.files.rules.plan import Landed, Picture
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.places import Place
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import NodeId, SpaceId, UserId

Appender = Callable[[Transaction, Sequence[Event]], Awaitable[Position | None]]
"""Appends events to the outbox as the transaction's last statement; None for no events."""


def position_of(last: Position | None, count: int, index: int | None) -> Position | None:
    """Return the position of the ``index``-th of ``count`` events."""
    if last is None or index is None:
        return None
    return Position(last.epoch, last.seq - count + 1 + index)


def written(
    landed: Landed, place: Place, space_id: UUID, picture: Picture, stamp: Stamp,
    last: Position | None,
) -> Written:  # fmt: skip
    """Describe a file that content landed in, without reading it back."""
    spot, content = landed.spot, landed.spot.content
    if content is None:
        raise AssertionError("content lands in files only")
    node = Node(
        node_id=NodeId(spot.node_id),
        kind=spot.kind,
        space_id=SpaceId(space_id),
        parent_id=None if place.hides_parent else NodeId(spot.parent_id),
        name=spot.name,
        path=landed.path,
        size=content.size,
        hash=content.hash,
        version=spot.version,
        revision=spot.revision,
        content_type=content.content_type,
        content_modified_at=content.content_modified_at,
        created_at=spot.created_at or stamp.now,
        modified_at=stamp.now if landed.event is not None else spot.modified_at or stamp.now,
        modified_by=stamp.caller.principal.user_id
        if landed.event is not None
        else UserId(spot.modified_by or stamp.caller.principal.user_id),
    )
    return Written(node, position_of(last, len(picture.events), landed.event))
