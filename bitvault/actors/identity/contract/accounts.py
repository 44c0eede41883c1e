"""Tenants and users."""

from datetime import datetime
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.refusals import LoginTaken, TenantTaken
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid, Unavailable
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


@frozen
class DescribeMe(Request[User | Unavailable]):
    """Say who the caller is."""

    caller: Caller


@frozen
class CreateUser(Request[User | LoginTaken | Invalid | Forbidden | IdempotencyConflict]):
    """Create a user in the caller's tenant; for its admins."""

    caller: Caller
    login: str
    password: str = field(repr=False)
    display_name: str = ""
    is_admin: bool = False


@frozen
class ListUsers(Request[tuple[User, ...] | Unavailable]):
    """List users of the caller's tenant by login, those after ``after``; at most ``limit``."""

    caller: Caller
    after: str = ""
    limit: int = 100


@frozen
class FindUsers(Request[tuple[User, ...] | Unavailable]):
    """Find users of the caller's tenant by id or login; who is not there is left out."""

    caller: Caller
    user_ids: tuple[UUID, ...] = ()
    logins: tuple[str, ...] = ()


@frozen
class CreateTenant(Request[User | TenantTaken | Invalid]):
    """Create a tenant with its first admin. For the operator: no route leads here."""

    name: str
    login: str
    password: str = field(repr=False)


@frozen
class EnsureTenant(Request[User | Unavailable | None]):
    """At first start: create the tenant and its admin unless it exists; None when it did."""

    name: str
    login: str
    password: str = field(repr=False)
