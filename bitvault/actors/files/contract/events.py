"""The facts this room publishes on ``node.*`` and ``space.*``.

The aggregate is what changed. That a space was made is the ``node.created`` of its root.

An event of a node says what the node is from then on, so that whoever keeps a picture of the tree
needs nothing else: ``node_kind`` is file or folder, and what is about content is None of a folder.
Fields that were not there from the start are None in events that are older (ADR-0042).
"""

from datetime import datetime
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
    space_kind: str | None = None
    """Of a root: personal or team."""
    owner_id: UUID | None = None
    """Of a personal space's root: whose it is; of a team space's: its first manager."""


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
    content_type: str | None = None
    content_modified_at: datetime | None = None


@frozen
class NodeMoved(Event):
    """A node and its subtree were renamed or moved: one event, whatever the subtree's size."""

    kind: ClassVar[str] = "node.moved"
    space_id: UUID
    from_parent_id: UUID
    from_name: str
    parent_id: UUID
    name: str
    from_space_id: UUID | None = None
    node_kind: str | None = None
    version: int | None = None
    size: int | None = None
    hash: str | None = None
    content_type: str | None = None
    content_modified_at: datetime | None = None


@frozen
class NodeTrashed(Event):
    """A node and its subtree went to the trash as one entry."""

    kind: ClassVar[str] = "node.trashed"
    space_id: UUID
    parent_id: UUID
    name: str
    entry_id: UUID
    node_kind: str | None = None
    version: int | None = None
    size: int | None = None
    hash: str | None = None
    content_type: str | None = None
    content_modified_at: datetime | None = None


@frozen
class NodeRestored(Event):
    """A trash entry came back, to where it was or to another place."""

    kind: ClassVar[str] = "node.restored"
    space_id: UUID
    parent_id: UUID
    name: str
    entry_id: UUID
    from_space_id: UUID | None = None
    from_parent_id: UUID | None = None
    from_name: str | None = None
    node_kind: str | None = None
    version: int | None = None
    size: int | None = None
    hash: str | None = None
    content_type: str | None = None
    content_modified_at: datetime | None = None


@frozen
class NodePurged(Event):
    """A trash entry was removed for good, with its subtree and all versions.

    What below it has an entry of its own is still in the trash, and the folders above that with it:
    they are gone as soon as nothing is below them.
    """

    kind: ClassVar[str] = "node.purged"
    space_id: UUID
    name: str
    entry_id: UUID
    holds_trash: bool = False
    """Whether there is such a thing, so that what is said of the node still counts."""
    parent_id: UUID | None = None
    node_kind: str | None = None
    version: int | None = None
    size: int | None = None
    hash: str | None = None
    content_type: str | None = None
    content_modified_at: datetime | None = None


@frozen
class SpaceChanged(Event):
    """A team space has this name and quota now; None is without limit."""

    kind: ClassVar[str] = "space.changed"
    name: str
    quota: int | None


@frozen
class SpacePassedOn(Event):
    """A personal space became a team space, as its owner was deleted."""

    kind: ClassVar[str] = "space.passed_on"
    name: str
    owner_id: UUID
    heir_id: UUID | None
    root_id: UUID | None = None


@frozen
class SpaceDeleted(Event):
    """A team space is gone, with its root; nothing was in it."""

    kind: ClassVar[str] = "space.deleted"
    name: str
    root_id: UUID


@frozen
class MemberSet(Event):
    """A user has this role in a team space."""

    kind: ClassVar[str] = "space.member_set"
    member_id: UUID
    role: str
    previous_role: str | None = None
    """None: of none, or of an event that is older than this field."""
    root_id: UUID | None = None


@frozen
class MemberRemoved(Event):
    """A user was taken out of a team space, or left."""

    kind: ClassVar[str] = "space.member_removed"
    member_id: UUID
    role: str | None = None
    root_id: UUID | None = None


@frozen
class TenantQuotaChanged(Event):
    """The tenant (the aggregate), and each space without its own quota, may hold this now."""

    kind: ClassVar[str] = "space.quotas_changed"
    quota: int | None
    space_quota: int | None


@frozen
class TemplateChanged(Event):
    """New spaces of a kind start with this folder; None: empty. The aggregate is the tenant."""

    kind: ClassVar[str] = "space.template_changed"
    space_kind: str
    node_id: UUID | None
