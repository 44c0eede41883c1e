"""Groups of users. They hold users only: a group in a group is not known here."""

from datetime import datetime
from typing import Never
from uuid import UUID

from attrs import frozen

from bitvault.actors.identity.contract.accounts import User
from bitvault.actors.identity.contract.refusals import (
    GroupNotFound,
    GroupTaken,
    TooManyGroups,
    UserNotFound,
)
from bitvault.kernel.ids import GroupId, UserId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from bitvault.kernel.request import Request


@frozen
class Group:
    """A group of a tenant's users. Whose it is, a caller's ``Principal.groups`` says."""

    group_id: GroupId
    name: str
    created_at: datetime


@frozen
class CreateGroup(Request[Group, GroupTaken | Invalid | Forbidden | IdempotencyConflict]):
    """Create a group without members; for the tenant's admins."""

    caller: Caller
    name: str


@frozen
class RenameGroup(Request[Group, GroupNotFound | GroupTaken | Invalid | Forbidden]):
    """Rename a group; for the tenant's admins."""

    caller: Caller
    group_id: GroupId
    name: str


@frozen
class DeleteGroup(Request[None, GroupNotFound | Forbidden]):
    """Delete a group with its memberships, never a user; for the tenant's admins."""

    caller: Caller
    group_id: GroupId


@frozen
class ListGroups(Request[Page[Group], Invalid]):
    """List the tenant's groups by name."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class FindGroups(Request[tuple[Group, ...], Never]):
    """Find groups of the caller's tenant by id or name; what is not there is left out."""

    caller: Caller
    group_ids: tuple[UUID, ...] = ()
    names: tuple[str, ...] = ()


@frozen
class ListMembers(Request[Page[User], GroupNotFound | Invalid]):
    """List a group's members by login."""

    caller: Caller
    group_id: GroupId
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class AddMember(Request[User, GroupNotFound | UserNotFound | TooManyGroups | Forbidden]):
    """Put a user in a group, or leave them there; for the tenant's admins."""

    caller: Caller
    group_id: GroupId
    user_id: UserId


@frozen
class RemoveMember(Request[None, GroupNotFound | Forbidden]):
    """Take a user out of a group; not an error when they were not in it. For admins."""

    caller: Caller
    group_id: GroupId
    user_id: UserId
