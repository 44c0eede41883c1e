"""Users."""

from datetime import datetime
from typing import Never
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.refusals import (
    LastAdmin,
    LastOperator,
    LoginTaken,
    TooManyUsers,
    Unauthenticated,
    UserNotFound,
)
from bitvault.kernel.ids import GroupId, TenantId, UserId
from bitvault.kernel.limits import Limit
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from bitvault.kernel.request import Request


@frozen
class User:
    """A user of a tenant, as others of the tenant may see it."""

    user_id: UserId
    tenant_id: TenantId
    tenant_name: str
    login: str
    display_name: str
    is_admin: bool
    created_at: datetime
    kind: str = "person"
    """``person``, or ``service``: a program, which has tokens and no password."""
    is_disabled: bool = False
    is_operator: bool = False
    """Keeps the platform's tenants; no more than a user in any of them."""


@frozen
class DescribeMe(Request[User, Unauthenticated]):
    """Say who the caller is."""

    caller: Caller


@frozen
class CreateUser(
    Request[
        User,
        LoginTaken | TooManyUsers | Invalid | Forbidden | IdempotencyConflict | Unauthenticated,
    ],
):
    """Create a user in the caller's tenant; for its admins. A ``service`` has no password."""

    caller: Caller
    login: str
    password: str | None = field(repr=False)
    display_name: str = ""
    is_admin: bool = False
    kind: str = "person"


@frozen
class ListUsers(Request[Page[User], Invalid]):
    """List the users of the caller's tenant by login."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class FindUsers(Request[tuple[User, ...], Never]):
    """Find users of the caller's tenant by id or login; who is not there is left out."""

    caller: Caller
    user_ids: tuple[UUID, ...] = ()
    logins: tuple[str, ...] = ()
    deleted: bool = False
    """By id find those too who are deleted, for what they did."""


@frozen
class Standing:
    """How things stand with a user: for what others do in their name, such as links."""

    is_active: bool
    """Neither disabled nor deleted."""
    is_suspended: bool
    """The tenant's."""
    policy: SharingPolicy = field(factory=SharingPolicy)
    """The tenant's."""
    limit: Limit | None = None
    """What the tenant may ask, where it is not what the settings say."""
    groups: tuple[GroupId, ...] = ()
    """Every group the user is in."""


@frozen
class DescribeStandings(Request[tuple[Standing, ...], Never]):
    """Say how things stand with some users, in their order; who is not there is not active."""

    tenant_id: TenantId
    user_ids: tuple[UserId, ...]


@frozen
class ChangeUser(
    Request[User, UserNotFound | LoginTaken | LastAdmin | LastOperator | Invalid | Forbidden]
):
    """Change what is not None of a user; for the tenant's admins.

    Who is disabled loses every session and token at once, and cannot log in. Enabling brings none
    of them back.
    """

    caller: Caller
    user_id: UserId
    display_name: str | None = None
    is_admin: bool | None = None
    is_disabled: bool | None = None
    is_operator: bool | None = None
    """For operators to say; and they alone change who is one."""
    login: str | None = None


@frozen
class DeleteUser(Request[None, UserNotFound | LastAdmin | LastOperator | Forbidden]):
    """Delete a user with sessions, tokens and memberships; for the tenant's admins.

    Their login is free again. What they did keeps their name, and what they had is the files
    room's: let it pass that on first.
    """

    caller: Caller
    user_id: UserId
