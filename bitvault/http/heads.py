"""Rules for the head of a request that leave no doubt where it ends and what it asks for.

A server and a proxy that read the same bytes differently let one client's bytes pass as another's
request (request smuggling). So what can be read in two ways is refused, and the connection closes.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

Headers = Iterable[tuple[bytes, bytes]]
Fault = tuple[int, str]
"""A status, and the reason."""

_END = re.compile(rb"\n\r?\n")
_BARE = re.compile(rb"\n(?:(?<!\r\n)|[ \t])")
_LENGTH = re.compile(rb"^content-length[ \t]*:([^\n]*)", re.IGNORECASE | re.MULTILINE)
_VERSIONS = {b"1.0", b"1.1"}


def raw_fault(received: bytes, largest: int) -> Fault | None:
    """Return what is wrong with the bytes of a head.

    Its lines are judged once all have come: each byte may come by itself, and would cost them all.
    """
    end = _END.search(received)
    head = received if end is None else received[: end.end()]
    if len(head) > largest:
        return 431, f"the head is larger than {largest} bytes"
    if end is None:
        return None
    if _BARE.search(head):
        return 400, "a line of the head ends in a bare LF or is folded"
    lengths: list[bytes] = _LENGTH.findall(head)
    if len(lengths) > 1 or b"," in b"".join(lengths):
        return 400, "Content-Length is given twice"
    return None


def framing_fault(version: bytes, headers: Headers) -> Fault | None:
    """Return what is wrong if it is in doubt where the body of a request ends."""
    if version not in _VERSIONS:
        return 505, "the version must be HTTP/1.0 or HTTP/1.1"
    names = {name for name, _value in headers}
    if b"transfer-encoding" not in names:
        return None
    if b"content-length" in names:
        return 400, "Content-Length and Transfer-Encoding exclude one another"
    if version == b"1.0":
        return 400, "HTTP/1.0 has no Transfer-Encoding"
    return None


def target_path(method: str, target: bytes) -> str | None:
    """Return the path that the target of a request names, still encoded; None if it names none.

    A whole URL names a host, too (RFC 9112 §3.2.2): this one.
    """
    if target.startswith(b"/"):
        return target.decode("ascii")
    if target == b"*" and method == "OPTIONS":
        return "*"
    try:
        parts = urlsplit(target.decode("ascii"))
    except ValueError:
        return None
    is_whole = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return (parts.path or "/") if is_whole else None
