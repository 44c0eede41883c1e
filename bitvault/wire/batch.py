"""Up to 1000 operations on trees in one request; each is the body of its single route.

The node is ``id``, or ``path`` (with ``spaceId``); ``ifMatch`` is the If-Match of the route.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import MAX_ITEMS, ETag, IfExists, Name, Path, RequestShape, VersionNumber
from bitvault.wire.nodes import MakeFolder, RestoreEntry


class BatchMkdir(MakeFolder, tag_field="op", tag="mkdir", frozen=True, kw_only=True):
    """Create a folder."""


class _OnNode(RequestShape, frozen=True, kw_only=True):
    id: UUID | None = None
    path: Path | None = None
    space_id: UUID | None = None


class BatchMove(_OnNode, tag_field="op", tag="move", frozen=True, kw_only=True):
    """Rename and/or move a node."""

    parent_id: UUID | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"
    if_match: ETag | None = None


class BatchCopy(_OnNode, tag_field="op", tag="copy", frozen=True, kw_only=True):
    """Copy a node."""

    parent_id: UUID | None = None
    parent_path: Path | None = None
    name: Name | None = None
    if_exists: IfExists = "fail"


class BatchTrash(_OnNode, tag_field="op", tag="trash", frozen=True, kw_only=True):
    """Put a node in the trash."""

    if_match: ETag | None = None


class BatchRestore(RestoreEntry, tag_field="op", tag="restore", frozen=True, kw_only=True):
    """Bring an entry of the trash back."""

    entry_id: UUID


class BatchPurge(RequestShape, tag_field="op", tag="purge", frozen=True, kw_only=True):
    """Remove an entry of the trash for good."""

    entry_id: UUID


class BatchRestoreVersion(_OnNode, tag_field="op", tag="restoreVersion", frozen=True, kw_only=True):
    """Make an older version's content current again."""

    version: VersionNumber
    if_match: ETag | None = None


Operation = (
    BatchMkdir
    | BatchMove
    | BatchCopy
    | BatchTrash
    | BatchRestore
    | BatchPurge
    | BatchRestoreVersion
)


class Batch(RequestShape, frozen=True, kw_only=True):
    """Operations, applied in order in one transaction; each succeeds or is refused by itself."""

    operations: Annotated[tuple[Operation, ...], Meta(min_length=1, max_length=MAX_ITEMS)]
