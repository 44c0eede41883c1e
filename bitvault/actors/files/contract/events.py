"""The facts this room publishes on ``node.*``; the aggregate is the node."""

from typing import ClassVar
from uuid import UUID

from attrs import frozen

from bitvault.kernel.events import Event


@frozen
class NodeCreated(Event):
    """A folder came to be (also a space's root, with ``parent_id`` None)."""

    kind: ClassVar[str] = "node.created"
    space_id: UUID
    parent_id: UUID | None
    name: str
    copied_from: UUID | None = None


@frozen
class NodeCommitted(Event):
    """A file got a new current version; ``version`` 1 is its creation."""

    kind: ClassVar[str] = "node.committed"
    space_id: UUID
    parent_id: UUID
    name: str
    version: int
    size: int
    hash: str
    copied_from: UUID | None = None
    restored_from: int | None = None
    """The older version whose content this one has again."""


@frozen
class NodeMoved(Event):
    """A node and its subtree were renamed or moved: one event, whatever the subtree's size."""

    kind: ClassVar[str] = "node.moved"
    space_id: UUID
    from_parent_id: UUID
    from_name: str
    parent_id: UUID
    name: str


@frozen
class NodeTrashed(Event):
    """A node and its subtree went to the trash as one entry."""

    kind: ClassVar[str] = "node.trashed"
    space_id: UUID
    parent_id: UUID
    name: str
    entry_id: UUID


@frozen
class NodeRestored(Event):
    """A trash entry came back."""

    kind: ClassVar[str] = "node.restored"
    space_id: UUID
    parent_id: UUID
    name: str
    entry_id: UUID


@frozen
class NodePurged(Event):
    """A trash entry was removed for good, with its subtree and all versions."""

    kind: ClassVar[str] = "node.purged"
    space_id: UUID
    name: str
    entry_id: UUID
