"""Where a page goes on. A cursor names its list, so that one of another list is refused."""

from uuid import UUID

from bitvault.kernel.paging import decode_cursor
from bitvault.kernel.refusal import Invalid, Refused

LAST_ID = UUID(int=(1 << 128) - 1)
LAST_VERSION = (1 << 31) - 1

ListName = tuple[str, str]
"""What is listed, and of which folder, file, space or user."""


def list_name(what: str, owner: UUID) -> ListName:
    """Name a list."""
    return what, owner.hex


def after_text(cursor: str | None, name: ListName) -> str:
    """Return the text that the next page comes after."""
    return "" if cursor is None else str(decode_cursor(cursor, [str], name)[0])


def before_version(cursor: str | None, name: ListName) -> int:
    """Return the version that the next page comes before."""
    if cursor is None:
        return LAST_VERSION
    version = int(decode_cursor(cursor, [int], name)[0])
    if not 0 <= version <= LAST_VERSION:
        raise Refused(Invalid("cursor", "is not a cursor of this list"))
    return version


def before_id(cursor: str | None, name: ListName) -> UUID:
    """Return the id that the next page comes before."""
    if cursor is None:
        return LAST_ID
    try:
        return UUID(str(decode_cursor(cursor, [str], name)[0]))
    except ValueError as error:
        raise Refused(Invalid("cursor", "is not a cursor of this list")) from error
