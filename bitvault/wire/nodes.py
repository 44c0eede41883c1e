"""Nodes, versions, trash, and the operations on them."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from bitvault.wire.shape import Body, Id, IfExists, Name, Path, Shape, VersionNumber


class Node(Shape, frozen=True):
    """A file or folder. `size`, `hash` and `version` are null for folders."""

    id: Id
    kind: str
    space_id: Id
    parent_id: Id | None
    name: str
    path: str
    size: int | None
    hash: str | None
    version: int | None
    etag: str
    content_type: str | None
    content_modified_at: datetime | None
    created_at: datetime
    modified_at: datetime
    modified_by: Id


class NodePage(Shape, frozen=True):
    """One page of nodes."""

    items: list[Node]
    next_cursor: str | None


class Written(Shape, frozen=True):
    """A change was made; `eventId` names its place in the tenant's history."""

    node: Node
    event_id: str | None = None
    version: int | None = None
    entry_id: Id | None = None


class Version(Shape, frozen=True):
    """An immutable version of a file."""

    version: int
    size: int
    hash: str
    content_type: str
    content_modified_at: datetime | None
    created_at: datetime
    created_by: Id
    is_current: bool


class VersionPage(Shape, frozen=True):
    """One page of versions, newest first."""

    items: list[Version]
    next_cursor: str | None


class TrashEntry(Shape, frozen=True):
    """One action that put a node, and all below it, in the trash."""

    entry_id: Id
    node: Node
    original_path: str
    trashed_at: datetime
    trashed_by: Id


class TrashPage(Shape, frozen=True):
    """One page of the trash, newest first."""

    items: list[TrashEntry]
    next_cursor: str | None


class Content(Shape, frozen=True):
    """Where the bytes are: send exactly this request to the store."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime
    size: int
    hash: str
    version: int
    node: Node


class ContentItem(Body, frozen=True):
    """A file whose bytes are wanted: by `id`, or by `path`."""

    id: Id | None = None
    path: Path | None = None
    space_id: Id | None = None
    version: VersionNumber | None = None


class ContentBatch(Body, frozen=True):
    """Up to 1000 files whose bytes are wanted."""

    items: Annotated[list[ContentItem], Meta(min_length=1, max_length=1000)]


class MakeFolder(Body, frozen=True):
    """A folder by `path`, or by `parentId` and `name`."""

    path: Path | None = None
    space_id: Id | None = None
    parent_id: Id | None = None
    name: Name | None = None
    parents: bool = False
    exist_ok: bool = False


class ChangeNode(Body, frozen=True):
    """Rename and/or move."""

    parent_id: Id | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class CopyNode(Body, frozen=True):
    """Copy to a parent, under the same or another name."""

    parent_id: Id | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class RestoreEntry(Body, frozen=True):
    """Where to restore to; nothing is where it was."""

    parent_id: Id | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class Operation(Body, frozen=True):
    """One operation of a batch; the fields are those of the single route."""

    op: Annotated[str, Meta(pattern="^(mkdir|move|copy|trash|restore|purge|restoreVersion)$")]
    id: Id | None = None
    path: Path | None = None
    space_id: Id | None = None
    parent_id: Id | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"
    parents: bool = False
    exist_ok: bool = False
    entry_id: Id | None = None
    version: VersionNumber | None = None


class OperationBatch(Body, frozen=True):
    """Up to 1000 operations, applied in order; each succeeds or is refused by itself."""

    operations: Annotated[list[Operation], Meta(min_length=1, max_length=1000)]
