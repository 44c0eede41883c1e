"""Preconditions and ranges, as pure decisions."""

import pytest

from bitvault.objectd.conditions import check_read, check_write, read_range
from bitvault.objectd.effects import http_date
from bitvault.objectd.errors import S3Error

ETAG, MODIFIED = "abc", 1_000_000
BEFORE, AT, AFTER = (http_date(MODIFIED + shift) for shift in (-10, 0, 10))

RANGES = {
    "none": ({}, None),
    "first byte": ({"range": "bytes=0-0"}, range(1)),
    "open": ({"range": "bytes=4-"}, range(4, 10)),
    "suffix": ({"range": "bytes=-3"}, range(7, 10)),
    "long suffix": ({"range": "bytes=-30"}, range(10)),
    "past the end": ({"range": "bytes=8-99"}, range(8, 10)),
    "far past the end": ({"range": "bytes=0-99999999999999999999"}, range(10)),
    "digits without end": ({"range": "bytes=2-" + "9" * 5000}, range(2, 10)),
    "very long suffix": ({"range": "bytes=-" + "9" * 5000}, range(10)),
    "zeros ahead": ({"range": "bytes=" + "0" * 5000 + "-0003"}, range(4)),
    "unit in capitals": ({"range": "Bytes=0-1"}, range(2)),
    "white space around": ({"range": " bytes=0-1\t"}, range(2)),
    "white space within": ({"range": "bytes=0 - 1"}, None),
    "sign": ({"range": "bytes=+0-1"}, None),
    "backwards and far": ({"range": "bytes=" + "9" * 30 + "-" + "9" * 29}, None),
    "several": ({"range": "bytes=0-1,3-4"}, None),
    "backwards": ({"range": "bytes=5-4"}, None),
    "nonsense": ({"range": "bytes=-"}, None),
    "other unit": ({"range": "lines=0-1"}, None),
    "unicode digits": ({"range": "bytes=\u0660-\u0661"}, None),
    "if-range holds": ({"range": "bytes=0-0", "if-range": '"abc"'}, range(1)),
    "if-range date holds": ({"range": "bytes=0-0", "if-range": AT}, range(1)),
    "if-range fails": ({"range": "bytes=0-0", "if-range": '"abd"'}, None),
    "if-range is strong": ({"range": "bytes=0-0", "if-range": 'W/"abc"'}, None),
}


@pytest.mark.parametrize(("headers", "expected"), RANGES.values(), ids=RANGES)
def test_range(headers: dict[str, str], expected: range | None) -> None:
    """One satisfiable range is honoured; what is not one is ignored."""
    assert read_range(headers, 10, ETAG, MODIFIED) == expected


@pytest.mark.parametrize(
    ("value", "size"),
    [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=" + "9" * 5000 + "-", 10)],
    ids=["behind", "no suffix", "empty", "far behind"],
)
def test_unsatisfiable_range_is_refused(value: str, size: int) -> None:
    """A range of nothing is 416 and says how long the object is."""
    with pytest.raises(S3Error, match="InvalidRange") as refusal:
        read_range({"range": value}, size, ETAG, MODIFIED)
    assert refusal.value.headers == {"content-range": f"bytes */{size}"}


READS = {
    "none": ({}, True),
    "match": ({"if-match": '"abc"'}, True),
    "match any": ({"if-match": "*"}, True),
    "match one of": ({"if-match": '"x", "abc"'}, True),
    "match wins over date": ({"if-match": '"abc"', "if-unmodified-since": BEFORE}, True),
    "none match": ({"if-none-match": '"x"'}, True),
    "same etag": ({"if-none-match": '"abc"'}, False),
    "weak etag": ({"if-none-match": 'W/"abc"'}, False),
    "etag wins over date": ({"if-none-match": '"x"', "if-modified-since": AFTER}, True),
    "modified": ({"if-modified-since": BEFORE}, True),
    "not modified": ({"if-modified-since": AT}, False),
    "unmodified": ({"if-unmodified-since": AT}, True),
    "bad date": ({"if-modified-since": "yesterday"}, True),
}


@pytest.mark.parametrize(("headers", "sent"), READS.values(), ids=READS)
def test_read_condition(headers: dict[str, str], sent: bool) -> None:  # noqa: FBT001 - an expectation
    """A read is sent, or it is 304."""
    assert check_read(headers, ETAG, MODIFIED) is sent


@pytest.mark.parametrize("headers", [{"if-match": '"x"'}, {"if-unmodified-since": BEFORE}])
def test_failed_read_condition_is_refused(headers: dict[str, str]) -> None:
    """A failed If-Match or If-Unmodified-Since is 412."""
    with pytest.raises(S3Error, match="PreconditionFailed"):
        check_read(headers, ETAG, MODIFIED)


@pytest.mark.parametrize(
    ("headers", "etag", "code"),
    [
        ({"if-none-match": "*"}, ETAG, "PreconditionFailed"),
        ({"if-none-match": '"abc"'}, None, "NotImplemented"),
        ({"if-match": '"x"'}, ETAG, "PreconditionFailed"),
        ({"if-match": '"abc"'}, None, "NoSuchKey"),
    ],
)
def test_failed_write_condition_is_refused(
    headers: dict[str, str], etag: str | None, code: str
) -> None:
    """A write whose condition fails, or can't be judged, is refused."""
    with pytest.raises(S3Error, match=code):
        check_write(headers, etag)
