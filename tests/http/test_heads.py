"""Heads of requests: what could be read in two ways is no request at all."""

import pytest

from bitvault.http.heads import framing_fault, raw_fault, target_path

GOOD = b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        (GOOD + b"a\nb", None),
        (GOOD[:-2], None),
        (b"GET / HTTP/1.1\r\nHost: x\r", None),
        (b"GET / HTTP/1.1\nHost: x\r\n", None),
        (b"GET / HTTP/1.1\nHost: x\r\n\r\n", "bare LF"),
        (b"\nGET / HTTP/1.1\r\n\r\n", "bare LF"),
        (b"GET / HTTP/1.1\r\nHost: x\n\n", "bare LF"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\n", "bare LF"),
        (b"GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", "folded"),
        (b"GET / HTTP/1.1\r\ncontent-length: 3\r\nContent-Length: 3\r\n\r\n", "twice"),
        (b"GET / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", "twice"),
    ],
    ids=lambda value: repr(value)[-30:] if isinstance(value, bytes) else str(value),
)
def test_lines_and_lengths_are_taken_literally(received: bytes, fault: str | None) -> None:
    """Bare line feeds, folded lines and two lengths are refused, once the head is whole.

    The body is not looked at.
    """
    found = raw_fault(received, 100)
    assert (found is None) if fault is None else (found is not None and fault in found[1])


def test_a_head_has_a_size() -> None:
    """Whole or not; what comes after it does not count."""
    assert raw_fault(GOOD + b"x" * 100, len(GOOD)) is None
    assert raw_fault(GOOD, len(GOOD) - 1) == (431, f"the head is larger than {len(GOOD) - 1} bytes")
    assert raw_fault(b"G" * 101, 100) == (431, "the head is larger than 100 bytes")


@pytest.mark.parametrize(
    ("version", "names", "status"),
    [
        (b"1.1", [b"transfer-encoding"], None),
        (b"1.1", [b"content-length"], None),
        (b"1.0", [b"content-length"], None),
        (b"1.0", [b"transfer-encoding"], 400),
        (b"1.1", [b"transfer-encoding", b"content-length"], 400),
        (b"2.0", [], 505),
        (b"1.2", [], 505),
    ],
)
def test_a_body_ends_in_one_way(version: bytes, names: list[bytes], status: int | None) -> None:
    """By its length or in chunks, never both; and HTTP/1.0 knows no chunks."""
    fault = framing_fault(version, [(name, b"1") for name in names])
    assert (fault and fault[0]) == status


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a/b", "/a/b"),
        (b"http://x/a", "/a"),
        (b"https://x", "/"),
        (b"*", None),
        (b"a", None),
        (b"x:1", None),
        (b"ftp://x/a", None),
        (b"http://[x/a", None),
        (b"", None),
    ],
)
def test_targets_are_paths_or_whole_urls(target: bytes, path: str | None) -> None:
    """Whatever else stands there names nothing."""
    assert target_path("GET", target) == path
    assert target_path("OPTIONS", b"*") == "*"
