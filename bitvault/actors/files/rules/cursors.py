"""Where a page goes on. A cursor names its list, so that one of another list is refused."""

from uuid import UUID

from bitvault.kernel.paging import NOT_OF_THIS_LIST, after_id, decode_cursor
from bitvault.kernel.refusal import Refused

LAST_ID = UUID(int=(1 << 128) - 1)
LAST_VERSION = (1 << 31) - 1

ListName = tuple[str, str]
"""What is listed, and of which folder, file, space or user."""


def list_name(what: str, owner: UUID) -> ListName:
    """Name a list."""
    return what, owner.hex


def before_version(cursor: str | None, name: ListName) -> int:
    """Return the version that the next page comes before."""
    if cursor is None:
        return LAST_VERSION
    version = int(decode_cursor(cursor, [int], name)[0])
    if not 0 <= version <= LAST_VERSION:
        raise Refused(NOT_OF_THIS_LIST)
    return version


def before_id(cursor: str | None, name: ListName) -> UUID:
    """Return the id that the next page comes before."""
    return after_id(cursor, name, LAST_ID)
