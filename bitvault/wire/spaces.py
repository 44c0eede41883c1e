"""Spaces and their members."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from bitvault.wire.shape import Body, Id, Name, Quota, Shape


class Space(Shape, frozen=True):
    """A space; byte figures count every version, trash included."""

    id: Id
    kind: str
    name: str
    root_id: Id
    role: str
    quota: int | None
    used: int
    reserved: int
    etag: str
    created_at: datetime


class SpacePage(Shape, frozen=True):
    """One page of spaces, the personal one first."""

    items: list[Space]
    next_cursor: str | None


class CreateSpace(Body, frozen=True):
    """A new team space."""

    name: Name
    quota: Quota | None = None


class ChangeSpace(Body, frozen=True):
    """Rename a team space, set its quota, or lift it."""

    name: Name | None = None
    quota: Quota | None = None
    unlimited: bool = False


class Member(Shape, frozen=True):
    """A user's role in a team space."""

    user_id: Id
    role: str


class MemberList(Shape, frozen=True):
    """The members of a team space."""

    items: list[Member]
    next_cursor: str | None = None


class SetMember(Body, frozen=True):
    """Give a user a role."""

    role: Annotated[str, Meta(pattern="^(viewer|editor|manager)$")]
