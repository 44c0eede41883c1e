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
from bitvault.kernel.refusal import Refusal


async def find_user(call: Call[object, object], user_id: UUID) -> User | Refusal:
    """Find a user; who has no login here is none of this tenant's."""
    found = await call.ask(FindUsers(call.caller, (user_id,)))
    if isinstance(found, Refusal):
        return found
    return found[0] if found else UserNotFound(str(user_id))


async def find_tenant(call: Call[object, object], tenant_id: UUID) -> Tenant | Refusal:
    """Find a tenant; for operators."""
    found = await call.ask(FindTenants(call.caller, (tenant_id,)))
    if isinstance(found, Refusal):
        return found
    return found[0] if found else TenantNotFound(str(tenant_id))
