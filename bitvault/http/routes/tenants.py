"""Tenants, for the operators of the platform; tenants' own admins are refused here."""

from bitvault.actors.identity.contract import (
    AddTenant,
    ChangeTenant,
    FindTenants,
    ListTenants,
)
from bitvault.http import tenancy
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.finding import find_tenant
from bitvault.http.routes.queries import Paged, list_reply, page_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import admin as wire
from bitvault.wire.fields import Page
from bitvault.wire.sessions import TenantName

routes = Routes("tenants")


@routes.route(
    "POST",
    "/v1/admin/tenants",
    {201: wire.Tenant},
    scope=Scope.ADMIN,
    body=wire.CreateTenant,
    cost=HEAVY,
    is_hashing=True,
)
async def create_tenant(call: Call[wire.CreateTenant, NoQuery]) -> Reply:
    """Create a tenant with its first admin; for operators."""
    body = call.body
    made = await call.ask(AddTenant(call.caller, body.name, body.login, body.password))
    return Reply(201, tenancy.tenant(made))


class PagedTenants(Paged, frozen=True, kw_only=True):
    """One page of the tenants, or the one with a name."""

    name: TenantName | None = None


@routes.route(
    "GET",
    "/v1/admin/tenants",
    {200: Page[wire.Tenant]},
    scope=Scope.ADMIN,
    query=PagedTenants,
)
async def list_tenants(call: Call[NoBody, PagedTenants]) -> Reply:
    """List all tenants by name; for operators."""
    query = call.query
    if query.name is not None:
        found = await call.ask(FindTenants(call.caller, names=(query.name,)))
        return list_reply(tuple(map(tenancy.tenant, found)))
    page = await call.ask(ListTenants(call.caller, query.cursor, query.limit))
    return page_reply(page, tenancy.tenant)


@routes.route(
    "GET",
    "/v1/admin/tenants/{id}",
    {200: wire.Tenant},
    scope=Scope.ADMIN,
)
async def get_tenant(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a tenant; for operators."""
    found = await find_tenant(call, call.path["id"])
    return Reply(200, tenancy.tenant(found))


@routes.route(
    "PATCH",
    "/v1/admin/tenants/{id}",
    {200: wire.Tenant},
    scope=Scope.ADMIN,
    body=wire.UpdateTenant,
    allowed_when_disk_full=True,
)
async def update_tenant(call: Call[wire.UpdateTenant, NoQuery]) -> Reply:
    """Suspend a tenant or let it go on, or limit its users and requests; for operators.

    The users of a suspended tenant read, and manage their own sessions; nothing else changes.
    """
    body = call.body
    request = ChangeTenant(
        call.caller,
        call.path["id"],
        body.is_suspended,
        body.max_users,
        body.unlimited_users,
        body.rate,
        body.burst,
        body.default_rate,
    )
    changed = await call.ask(request)
    return Reply(200, tenancy.tenant(changed))
