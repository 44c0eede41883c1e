"""What this server tells a directory about itself (RFC 7643 §5 to §7)."""

from typing import Any, Final

from bitvault.http.scim.shapes import ROOT
from bitvault.wire import scim as wire

MAX_RESULTS: Final = 1000
_CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_TYPE: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"

CONFIG: Final[dict[str, Any]] = {
    "schemas": [_CONFIG],
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": True, "maxResults": MAX_RESULTS},
    "changePassword": {"supported": False},
    "sort": {"supported": False},
    "etag": {"supported": True},
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "Token of a service account",
            "description": "An API token of the scope admin, of a service account that is admin.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": True,
        }
    ],
    "meta": {
        "resourceType": "ServiceProviderConfig",
        "location": f"{ROOT}/ServiceProviderConfig",
    },
}


def _type(name: str, schema: str) -> dict[str, Any]:
    return {
        "schemas": [_TYPE],
        "id": name,
        "name": name,
        "endpoint": f"/{name}s",
        "schema": schema,
        "meta": {"resourceType": "ResourceType", "location": f"{ROOT}/ResourceTypes/{name}"},
    }


def _attribute(name: str, description: str, **other: Any) -> dict[str, Any]:
    usual = {
        "name": name,
        "type": "string",
        "multiValued": False,
        "description": description,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    return {**usual, **other}


def _references(name: str, description: str, what: str, mutability: str) -> dict[str, Any]:
    fixed = "readOnly" if mutability == "readOnly" else "immutable"
    parts = [
        _attribute("value", "Its id.", mutability=fixed, caseExact=True),
        _attribute(
            "$ref",
            "Where it is.",
            type="reference",
            referenceTypes=[what],
            mutability=fixed,
            caseExact=True,
        ),
    ]
    if name == "groups":
        parts.append(_attribute("display", "What it is called.", mutability="readOnly"))
    if name == "members":
        kinds = {"canonicalValues": ["User"], "mutability": fixed}
        parts.append(_attribute("type", "What it is: a user.", **kinds))
    shape = {"type": "complex", "multiValued": True, "subAttributes": parts}
    return _attribute(name, description, **shape, mutability=mutability)


def _schema(urn: str, name: str, description: str, *attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemas": [_SCHEMA],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": list(attributes),
        "meta": {"resourceType": "Schema", "location": f"{ROOT}/Schemas/{urn}"},
    }


_EXTERNAL: Final = _attribute(
    "externalId", "What the directory calls it.", caseExact=True, uniqueness="server"
)
TYPES: Final = {"User": _type("User", wire.USER), "Group": _type("Group", wire.GROUP)}
SCHEMAS: Final = {
    wire.USER: _schema(
        wire.USER,
        "User",
        "A user of the tenant.",
        _attribute("userName", "The login.", required=True, uniqueness="server"),
        _EXTERNAL,
        _attribute("displayName", "What others are shown; else the login.", required=True),
        _attribute("active", "Whether they may come in.", type="boolean", required=True),
        _references("groups", "The groups they are in.", "Group", "readOnly"),
    ),
    wire.GROUP: _schema(
        wire.GROUP,
        "Group",
        "A group of users.",
        _attribute("displayName", "The name.", required=True, uniqueness="server"),
        _EXTERNAL,
        _references("members", "Who is in it.", "User", "readWrite"),
    ),
}
