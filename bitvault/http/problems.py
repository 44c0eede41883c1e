"""How the edge says no: the one table of codes and statuses, and RFC 9457 problem details."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

from bitvault.kernel.refusal import Refusal

STATUS: Final[Mapping[str, int]] = {
    "invalid": 400,
    "authorization_pending": 400,
    "expired_token": 400,
    "logout_refused": 400,
    "bad_credentials": 401,
    "link_password_needed": 401,
    "unauthenticated": 401,
    "access_denied": 403,
    "forbidden": 403,
    "insufficient_scope": 403,
    "sign_in_refused": 403,
    "tenant_suspended": 403,
    "credential_not_found": 404,
    "erasure_not_found": 404,
    "device_not_found": 404,
    "grant_not_found": 404,
    "grantee_not_found": 404,
    "group_not_found": 404,
    "invitation_not_found": 404,
    "job_not_found": 404,
    "link_not_found": 404,
    "link_spent": 404,
    "mail_not_found": 404,
    "node_not_found": 404,
    "provider_not_found": 404,
    "space_not_found": 404,
    "tenant_not_found": 404,
    "trash_entry_not_found": 404,
    "upload_not_found": 404,
    "user_not_found": 404,
    "version_not_found": 404,
    "already_invited": 409,
    "bytes_missing": 409,
    "erasure_begun": 409,
    "external_id_taken": 409,
    "group_taken": 409,
    "kind_mismatch": 409,
    "last_admin": 409,
    "last_manager": 409,
    "last_operator": 409,
    "login_taken": 409,
    "mail_not_configured": 409,
    "name_taken": 409,
    "provider_taken": 409,
    "space_not_empty": 409,
    "space_taken": 409,
    "stale_base": 409,
    "tenant_leaving": 409,
    "tenant_not_suspended": 409,
    "tenant_taken": 409,
    "too_many_grants": 409,
    "too_many_groups": 409,
    "too_many_links": 409,
    "request_closed": 409,
    "request_full": 409,
    "too_many_providers": 409,
    "too_many_users": 409,
    "tree_rule": 409,
    "upload_closed": 409,
    "precondition_failed": 412,
    "quota_exceeded": 413,
    "too_many_nodes": 413,
    "bytes_mismatch": 422,
    "idempotency_key_reused": 422,
    "slow_down": 429,
    "too_many_attempts": 429,
    "too_many_codes": 429,
    "too_many_devices": 429,
    "too_many_guesses": 429,
    "too_many_proposals": 429,
    "unavailable": 503,
    # Said by the edge itself.
    "malformed": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "body_too_large": 413,
    "expectation_failed": 417,
    "head_too_large": 431,
    "not_implemented": 501,
    "version_not_supported": 505,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "disk_full": 507,
}
"""Every code there is. A full quota is no server error, so it is not 507; a full disk is."""

OWN_MEANINGS: Final[Mapping[str, str]] = {
    "malformed": "The body is not JSON, or the request cannot be read.",
    "not_found": "There is no such route.",
    "method_not_allowed": "The route has other methods; Allow lists them.",
    "request_timeout": "The request did not arrive in time.",
    "body_too_large": "The body is larger than the server takes.",
    "expectation_failed": "Expect: only 100-continue can be met.",
    "head_too_large": "The head of the request is larger than the server takes.",
    "not_implemented": "The server has no such Transfer-Encoding; it has chunked alone.",
    "version_not_supported": "The server speaks HTTP/1.1 here.",
    "unsupported_media_type": "The body must be application/json.",
    "rate_limited": "Too many requests from this address, user or tenant; Retry-After says when.",
    "internal": "The server failed; its log has the reason under the request id.",
    "overloaded": "A part of the server is busy or restarting; a retry is safe.",
    "disk_full": "The server's disk is short of room; nothing was written.",
}
"""Of the codes that the edge says itself; a refusal's meaning is its own docstring."""

RETRY_AFTER: Final = 1
"""Seconds, where a refusal is retryable as soon as a restart or a queue permits (503)."""


class Rejected(Exception):  # noqa: N818 - carries a problem out of the edge's own checks
    """The edge refuses a request before, or instead of, asking a room."""

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.members = members


def invalid(field: str, rule: str) -> Rejected:
    """Refuse a value; ``field`` is its name on the wire, ``rule`` what it breaks."""
    return Rejected("invalid", f"{field}: {rule}", field=field, rule=rule)


def disk_full() -> Rejected:
    """Refuse to write while the server's disk is short of room."""
    detail = (
        "The server's disk is nearly full, so nothing was written. Reading and removing still "
        "work; its operator has to make room."
    )
    return Rejected("disk_full", detail)


def problem(code: str, detail: str, request_id: str, **members: Any) -> dict[str, Any]:
    """Build problem details; None members are left out."""
    status = STATUS[code]
    retryable = status in {408, 429, 503} or code == "bytes_missing"
    if status == STATUS["unavailable"]:
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
    return problem(refusal.code, refusal.detail, request_id, **members)


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
