"""Files, folders, versions and the trash."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import (
    MAX_ITEMS,
    EventId,
    Hash,
    IfExists,
    Moment,
    Name,
    Path,
    RequestShape,
    ResponseShape,
    VersionNumber,
)


class Node(ResponseShape, frozen=True, kw_only=True):
    """A file or folder; ``size``, ``hash``, ``version``, ``contentType`` are null for folders."""

    id: UUID
    kind: Literal["file", "folder"]
    space_id: UUID
    parent_id: UUID | None
    name: str
    path: str
    size: int | None
    hash: Hash | None
    version: int | None
    etag: str
    content_type: str | None
    content_modified_at: Moment | None
    created_at: Moment
    modified_at: Moment
    modified_by: UUID
    portable: Annotated[
        bool,
        Meta(description="Whether Windows can hold a file of this name; a client maps it if not."),
    ] = True


class Written(ResponseShape, frozen=True, kw_only=True):
    """A write was done; POST /v1/trash/{entryId}/restore brings back what it trashed, if anything.

    That is what was deleted, or the file that a moved or restored one replaced.
    """

    node: Node
    version: int | None = None
    event_id: EventId | None = None
    entry_id: UUID | None = None


class MakeFolder(RequestShape, frozen=True, kw_only=True):
    """Create a folder: ``path``, or ``parentId`` and ``name``."""

    path: Path | None = None
    space_id: UUID | None = None
    parent_id: UUID | None = None
    name: Name | None = None
    parents: Annotated[bool, Meta(description="Create missing parents too.")] = False
    exist_ok: Annotated[bool, Meta(description="Answer the folder if it exists.")] = False


class MoveNode(RequestShape, frozen=True, kw_only=True):
    """Rename and/or move; what is null stays as it is."""

    parent_id: UUID | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class CopyNode(RequestShape, frozen=True, kw_only=True):
    """Copy a file or a subtree into ``parentId`` or ``parentPath``."""

    parent_id: UUID | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class RestoreEntry(RequestShape, frozen=True, kw_only=True):
    """Bring an entry of the trash back to where it was, or elsewhere."""

    parent_id: UUID | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class Version(ResponseShape, frozen=True, kw_only=True):
    """One immutable version of a file."""

    version: int
    size: int
    hash: Hash
    content_type: str
    content_modified_at: Moment | None
    created_at: Moment
    created_by: UUID
    is_current: bool


class TrashEntry(ResponseShape, frozen=True, kw_only=True):
    """One deletion: a node, and all below it."""

    entry_id: UUID
    node: Node
    original_path: str
    trashed_at: Moment
    trashed_by: UUID


class Content(ResponseShape, frozen=True, kw_only=True):
    """Where to get the bytes: send ``method`` and ``headers`` to ``url`` before ``expiresAt``."""

    id: UUID
    version: int
    size: int
    hash: Hash
    method: str
    url: str
    headers: dict[str, str]
    expires_at: Moment


class ContentWanted(RequestShape, frozen=True, kw_only=True):
    """A file by ``id``, or by ``path``; the current version unless one is named."""

    id: UUID | None = None
    path: Path | None = None
    space_id: UUID | None = None
    version: VersionNumber | None = None
    inline: bool = False


class ContentsWanted(RequestShape, frozen=True, kw_only=True):
    """Many files to download."""

    items: Annotated[tuple[ContentWanted, ...], Meta(min_length=1, max_length=MAX_ITEMS)]
