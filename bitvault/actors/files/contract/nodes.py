"""Nodes: what they look like, what can be done to them, and how they are found."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Never
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract.portability import is_portable
from bitvault.actors.files.contract.refusals import (
    EntryNotFound,
    NodeNotFound,
    SpaceNotFound,
    TooManyNodes,
    Unlocated,
    Unplaced,
    VersionNotFound,
)
from bitvault.kernel.access import Right, Role
from bitvault.kernel.events import Position
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.kernel.paging import DEFAULT_LIMIT, FIRST_ID, MAX_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import (
    Forbidden,
    IdempotencyConflict,
    Invalid,
    Refusal,
)
from bitvault.kernel.request import Item, Request


class IfExists(StrEnum):
    """What to do when the name is taken: fail, replace, or take ``name (2)``.

    Only a file replaces, and only a file. Content that arrives or is copied becomes the next
    version of the file in place; a file that is moved or restored sends it to the trash.
    """

    FAIL = "fail"
    REPLACE = "replace"
    RENAME = "rename"


@frozen
class Target:
    """A node by id, or by path.

    A path is ``/a/b`` in ``space_id`` (None: the caller's personal space), or ``Space:/a/b``
    with a team space's name or any space's id before the colon. ``/`` is the root. A folder's
    own id before the colon starts there, which is how one that was shared is addressed.
    """

    node_id: NodeId | None = None
    path: str | None = None
    space_id: SpaceId | None = None


@frozen
class Node:
    """A file or folder as it is now. ``size``, ``hash``, ``version`` are None for folders."""

    node_id: NodeId
    kind: str
    """``file`` or ``folder``."""
    space_id: SpaceId
    parent_id: NodeId | None
    name: str
    path: str
    """From the root of its space: ``/a/b``; for a trashed node, where it was."""
    size: int | None
    hash: str | None
    version: int | None
    revision: int
    """Counts every change of the node; the source of its ETag."""
    content_type: str | None
    content_modified_at: datetime | None
    """The client's own modification time of the content, if it gave one."""
    created_at: datetime
    modified_at: datetime
    modified_by: UserId

    @property
    def portable(self) -> bool:
        """Whether every system can hold a file of this name; where not, clients map it."""
        return is_portable(self.name)


@frozen
class Version:
    """One immutable version of a file."""

    version: int
    size: int
    hash: str
    content_type: str
    content_modified_at: datetime | None
    created_at: datetime
    created_by: UserId
    is_current: bool


@frozen
class TrashEntry:
    """One user action that put a node, and all below it, in the trash."""

    entry_id: UUID
    node: Node
    original_path: str
    trashed_at: datetime
    trashed_by: UserId


@frozen
class Content:
    """Where to get the bytes of a file's version: a presigned GET, ready to send."""

    node: Node
    version: int
    size: int
    hash: str
    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


# Operations: one thing to do to a tree. ``if_revision`` is the If-Match of REST.


@frozen
class MakeFolder(Item[Unplaced]):
    """Create a folder: ``target`` by path, or ``parent`` and ``name``."""

    target: Target | None = None
    parent: Target | None = None
    name: str | None = None
    parents: bool = False
    """Create missing parents too."""
    exist_ok: bool = False
    """Answer the existing folder instead of refusing; the event id is then None."""


@frozen
class MoveNode(Item[Unplaced]):
    """Rename and/or move: one row and one event. To another space it costs the same."""

    target: Target
    parent: Target | None = None
    """The new parent; None keeps the present one."""
    name: str | None = None
    """The new name; None keeps the present one."""
    if_exists: IfExists = IfExists.FAIL
    if_revision: int | None = None


@frozen
class CopyNode(Item[Unplaced | TooManyNodes]):
    """Copy a file or subtree without copying bytes; at most 10,000 nodes.

    Restricted folders are restricted in the copy. Where the caller may not share, those below what
    is copied are left out, and a restricted folder itself is refused.
    """

    target: Target
    parent: Target
    name: str | None = None
    if_exists: IfExists = IfExists.FAIL


@frozen
class TrashNode(Item[Unplaced]):
    """Put a node and its subtree in the trash as one entry."""

    target: Target
    if_revision: int | None = None


@frozen
class RestoreEntry(Item[Unplaced | EntryNotFound]):
    """Bring a trash entry back to where it was (missing folders are made), or elsewhere."""

    entry_id: UUID
    parent: Target | None = None
    name: str | None = None
    if_exists: IfExists = IfExists.FAIL


@frozen
class PurgeEntry(Item[EntryNotFound | Forbidden]):
    """Remove a trash entry for good; its bytes stop counting against the quota."""

    entry_id: UUID


@frozen
class RestoreVersion(Item[Unplaced | VersionNotFound]):
    """Make an older version's content current again, as a new version."""

    target: Target
    version: int
    if_revision: int | None = None


Operation = (
    MakeFolder | MoveNode | CopyNode | TrashNode | RestoreEntry | PurgeEntry | RestoreVersion
)


@frozen
class Written:
    """An operation was done. ``entry_id`` is the undo token of what it put in the trash."""

    node: Node
    position: Position | None
    """None when nothing changed."""
    entry_id: UUID | None = None


Outcome = Written | Refusal


@frozen
class Apply(Request[tuple[Outcome, ...], IdempotencyConflict | Invalid | SpaceNotFound]):
    """Apply up to 1000 operations in order, in one transaction; each succeeds or is refused."""

    caller: Caller
    operations: tuple[Operation, ...]
    is_dry: bool = False
    """Answer what would come of it, and change nothing: nothing has an event or an entry."""


@frozen
class GetNode(Request[Node, Unlocated]):
    """Describe one live node."""

    caller: Caller
    target: Target


@frozen
class GetNodes(Request[tuple[Node | Refusal, ...], Never]):
    """Describe up to 1000 live nodes by id."""

    caller: Caller
    node_ids: tuple[NodeId, ...]


@frozen
class Access:
    """What the caller may do to a node, and where it stands."""

    rights: Right
    is_folder: bool
    is_root: bool
    """Whether it is the root of a space."""


@frozen
class DescribeAccess(Request[Access, NodeNotFound]):
    """Say what the caller may do to a node; one they may do nothing to is not there."""

    caller: Caller
    node_id: NodeId


@frozen
class DropFolder:
    """A folder that the caller may add to, and sees nothing of but this."""

    node_id: NodeId
    name: str


@frozen
class DescribeDrops(Request[tuple[DropFolder | NodeNotFound, ...], Invalid]):
    """Name up to 1000 folders that somebody gave the caller to add to; for no guests.

    Only the folder itself that is granted: what is below it is not there.
    """

    caller: Caller
    node_ids: tuple[NodeId, ...]


@frozen
class Step:
    """A node on the way from a space's root to another; ``path`` is None above what may be seen."""

    node_id: NodeId
    path: str | None


@frozen
class Way:
    """The nodes from a space's root to a node, and who has roles in the space itself."""

    space_id: SpaceId
    owner_id: UserId | None
    """Of a personal space."""
    managers: tuple[UserId, ...]
    """Of a team space, all of them."""
    members: tuple[tuple[UserId, Role], ...]
    """Of a team space, managers too: one page by user id."""
    is_more: bool
    """Whether there are members after these."""
    steps: tuple[Step, ...]


@frozen
class TraceNode(Request[Way, NodeNotFound | Forbidden]):
    """Tell the way to a node; for those who may share it."""

    caller: Caller
    node_id: NodeId
    after: UUID = FIRST_ID
    """The user id that the page of members comes after."""
    limit: int = MAX_LIMIT
    """How many members a page has."""


@frozen
class Extent:
    """How much a node and what is live below it come to, counted up to a limit."""

    nodes: int
    size: int
    """Bytes of their current versions."""
    is_more: bool
    """Whether there is more."""


@frozen
class MeasureTree(Request[Extent, NodeNotFound | Forbidden]):
    """Count a node and what is below it, as far as a thousand; for those who may share it."""

    caller: Caller
    node_id: NodeId


@frozen
class ListChildren(Request[Page[Node], Unlocated]):
    """List a folder's live children by name key, keyset-paged."""

    caller: Caller
    target: Target
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class ListVersions(Request[Page[Version], Unlocated]):
    """List a file's versions, newest first."""

    caller: Caller
    target: Target
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class ListTrash(Request[Page[TrashEntry], SpaceNotFound | Invalid]):
    """List the trash of a space (None: the caller's personal space), newest first."""

    caller: Caller
    space_id: SpaceId | None = None
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class ContentDraft(Item[Unlocated | VersionNotFound]):
    """Which content to fetch: the current version unless one is named."""

    target: Target
    version: int | None = None
    inline: bool = False
    """Ask for inline presentation; honoured only for types that cannot run."""


@frozen
class GetContents(Request[tuple[Content | Refusal, ...], Invalid]):
    """Authorise and presign the download of up to 1000 files."""

    caller: Caller
    drafts: tuple[ContentDraft, ...]
