"""What an upload's figures and labels must look like, before anything is looked up."""

import re
from datetime import datetime

from bitvault.actors.files.contract import Target, UploadDraft
from bitvault.kernel import moments
from bitvault.kernel.refusal import Invalid, Refused

MAX_BATCH = 1000
MAX_SIZE = 5 << 40
DEFAULT_TYPE = "application/octet-stream"

_HASH = re.compile(r"sha256(-[1-9][0-9]{0,4})?:[0-9a-f]{64}")
_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(;[ -~]*)?", re.ASCII)


def check_batch(count: int, field: str = "items") -> None:
    """Refuse an empty batch and one beyond the limit."""
    if not 1 <= count <= MAX_BATCH:
        raise Refused(Invalid(field, f"must have 1 to {MAX_BATCH} items"))


def check_limit(limit: int) -> None:
    """Refuse a page size out of range."""
    if not 1 <= limit <= MAX_BATCH:
        raise Refused(Invalid("limit", f"must be from 1 to {MAX_BATCH}"))


def check_draft(draft: UploadDraft) -> None:
    """Refuse a draft whose figures break a rule."""
    if not 0 <= draft.size <= MAX_SIZE:
        raise Refused(Invalid("size", f"must be from 0 to {MAX_SIZE} bytes"))
    if draft.hash is not None:
        check_hash(draft.hash)
    if draft.base_version is not None and not 0 <= draft.base_version < 1 << 31:
        raise Refused(Invalid("baseVersion", "must be a version number"))
    if draft.content_type is not None and not _media_type(draft.content_type):
        raise Refused(Invalid("contentType", "must be a media type such as text/plain"))
    check_time(draft.content_modified_at)


def check_hash(value: str) -> None:
    """Refuse what is not a hash as DESIGN §6 writes it."""
    if not _HASH.fullmatch(value):
        raise Refused(Invalid("hash", "must be sha256:<64 hex> or sha256-<n>:<64 hex>"))


def check_time(value: datetime | None) -> None:
    """Refuse a time that not every part can hold."""
    if value is not None and not moments.is_moment(value):
        raise Refused(Invalid("contentModifiedAt", moments.RULE))


def _media_type(value: str) -> bool:
    return len(value) <= 255 and _TYPE.fullmatch(value) is not None  # noqa: PLR2004 - as names


def place_of(
    target: Target | None, parent: Target | None, name: str | None
) -> tuple[Target, tuple[str, ...]]:
    """Return where a new node goes: a path, or a parent and the name below it."""
    if target is not None and parent is None and name is None:
        if target.path is None:
            raise Refused(Invalid("path", "must be given, or parentId and name"))
        return target, ()
    if target is None and parent is not None and name is not None:
        return parent, (name,)
    raise Refused(Invalid("path", "give either path, or parentId and name"))
