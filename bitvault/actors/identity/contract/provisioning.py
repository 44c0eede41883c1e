"""Users and groups as a directory keeps them (SCIM, RFC 7644): beside ours, under its own ids."""

from typing import Generic, TypeVar
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.accounts import User
from bitvault.actors.identity.contract.groups import Group
from bitvault.actors.identity.contract.refusals import (
    ExternalIdTaken,
    GroupNotFound,
    GroupTaken,
    LastAdmin,
    LastOperator,
    LoginTaken,
    TooManyGroups,
    TooManyUsers,
    Unauthenticated,
    UserNotFound,
)
from bitvault.kernel.ids import GroupId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from bitvault.kernel.request import Request

T = TypeVar("T")


@frozen
class Matches(Generic[T]):
    """A part of what was found, in a stable order, and how much there is of it."""

    items: tuple[T, ...]
    total: int


@frozen
class ProvisionedUser:
    """A user, and what a directory knows of them."""

    user: User
    external_id: str = ""
    """What the directory calls them; empty: it has not said."""
    groups: tuple[Group, ...] = ()


@frozen
class ProvisionedGroup:
    """A group, and what a directory knows of it."""

    group: Group
    external_id: str = ""
    members: tuple[User, ...] | None = None
    """None: not asked for."""


@frozen
class ProvisionUser(
    Request[
        ProvisionedUser,
        LoginTaken
        | ExternalIdTaken
        | TooManyUsers
        | Invalid
        | Forbidden
        | IdempotencyConflict
        | Unauthenticated,
    ]
):
    """Create a person without a password, who comes in by single sign-on; for admins."""

    caller: Caller
    login: str
    external_id: str = ""
    display_name: str = ""
    is_disabled: bool = False


@frozen
class ReviseUser(
    Request[
        ProvisionedUser,
        UserNotFound
        | LoginTaken
        | ExternalIdTaken
        | LastAdmin
        | LastOperator
        | Invalid
        | Forbidden,
    ]
):
    """Change what is not None of a person, as ``ChangeUser`` does; for the tenant's admins.

    A service account is not found: a directory keeps people.
    """

    caller: Caller
    user_id: UserId
    login: str | None = None
    external_id: str | None = None
    """What the directory calls them; empty: nothing any more."""
    display_name: str | None = None
    """Empty: the login, as of whom no name was ever said."""
    is_disabled: bool | None = None


@frozen
class FindProvisionedUsers(Request[Matches[ProvisionedUser], Forbidden | Invalid]):
    """Find the users that fit all that is given, by id; for the tenant's admins."""

    caller: Caller
    user_id: UserId | None = None
    login: str | None = None
    external_id: str | None = None
    offset: int = 0
    limit: int = 100


@frozen
class ProvisionGroup(
    Request[
        ProvisionedGroup,
        GroupTaken
        | ExternalIdTaken
        | UserNotFound
        | TooManyGroups
        | Invalid
        | Forbidden
        | IdempotencyConflict,
    ]
):
    """Create a group with its members; for the tenant's admins."""

    caller: Caller
    name: str
    external_id: str = ""
    members: frozenset[UUID] = frozenset()


@frozen
class Membership:
    """What is to be different about who is in a group."""

    anew: frozenset[UUID] | None = None
    """Who alone is to be in it of those whom the directory put there; None: whoever is."""
    added: frozenset[UUID] = field(factory=frozenset)
    removed: frozenset[UUID] = field(factory=frozenset)


@frozen
class ReviseGroup(
    Request[
        ProvisionedGroup,
        GroupNotFound
        | GroupTaken
        | ExternalIdTaken
        | UserNotFound
        | TooManyGroups
        | Invalid
        | Forbidden,
    ]
):
    """Change what is not None of a group, and who is in it; for the tenant's admins.

    Whom an admin put in by hand stays when the members are said anew: a directory takes away what
    it gave. To remove somebody by name, whoever put them in, is to mean it.
    """

    caller: Caller
    group_id: GroupId
    name: str | None = None
    external_id: str | None = None
    members: Membership = field(factory=Membership)


@frozen
class FindProvisionedGroups(Request[Matches[ProvisionedGroup], Forbidden | Invalid]):
    """Find the groups that fit all that is given, by id; for the tenant's admins."""

    caller: Caller
    group_id: GroupId | None = None
    name: str | None = None
    external_id: str | None = None
    member: UUID | None = None
    with_members: bool = True
    offset: int = 0
    limit: int = 100
