"""Places in the trail: an entry's time and seq, as a cursor carries them."""

from datetime import UTC, datetime, timedelta

from bitvault.kernel.paging import NOT_OF_THIS_LIST, decode_cursor
from bitvault.kernel.refusal import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END = datetime(9999, 12, 31, tzinfo=UTC)

Place = tuple[datetime, int]


def place_key(at: datetime, seq: int) -> tuple[int, int]:
    """Return what a cursor holds: microseconds since 1970, and the seq."""
    return (at - _EPOCH) // _MICROSECOND, seq


def first_place(cursor: str | None, until: datetime | None) -> Place:
    """Return the place before which a page begins.

    Raises:
        Refused: The cursor is not one of this list.
    """
    end = (until or _END, 0)
    if cursor is None:
        return end
    at, seq = decode_cursor(cursor, [int, int])
    try:
        return min((_EPOCH + int(at) * _MICROSECOND, int(seq)), end)
    except OverflowError as error:
        raise Refused(NOT_OF_THIS_LIST) from error
