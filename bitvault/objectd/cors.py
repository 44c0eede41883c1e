"""CORS for browsers that move bytes with presigned URLs (WHATWG Fetch). Pure."""

from collections.abc import Mapping, Sequence

from bitvault.objectd.errors import S3Error

_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
_EXPOSED = (
    "ETag, Content-Length, Content-Range, Accept-Ranges, x-amz-request-id, "
    "x-amz-checksum-sha256, x-amz-checksum-sha1, x-amz-checksum-crc32, x-amz-checksum-type"
)
_MAX_AGE = "3600"


def cors_headers(headers: Mapping[str, str], origins: Sequence[str]) -> dict[str, str]:
    """Headers for an answer to a cross-origin request from an allowed origin, else none."""
    origin = headers.get("origin")
    if origin is None or not _allowed(origin, origins):
        return {}
    return {
        "access-control-allow-origin": "*" if "*" in origins else origin,
        "access-control-expose-headers": _EXPOSED,
        "vary": "Origin",
    }


def preflight(headers: Mapping[str, str], origins: Sequence[str]) -> dict[str, str]:
    """Headers that answer a preflight.

    Raises:
        S3Error: AccessForbidden for an origin or a method that is not allowed.
    """
    origin = headers.get("origin", "")
    method = headers.get("access-control-request-method", "")
    if not _allowed(origin, origins) or method not in _METHODS:
        raise S3Error("AccessForbidden")
    answer = cors_headers(headers, origins) | {
        "access-control-allow-methods": ", ".join(_METHODS),
        "access-control-max-age": _MAX_AGE,
    }
    if "access-control-request-headers" in headers:
        answer["access-control-allow-headers"] = headers["access-control-request-headers"]
    return answer


def _allowed(origin: str, origins: Sequence[str]) -> bool:
    return bool(origin) and ("*" in origins or origin in origins)
