"""Grants on files and folders, and who has access to them."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Moment, RequestShape, ResponseShape
from bitvault.wire.nodes import Node
from bitvault.wire.spaces import Role

EVERYONE = UUID(int=0)
"""The grantee id of all users of the tenant."""


class Grantee(ResponseShape, frozen=True, kw_only=True):
    """A user, a group, or everyone in the tenant (the nil id)."""

    id: UUID
    kind: Literal["user", "group", "everyone"]
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


class SharedNode(ResponseShape, frozen=True, kw_only=True):
    """A file or folder that somebody shared with you; its path begins at what you may see."""

    node: Node
    role: Role
