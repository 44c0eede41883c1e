"""A request's head, taken apart once and strictly.

Keys are opaque: percent-decoded exactly once, never normalised, never used as a path. What
could be read in two ways (a repeated parameter, a repeated `x-amz-*` header) is refused.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

import attrs

from bitvault.objectd.errors import S3Error

MAX_KEY_BYTES = 1024
_MAY_REPEAT = frozenset({"accept", "accept-encoding", "accept-language", "cookie", "via"})


@attrs.frozen
class Request:
    """One S3 request without its body.

    Attributes:
        path: the percent-decoded path, as SigV4 canonicalises it.
        bucket: empty for the service itself.
        key: the object's key as bytes of UTF-8, empty for the bucket itself.
        query: decoded parameters; a valueless one maps to the empty string.
        headers: lower-case names; values are latin-1 views of the bytes sent.
    """

    method: str
    path: bytes
    bucket: str
    key: bytes
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def content_length(self) -> int | None:
        """The declared body length in bytes; h11 has already checked its form."""
        value = self.headers.get("content-length")
        return None if value is None else int(value)


def parse_request(method: str, target: str, headers: Iterable[tuple[bytes, bytes]]) -> Request:
    """Take a request head apart.

    Raises:
        S3Error: InvalidURI, InvalidArgument, KeyTooLongError or InvalidRequest.
    """
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        raise S3Error("InvalidURI")
    bucket, _, key = path[1:].partition("/")
    return Request(
        method=method,
        path=_decode(path),
        bucket=_text(bucket),
        key=_key(key),
        query=_parse_query(query),
        headers=_parse_headers(headers),
    )


def _decode(text: str) -> bytes:
    if "%" in text and any(not _is_hex(piece[:2]) for piece in text.split("%")[1:]):
        raise S3Error("InvalidURI")
    return unquote_to_bytes(text)


def _is_hex(pair: str) -> bool:
    return len(pair) == 2 and all(c in "0123456789abcdefABCDEF" for c in pair)  # noqa: PLR2004 - two digits make a byte


def _text(raw: str) -> str:
    try:
        return _decode(raw).decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidURI") from None


def _key(raw: str) -> bytes:
    key = _text(raw).encode()
    if len(key) > MAX_KEY_BYTES:
        raise S3Error("KeyTooLongError")
    return key


def _parse_query(raw: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for piece in filter(None, raw.split("&")):
        name, _, value = piece.partition("=")
        name = _text(name)
        if name in query:
            raise S3Error("InvalidArgument", "A query parameter is given twice.")
        query[name] = _text(value)
    return query


def _parse_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        if name not in headers:
            headers[name] = value
        elif name in _MAY_REPEAT:
            headers[name] += "," + value
        else:
            raise S3Error("InvalidRequest", f"The header {name} is given twice.")
    return headers
