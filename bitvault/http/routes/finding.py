"""Users and tenants that a request names by their ids."""

from uuid import UUID

from bitvault.actors.identity.contract import (
    FindTenants,
    FindUsers,
    Tenant,
    TenantNotFound,
    User,
    UserNotFound,
)
from bitvault.http.call import Call
from bitvault.kernel.refusal import Refused


async def find_user(call: Call[object, object], user_id: UUID) -> User:
    """Find a user; who has no login here is none of this tenant's."""
    found = await call.ask(FindUsers(call.caller, (user_id,)))
    if not found:
        raise Refused(UserNotFound(str(user_id)))
    return found[0]


async def find_tenant(call: Call[object, object], tenant_id: UUID) -> Tenant:
    """Find a tenant; for operators."""
    found = await call.ask(FindTenants(call.caller, (tenant_id,)))
    if not found:
        raise Refused(TenantNotFound(str(tenant_id)))
    return found[0]
