"""The two effects that are neither disk nor socket: the wall clock and random ids.

Everything else in the store gets them handed in, so tests can fix them.
"""

import secrets
import time
from email.utils import formatdate, parsedate_to_datetime


def wall_clock() -> float:
    """Seconds since the Unix epoch."""
    return time.time()


def random_id() -> str:
    """128 random bits as hex: upload ids and request ids."""
    return secrets.token_hex(16)


def http_date(seconds: float) -> str:
    """An IMF-fixdate (RFC 9110 §5.6.7)."""
    return formatdate(seconds, usegmt=True)


def parse_http_date(value: str) -> float | None:
    """Seconds since the epoch, or None for what is not a date: a bad condition is ignored."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def iso_time(milliseconds: int) -> str:
    """S3's listing timestamp, `2009-10-12T17:50:30.000Z`."""
    seconds, fraction = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:03d}Z"
