"""Places in the trail: an entry's time, seq and id, as a cursor carries them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from bitvault.kernel.paging import FIRST_ID, NOT_OF_THIS_LIST, decode_cursor, id_in
from bitvault.kernel.refusal import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_END = datetime(9999, 12, 31, tzinfo=UTC)
_LAST_ID = UUID(int=(1 << 128) - 1)

Place = tuple[datetime, int, UUID]
"""Events of one moment lie behind the downloads of that moment, which all have the seq 0."""


def place_key(at: datetime, seq: int, entry_id: UUID) -> tuple[int, int, str]:
    """Return what a cursor holds: microseconds since 1970, the seq, and the id."""
    return (at - _EPOCH) // _MICROSECOND, seq, str(entry_id)


def first_place(cursor: str | None, until: datetime | None) -> Place:
    """Return the place before which a page begins.

    Raises:
        Refused: The cursor is not one of this list.
    """
    end = (until or _END, 0, FIRST_ID)
    if cursor is None:
        return end
    at, seq, entry_id = decode_cursor(cursor, [int, int, str])
    try:
        return min((_EPOCH + int(at) * _MICROSECOND, int(seq), id_in(entry_id)), end)
    except OverflowError as error:
        raise Refused(NOT_OF_THIS_LIST) from error


def first_download(place: Place) -> tuple[datetime, UUID]:
    """Return the time and id that downloads lie before, if they lie before a place."""
    at, seq, entry_id = place
    return at, _LAST_ID if seq else entry_id
