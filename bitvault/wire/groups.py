"""Groups of users."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Moment, RequestShape, ResponseShape

GroupName = Annotated[
    str, Meta(min_length=1, max_length=255, description="At most 128 bytes.", examples=["Staff"])
]


class Group(ResponseShape, frozen=True, kw_only=True):
    """A group of a tenant's users."""

    id: UUID
    name: str
    created_at: Moment


class NameGroup(RequestShape, frozen=True, kw_only=True):
    """Create or rename a group."""

    name: GroupName
