"""Refusals in SCIM's own words (RFC 7644 §3.12)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from bitvault.wire import scim as wire

MEDIA: Final = "application/scim+json"
_TYPES: Final = {
    "external_id_taken": "uniqueness",
    "group_taken": "uniqueness",
    "idempotency_key_reused": "uniqueness",
    "invalid": "invalidValue",
    "login_taken": "uniqueness",
    "malformed": "invalidSyntax",
}
_OF_FIELD: Final = {"filter": "invalidFilter", "path": "invalidPath"}


def encode(members: Mapping[str, Any]) -> bytes:
    """Encode what problem details say as a SCIM error."""
    kind = _TYPES.get(members["code"])
    kind = _OF_FIELD.get(members.get("field", ""), kind) if members["code"] == "invalid" else kind
    shape = wire.Fault(
        schemas=(wire.ERROR,),
        status=str(members["status"]),
        detail=members["detail"],
        scim_type=kind or UNSET,  # type: ignore[arg-type]  # the table holds the words alone
    )
    return msgspec.json.encode(shape)


def headers_for(members: Mapping[str, Any]) -> dict[str, str]:
    """Return what has no place in a SCIM error: the code that the rest of the interface says."""
    return {"Content-Type": MEDIA, "X-Problem-Code": members["code"]}
