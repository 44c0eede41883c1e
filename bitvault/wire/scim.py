"""SCIM 2.0 resources (RFC 7643) as this server knows them.

What clients send may have attributes that are not known here: they are passed over, as RFC 7644
§3.3 has it, so that any directory can be pointed at us.
"""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from bitvault.wire.fields import Moment

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
LISTED: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"

Text = Annotated[str, Meta(min_length=1, max_length=255)]
ExternalId = Annotated[
    str, Meta(max_length=255, description="What the directory calls it.", examples=["00u1ab2cd"])
]


class Resource(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """The root of every shape; what is not there is left out."""


class FullName(Resource, frozen=True, kw_only=True):
    """The parts of a name; a display name is made of them where none is sent."""

    formatted: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class Reference(Resource, frozen=True, kw_only=True):
    """A member of a group, or a group of a user."""

    value: UUID
    ref: str | UnsetType = field(default=UNSET, name="$ref")
    display: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class About(Resource, frozen=True, kw_only=True):
    """Of a resource, what it does not say itself."""

    resource_type: str
    location: str
    created: Moment | UnsetType = UNSET


class User(Resource, frozen=True, kw_only=True):
    """A user; ``userName`` is the login."""

    schemas: tuple[str, ...]
    id: UUID
    external_id: str | UnsetType = UNSET
    user_name: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    groups: tuple[Reference, ...] | UnsetType = UNSET
    meta: About | UnsetType = UNSET


class Group(Resource, frozen=True, kw_only=True):
    """A group of users."""

    schemas: tuple[str, ...]
    id: UUID
    external_id: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    members: tuple[Reference, ...] | UnsetType = UNSET
    meta: About | UnsetType = UNSET


Schemas = Annotated[tuple[str, ...], Meta(max_length=8)]
Chosen = Annotated[tuple[Text, ...], Meta(max_length=9)]


class WriteUser(Resource, frozen=True, kw_only=True):
    """Create a user, or say all of one anew."""

    user_name: Annotated[str, Meta(min_length=1, max_length=255, examples=["ann"])]
    schemas: Schemas = (USER,)
    external_id: ExternalId | None = None
    display_name: Annotated[str, Meta(max_length=255)] | None = None
    name: FullName | None = None
    active: bool | None = None
    """Left out: a new user may come in, and one that is here stays as they are."""


class WriteGroup(Resource, frozen=True, kw_only=True):
    """Create a group, or say all of one anew."""

    display_name: Annotated[str, Meta(min_length=1, max_length=255, examples=["Staff"])]
    schemas: Schemas = (GROUP,)
    external_id: ExternalId | None = None
    members: Annotated[tuple[Reference, ...], Meta(max_length=10_000)] = ()


class Operation(Resource, frozen=True, kw_only=True):
    """One step of a change (RFC 7644 §3.5.2); its name in any case, as directories send it."""

    op: Annotated[str, Meta(pattern=r"^(?i:add|remove|replace)(?!\n)$", examples=["replace"])]
    path: Annotated[str, Meta(max_length=1024)] | None = None
    value: Any = UNSET


class Change(Resource, frozen=True, kw_only=True):
    """What is to be different; all of it, or nothing."""

    operations: Annotated[tuple[Operation, ...], Meta(min_length=1, max_length=1000)] = field(
        name="Operations"
    )
    schemas: Schemas = (PATCH,)


class Search(Resource, frozen=True, kw_only=True):
    """What a GET of a list has in its query, in a body: a filter names people (RFC 7644 §3.4.3)."""

    schemas: Schemas = (SEARCH,)
    filter: Annotated[str, Meta(max_length=2048)] = ""
    start_index: Annotated[int, Meta(ge=-(1 << 31), lt=1 << 31)] = 1
    count: Annotated[int, Meta(ge=-(1 << 31), lt=1 << 31)] = 100
    attributes: Chosen = ()
    excluded_attributes: Chosen = ()


class Listed(Resource, frozen=True, kw_only=True):
    """Of a list, what was asked for."""

    schemas: tuple[str, ...]
    total_results: int
    start_index: int
    items_per_page: int


class Users(Listed, frozen=True, kw_only=True):
    """Users."""

    resources: tuple[User, ...] = field(name="Resources")


class Groups(Listed, frozen=True, kw_only=True):
    """Groups."""

    resources: tuple[Group, ...] = field(name="Resources")


class Described(Listed, frozen=True, kw_only=True):
    """What there is to know of this server: types of resources, or schemas."""

    resources: tuple[dict[str, Any], ...] = field(name="Resources")


class Fault(Resource, frozen=True, kw_only=True):
    """Why not (RFC 7644 §3.12)."""

    schemas: tuple[str, ...]
    status: str
    detail: str
    scim_type: (
        Literal[
            "invalidFilter",
            "tooMany",
            "uniqueness",
            "mutability",
            "invalidSyntax",
            "invalidPath",
            "noTarget",
            "invalidValue",
            "invalidVers",
            "sensitive",
        ]
        | UnsetType
    ) = UNSET
