"""Grants on files and folders, and who has access to them."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from bitvault.wire.fields import Moment, RequestShape, ResponseShape
from bitvault.wire.nodes import Node
from bitvault.wire.spaces import Role

EVERYONE = UUID(int=0)
"""The grantee id of all users of the tenant."""


class Grantee(ResponseShape, frozen=True, kw_only=True):
    """A user, a group, everyone in the tenant (the nil id), or whoever has a link."""

    id: UUID
    kind: Literal["user", "group", "everyone", "link"]
    name: Annotated[str | None, Meta(description="A login or a group's name; null if it is gone.")]


class PutGrant(RequestShape, frozen=True, kw_only=True):
    """Give a role."""

    role: Role


class Grant(ResponseShape, frozen=True, kw_only=True):
    """A role that somebody has on a file or folder and on all below it."""

    node_id: UUID
    grantee: Grantee
    role: Role
    etag: str
    granted_by: UUID
    granted_at: Moment


class Shares(ResponseShape, frozen=True, kw_only=True):
    """What is said on a file or folder itself; what comes from above, ``access`` tells."""

    grants: list[Grant]
    restricted: Annotated[
        bool, Meta(description="Whether what is granted above ends at this folder.")
    ]


class Reason(ResponseShape, frozen=True, kw_only=True):
    """One source of somebody's access."""

    source: Literal["owner", "member", "grant"]
    role: Role
    node_id: UUID
    path: Annotated[str | None, Meta(description="Null where you may not look.")]


class Holder(ResponseShape, frozen=True, kw_only=True):
    """Somebody with access: the strongest role, and everything that gives one."""

    grantee: Grantee
    role: Role
    reasons: list[Reason]


LinkRole = Literal["viewer", "editor"]
Label = Annotated[str, Meta(max_length=128, examples=["for the printer"])]
LinkPassword = Annotated[str, Meta(min_length=8, max_length=1024)]
MaxDownloads = Annotated[int, Meta(ge=1, le=1 << 53)]


class CreateLink(RequestShape, frozen=True, kw_only=True):
    """Make a link; what is null is without."""

    role: LinkRole = "viewer"
    label: Label = ""
    password: LinkPassword | None = None
    expires_at: Moment | None = None
    max_downloads: MaxDownloads | None = None


class ChangeLink(RequestShape, frozen=True, kw_only=True):
    """Change a link; what is absent stays as it is, what is null is without."""

    role: LinkRole | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    password: LinkPassword | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    max_downloads: MaxDownloads | UnsetType | None = UNSET
    revoked: Annotated[
        bool | UnsetType, Meta(description="True ends it; false makes it valid again.")
    ] = UNSET


class Link(ResponseShape, frozen=True, kw_only=True):
    """A link to a file or folder."""

    id: UUID
    node_id: UUID
    role: LinkRole
    label: str
    has_password: bool
    expires_at: Moment | None
    max_downloads: int | None
    downloads: int
    revoked: bool
    etag: str
    created_by: UUID
    created_at: Moment


class LinkCreated(Link, frozen=True, kw_only=True):
    """A new link, with its token: this is the only time it is shown."""

    token: str
    page: Annotated[
        str,
        Meta(
            description="Where people open it, on this server. What is behind the # stays in the "
            "browser: no log has it.",
            examples=["/s#bvl_…"],
        ),
    ]


class GuestLink(ResponseShape, frozen=True, kw_only=True):
    """What a link leads to, as whoever has it may see it."""

    node: Node
    role: LinkRole
    label: str
    expires_at: Moment | None
    downloads_left: int | None


class SharedNode(ResponseShape, frozen=True, kw_only=True):
    """A file or folder that somebody shared with you; its path begins at what you may see."""

    node: Node
    role: Role
