"""Spaces: the roots of trees. One personal space per user; team spaces belong to the tenant."""

from datetime import datetime

from attrs import frozen

from bitvault.actors.files.contract.refusals import (
    LastManager,
    MemberNotFound,
    SpaceNotEmpty,
    SpaceNotFound,
    SpaceTaken,
    StaleMember,
    StaleRevision,
)
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from bitvault.kernel.request import Request


@frozen
class Space:
    """A space as the caller sees it; byte figures count every version, trash included."""

    space_id: SpaceId
    kind: str
    """``personal`` or ``team``."""
    name: str
    root_id: NodeId
    role: Role | None
    """The caller's; None for an admin of the tenant who is not in a team space."""
    quota: int | None
    """Bytes; None is without limit."""
    used: int
    reserved: int
    """Bytes of uploads under way."""
    revision: int
    created_at: datetime
    follows: bool = False
    """Whether the quota is the one that the tenant gives all its spaces."""


@frozen
class Member:
    """A user's role in a team space."""

    user_id: UserId
    role: Role


@frozen
class ListSpaces(Request[Page[Space], Invalid | Forbidden | SpaceNotFound]):
    """List the spaces the caller may enter, the personal one first."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT
    every: bool = False
    """List every team space of the tenant instead; for its admins, who may enter none by that."""


@frozen
class GetSpace(Request[Space, SpaceNotFound]):
    """Describe one space; None is the caller's personal space."""

    caller: Caller
    space_id: SpaceId | None = None


@frozen
class CreateSpace(Request[Space, SpaceTaken | IdempotencyConflict | Invalid | Forbidden]):
    """Create a team space with the caller as its manager; for the tenant's admins."""

    caller: Caller
    name: str
    quota: int | None = None
    """None: as the tenant gives all its spaces."""


@frozen
class UpdateSpace(Request[Space, SpaceNotFound | SpaceTaken | StaleRevision | Invalid | Forbidden]):
    """Rename a team space or set its quota; for managers (name) and admins (both)."""

    caller: Caller
    space_id: SpaceId
    name: str | None = None
    quota: int | None = None
    unlimited: bool = False
    """Remove the quota."""
    follows: bool = False
    """Have the quota that the tenant gives all its spaces."""
    if_revision: int | None = None


@frozen
class DeleteSpace(Request[None, SpaceNotFound | SpaceNotEmpty | StaleRevision | Forbidden]):
    """Delete a team space in which nothing is; for the tenant's admins."""

    caller: Caller
    space_id: SpaceId
    if_revision: int | None = None


@frozen
class ListMembers(Request[Page[Member], SpaceNotFound | Invalid]):
    """List a team space's members by user id."""

    caller: Caller
    space_id: SpaceId
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class GetMember(Request[Member, SpaceNotFound | MemberNotFound]):
    """Say which role a user has in a team space."""

    caller: Caller
    space_id: SpaceId
    user_id: UserId


@frozen
class SetMember(Request[Member, SpaceNotFound | StaleMember | LastManager | Forbidden | Invalid]):
    """Give a user a role in a team space; for its managers and the tenant's admins."""

    caller: Caller
    space_id: SpaceId
    user_id: UserId
    role: Role
    if_role: frozenset[Role | None] | None = None
    """What the user's role must be before, None in it for none; None: whatever it is."""


@frozen
class RemoveMember(Request[None, SpaceNotFound | StaleMember | LastManager | Forbidden]):
    """Take a user out of a team space; not an error when they were not in it."""

    caller: Caller
    space_id: SpaceId
    user_id: UserId
    if_role: frozenset[Role | None] | None = None
    """As of `SetMember`."""


@frozen
class PassedOn:
    """A team space that was somebody's personal one."""

    space_id: SpaceId
    name: str


@frozen
class PassOn(Request[PassedOn | None, SpaceTaken | Forbidden]):
    """Pass on what a user has who is about to be deleted; for the tenant's admins.

    Not a byte and not a node is touched: the personal space becomes a team space, whose manager is
    the heir; without one the tenant's admins say who may enter. The user leaves every other space.
    None: the user has no personal space, or has none any more.
    """

    caller: Caller
    owner_id: UserId
    login: str
    """The user's; the space is named after it."""
    heir_id: UserId | None = None
