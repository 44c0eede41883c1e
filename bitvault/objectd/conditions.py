"""Preconditions and ranges (RFC 9110 §13 and §14). Pure."""

import re
from collections.abc import Mapping, Sequence

from bitvault.objectd.effects import parse_http_date
from bitvault.objectd.errors import S3Error

_RANGE = re.compile(r"bytes=0*+([0-9]*+)-0*+([0-9]*+)", re.IGNORECASE)
_COPY_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")
_MOST_DIGITS = 19
"""Of the size of an object; what is written with more lies behind its end."""


def check_read(headers: Mapping[str, str], etag: str, modified: int, prefix: str = "") -> bool:
    """Evaluate the conditions of a GET, a HEAD or a copy source (with its prefix).

    Args:
        headers: the request's.
        etag: the object's, without quotes.
        modified: whole seconds since the epoch.
        prefix: `x-amz-copy-source-` for a copy.

    Returns:
        False when the answer is 304 Not Modified.

    Raises:
        S3Error: PreconditionFailed.
    """
    match, none_match = headers.get(prefix + "if-match"), headers.get(prefix + "if-none-match")
    if match is not None:
        if not _lists(match, etag):
            raise S3Error("PreconditionFailed")
    elif _date(headers, prefix + "if-unmodified-since", default=modified) < modified:
        raise S3Error("PreconditionFailed")
    if none_match is not None:
        return not _lists(none_match, etag)
    return _date(headers, prefix + "if-modified-since", default=modified - 1) < modified


def check_write(headers: Mapping[str, str], etag: str | None) -> None:
    """Evaluate the conditions of a write against the current object's ETag (None: no object).

    Raises:
        S3Error: PreconditionFailed; NoSuchKey for If-Match on nothing; NotImplemented for
            If-None-Match with anything but `*`, as in S3.
    """
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if none_match is not None:
        if none_match.strip() != "*":
            raise S3Error("NotImplemented", "If-None-Match on a write accepts only *.")
        if etag is not None:
            raise S3Error("PreconditionFailed")
    if match is not None:
        if etag is None:
            raise S3Error("NoSuchKey")
        if not _lists(match, etag):
            raise S3Error("PreconditionFailed")


def read_range(headers: Mapping[str, str], size: int, etag: str, modified: int) -> range | None:
    """The bytes asked for, or None for all of them.

    Several ranges and malformed ones are ignored, as S3 does and RFC 9110 allows.

    Raises:
        S3Error: InvalidRange when nothing of the range exists.
    """
    match = _RANGE.fullmatch(headers.get("range", "").strip())
    if match is None or match[0].endswith("=-") or not _if_range(headers, etag, modified):
        return None
    first, last = match.groups()
    if match[0].partition("=")[2].startswith("-"):
        start, stop = max(size - _number(last), 0), size
    elif match[0].endswith("-"):
        start, stop = _number(first), size
    else:
        start, stop = _number(first), min(_number(last) + 1, size)
        if (len(last), last) < (len(first), first):
            return None
    if start >= stop:
        raise S3Error("InvalidRange", headers={"content-range": f"bytes */{size}"})
    return range(start, stop)


def _number(digits: str) -> int:
    """Return a place in an object; ``digits`` have no zeros ahead, and may be very many."""
    return int(digits or 0) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def copy_range(headers: Mapping[str, str], size: int) -> range:
    """The bytes of a copy source that become a part.

    Raises:
        S3Error: InvalidArgument for a malformed range, InvalidRange for one beyond the source.
    """
    name = "x-amz-copy-source-range"
    if name not in headers:
        return range(size)
    match = _COPY_RANGE.fullmatch(headers[name])
    if match is None:
        raise S3Error("InvalidArgument", f"{name} must be of the form bytes=first-last.")
    first, last = (_number(digits.lstrip("0")) for digits in match.groups())
    if not first <= last < size:
        raise S3Error("InvalidRange", f"{name} is not within the source's {size} bytes.")
    return range(first, last + 1)


def part_range(number: int, sizes: Sequence[int]) -> range:
    """The bytes of one part.

    Raises:
        S3Error: InvalidPartNumber.
    """
    if number > len(sizes):
        raise S3Error("InvalidPartNumber")
    start = sum(sizes[: number - 1])
    return range(start, start + sizes[number - 1])


def _if_range(headers: Mapping[str, str], etag: str, modified: int) -> bool:
    value = headers.get("if-range")
    if value is None:
        return True
    return value.strip() == f'"{etag}"' or parse_http_date(value) == modified


def _lists(value: str, etag: str) -> bool:
    tags = [tag.strip() for tag in value.split(",")]
    return "*" in tags or etag in [tag.removeprefix("W/").strip('"') for tag in tags]


def _date(headers: Mapping[str, str], name: str, default: float) -> float:
    seconds = parse_http_date(headers.get(name, ""))
    return default if seconds is None else seconds
