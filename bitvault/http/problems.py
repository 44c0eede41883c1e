"""How the edge says no: the statuses of categories, and RFC 9457 problem details."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

from bitvault.edge.rejections import Rejected
from bitvault.kernel.refusal import Category, Refusal

STATUS: Final[Mapping[Category, int]] = {
    Category.INVALID: 400,
    Category.UNAUTHENTICATED: 401,
    Category.FORBIDDEN: 403,
    Category.NOT_FOUND: 404,
    Category.CONFLICT: 409,
    Category.PRECONDITION_FAILED: 412,
    Category.TOO_LARGE: 413,
    Category.UNPROCESSABLE: 422,
    Category.EXHAUSTED: 429,
    Category.INTERNAL: 500,
    Category.UNAVAILABLE: 503,
}
"""Of refusals. A full quota is no server error, so it is not 507; a full disk is."""

OWN: Final[Mapping[str, tuple[int, str]]] = {
    "invalid": (
        400,
        "A value breaks a rule: ``field`` is its camelCase wire name, ``rule`` a sentence.",
    ),
    "precondition_failed": (412, "The resource has changed since the client looked."),
    "malformed": (400, "The body is not JSON, or the request cannot be read."),
    "not_found": (404, "There is no such route."),
    "method_not_allowed": (405, "The route has other methods; Allow lists them."),
    "request_timeout": (408, "The request did not arrive in time."),
    "body_too_large": (413, "The body is larger than the server takes."),
    "expectation_failed": (417, "Expect: only 100-continue can be met."),
    "head_too_large": (431, "The head of the request is larger than the server takes."),
    "not_implemented": (501, "The server has no such Transfer-Encoding; it has chunked alone."),
    "version_not_supported": (505, "The server speaks HTTP/1.1 here."),
    "unsupported_media_type": (415, "The body must be application/json."),
    "rate_limited": (
        429,
        "Too many requests from this address, user or tenant; Retry-After says when.",
    ),
    "internal": (500, "The server failed; its log has the reason under the request id."),
    "overloaded": (503, "A part of the server is busy or restarting; a retry is safe."),
    "disk_full": (507, "The server's disk is short of room; nothing was written."),
}
"""Status and meaning of the codes that the edge says itself; a refusal means its own docstring."""

RETRY_AFTER: Final = 1
"""Seconds, where a refusal is retryable as soon as a restart or a queue permits (503)."""


def problem(code: str, detail: str, request_id: str, **members: Any) -> dict[str, Any]:
    """Build the problem details of a code that the edge says itself."""
    return _problem(OWN[code][0], code, detail, request_id, members)


def _problem(
    status: int, code: str, detail: str, request_id: str, members: dict[str, Any]
) -> dict[str, Any]:
    """Build problem details; None members are left out."""
    retryable = status in {408, 429, 503} or code == "bytes_missing"
    if status == STATUS[Category.UNAVAILABLE]:
        members.setdefault("retryAfter", RETRY_AFTER)
    return {
        "type": f"urn:bitvault:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "requestId": request_id,
        "retryable": retryable,
        **{name: value for name, value in members.items() if value is not None},
    }


def of_refusal(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """Build the problem of a room's refusal, with its own fields in camelCase."""
    members = {camel(name): value for name, value in attrs.asdict(refusal).items()}
    status = STATUS[refusal.category]
    return _problem(status, refusal.code, refusal.detail, request_id, members)


def of_rejection(rejected: Rejected, request_id: str) -> dict[str, Any]:
    """Build the problem of the edge's own refusal."""
    return problem(rejected.code, rejected.detail, request_id, **rejected.members)


def safe_to_repeat(members: dict[str, Any], *, has_key: bool) -> dict[str, Any]:
    """Say how the same request is repeated, where it may help and the request had a key."""
    if members["code"] not in {"unavailable", "overloaded"} or not has_key:
        return members
    return {**members, "detail": f"{members['detail']} Send the same Idempotency-Key."}


def headers_for(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that belong to a problem."""
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if "retryAfter" in members:
        headers["Retry-After"] = str(members["retryAfter"])
    if members["code"] == "unauthenticated":
        headers["WWW-Authenticate"] = 'Bearer realm="bitvault"'
    if members["code"] == "insufficient_scope":
        needed = members["needed"]
        challenge = f'Bearer realm="bitvault", error="insufficient_scope", scope="{needed}"'
        headers["WWW-Authenticate"] = challenge
    return headers


def encode(members: Mapping[str, Any]) -> bytes:
    """Encode problem details; text that is no Unicode was refused on the way in."""
    return msgspec.json.encode(members)


def camel(name: str) -> str:
    """Turn a Python name into the wire's."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
