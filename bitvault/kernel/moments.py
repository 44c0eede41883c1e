"""Which moments every part can hold: Python in any time zone, PostgreSQL, RFC 3339, and clients.

A day at each end of Python's calendar is left out: no conversion to another zone leaves it then,
and neither end is taken for an infinity, as the driver of the database takes them.
"""

from datetime import UTC, datetime

FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)
RULE = "must lie from 0001-01-02 to 9999-12-30, in UTC"


def is_moment(value: datetime) -> bool:
    """Say whether every part can hold it; without a zone none can."""
    return value.tzinfo is not None and FIRST <= value <= LAST
