"""Spaces and their members."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Moment, Quota, RequestShape, ResponseShape

Role = Literal["viewer", "editor", "manager"]
SpaceName = Annotated[str, Meta(min_length=1, max_length=1024, examples=["Team"])]


class Space(ResponseShape, frozen=True, kw_only=True):
    """A space as you see it; byte figures count every version, trash included."""

    id: UUID
    kind: Literal["personal", "team"]
    name: str
    root_id: UUID
    role: Annotated[
        Role | None, Meta(description="Yours; null for an admin who is not in the space.")
    ]
    quota: int | None
    is_default_quota: Annotated[
        bool, Meta(description="Whether that is what the tenant gives each space.")
    ] = False
    used: int
    reserved: int
    etag: str
    created_at: Moment


class CreateSpace(RequestShape, frozen=True, kw_only=True):
    """Create a team space; ``quota`` null: what the tenant gives each space."""

    name: SpaceName
    quota: Quota | None = None


class UpdateSpace(RequestShape, frozen=True, kw_only=True):
    """Change a team space; what is null stays as it is."""

    name: SpaceName | None = None
    quota: Quota | None = None
    unlimited: Annotated[bool, Meta(description="Remove the quota.")] = False
    use_default: Annotated[
        bool, Meta(description="Have the quota that the tenant gives each space.")
    ] = False


class SetMember(RequestShape, frozen=True, kw_only=True):
    """Give a user a role."""

    role: Role


class Member(ResponseShape, frozen=True, kw_only=True):
    """A user's role in a team space."""

    user_id: UUID
    login: str | None
    role: Role
    etag: str
