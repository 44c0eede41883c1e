"""Grants: roles of users, groups and everyone on files and folders."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import NodeNotFound
from bitvault.kernel.access import Right, Role
from bitvault.kernel.events import Event
from bitvault.kernel.ids import NodeId, UserId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Category, Forbidden, Invalid, Refusal
from bitvault.kernel.request import Request


class GranteeKind(StrEnum):
    """Who is meant by a grant's ``grantee_id``."""

    USER = "user"
    GROUP = "group"
    EVERYONE = "everyone"
    LINK = "link"


@frozen
class Grantee:
    """Somebody who is granted something; the nil id is everyone in the tenant."""

    kind: GranteeKind
    grantee_id: UUID


@frozen
class Grant:
    """A role that somebody has on a node and on all below it."""

    grant_id: UUID
    node_id: NodeId
    grantee: Grantee
    role: Role
    revision: int
    granted_by: UserId
    granted_at: datetime


@frozen
class Shares:
    """What is said on a node itself."""

    grants: tuple[Grant, ...]
    is_restricted: bool
    """Whether what is granted above ends here."""


@frozen
class SharedNode:
    """A node that somebody shared with the caller, and the strongest role they gave."""

    node_id: NodeId
    role: Role
    granted_by: UserId | None = None
    """Who said so last."""


@frozen
class Allowed:
    """The caller may; these are all the rights they have on the node."""

    rights: Right


class Source(StrEnum):
    """Where a role comes from: the space itself, or a grant on a node."""

    OWNER = "owner"
    MEMBER = "member"
    GRANT = "grant"


@frozen
class Reason:
    """One source of somebody's access; without id and path where the asker may not look."""

    source: Source
    role: Role
    node_id: NodeId | None
    path: str | None


@frozen
class Holder:
    """Somebody with access to a node: the strongest role, and everything that gives one."""

    grantee: Grantee
    role: Role
    rights: Right
    """All of them: roles add up, and two can be more than either."""
    reasons: tuple[Reason, ...]


# Refusals


@frozen
class GrantNotFound(Refusal):
    """No such grant on this node."""

    code: ClassVar[str] = "grant_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say so."""
        return "There is no such grant on this file or folder."


@frozen
class GranteeNotFound(Refusal):
    """No such user or group in the tenant."""

    code: ClassVar[str] = "grantee_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say so."""
        return "There is no such user or group."


@frozen
class TooManyGrants(Refusal):
    """A node has as many grants as it may have."""

    code: ClassVar[str] = "too_many_grants"
    category: ClassVar[Category] = Category.CONFLICT
    most: int

    @property
    def detail(self) -> str:
        """Say what to do instead."""
        return f"At most {self.most} grants on one node; share with a group instead."


# Events


@frozen
class ShareGranted(Event):
    """Somebody was given a role on a node, or another role than before."""

    kind: ClassVar[str] = "share.granted"
    node_id: UUID
    grantee_kind: str
    grantee_id: UUID
    role: str
    previous_role: str | None


@frozen
class ShareRevoked(Event):
    """Somebody's role on a node was taken back."""

    kind: ClassVar[str] = "share.revoked"
    node_id: UUID
    grantee_kind: str
    grantee_id: UUID
    role: str


@frozen
class ShareRestricted(Event):
    """A folder no longer passes on what is granted above it; the aggregate is the node."""

    kind: ClassVar[str] = "share.restricted"


@frozen
class ShareUnrestricted(Event):
    """A folder passes on what is granted above it again; the aggregate is the node."""

    kind: ClassVar[str] = "share.unrestricted"


# Requests


@frozen
class CheckAccess(Request[Allowed, NodeNotFound | Forbidden]):
    """Say whether the caller may do something to a node; what they may not see is not there."""

    caller: Caller
    node_id: NodeId
    needed: Right


@frozen
class PutGrant(
    Request[Grant, NodeNotFound | TooManyGrants | GranteeNotFound | Invalid | Forbidden]
):
    """Give a user, a group or everyone (the nil id) a role; for those who may share the node."""

    caller: Caller
    node_id: NodeId
    grantee_id: UUID
    role: Role


@frozen
class RemoveGrant(Request[None, NodeNotFound | GrantNotFound | Forbidden]):
    """Take a role back; who may share the node may, and the grantee may give up their own."""

    caller: Caller
    node_id: NodeId
    grantee_id: UUID


@frozen
class GetGrant(Request[Grant, NodeNotFound | GrantNotFound | Forbidden]):
    """Describe a grant on a node itself; for those who may share it, and for the grantee."""

    caller: Caller
    node_id: NodeId
    grantee_id: UUID


@frozen
class ListGrants(Request[Shares, NodeNotFound | Forbidden]):
    """List what is granted on a node itself; for those who may share it."""

    caller: Caller
    node_id: NodeId


@frozen
class Restrict(Request[Shares, NodeNotFound | Invalid | Forbidden]):
    """Have a folder end, or pass on, what is granted above it; for those who may share it."""

    caller: Caller
    node_id: NodeId
    is_restricted: bool


@frozen
class ExplainAccess(Request[Page[Holder], NodeNotFound | Invalid | Forbidden]):
    """Say who has access to a node, and by what; for those who may share it.

    By kind of grantee and id, users last. A page may be short where a restricted folder is passed.
    """

    caller: Caller
    node_id: NodeId
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class ListShared(Request[Page[SharedNode], Invalid]):
    """List what others shared with the caller, by node id."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT
