"""Tenants, and those who keep them: the operators of the platform."""

from datetime import datetime
from typing import Never
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.accounts import User
from bitvault.actors.identity.contract.erasures import TenantLeaving
from bitvault.actors.identity.contract.refusals import TenantNotFound, TenantTaken
from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from bitvault.kernel.request import Request


@frozen
class Tenant:
    """A tenant, as operators see it."""

    tenant_id: TenantId
    name: str
    created_at: datetime
    is_suspended: bool = False
    """Its users read, and change nothing."""
    max_users: int | None = None
    """None is without limit."""
    rate: float | None = None
    """Units a second of all its users, ``burst`` at once; None: as the settings say."""
    burst: int | None = None


@frozen
class AddTenant(Request[Tenant, TenantTaken | Invalid | Forbidden | IdempotencyConflict]):
    """Create a tenant with its first admin; for operators."""

    caller: Caller
    name: str
    login: str
    password: str = field(repr=False)


@frozen
class ListTenants(Request[Page[Tenant], Invalid | Forbidden]):
    """List all tenants by name; for operators."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class FindTenants(Request[tuple[Tenant, ...], Forbidden]):
    """Find tenants by id or name, what is not there is left out; for operators."""

    caller: Caller
    tenant_ids: tuple[UUID, ...] = ()
    names: tuple[str, ...] = ()


@frozen
class ChangeTenant(Request[Tenant, TenantNotFound | TenantLeaving | Invalid | Forbidden]):
    """Suspend a tenant or let it go on, or limit it; for operators. What is None stays."""

    caller: Caller
    tenant_id: TenantId
    is_suspended: bool | None = None
    max_users: int | None = None
    unlimited_users: bool = False
    """Remove the limit."""
    rate: float | None = None
    burst: int | None = None
    default_rate: bool = False
    """Let the settings say again how much may be asked."""


@frozen
class CreateTenant(Request[User, TenantTaken | Invalid]):
    """Create a tenant with its first admin. Asked by no caller: no route leads here."""

    name: str
    login: str
    password: str = field(repr=False)


@frozen
class EnsureTenant(Request[User | None, Never]):
    """At first start: create the tenant and its admin unless it exists; None when it did.

    The admin is an operator too.
    """

    name: str
    login: str
    password: str = field(repr=False)
