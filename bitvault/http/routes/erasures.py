"""Tenants that leave for good; for the operators of the platform."""

from bitvault.actors.identity.contract import (
    ErasureNotFound,
    ListErasures,
    RevokeErasure,
    ScheduleErasure,
)
from bitvault.http import tenancy
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.queries import list_reply
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refused
from bitvault.wire import admin as wire
from bitvault.wire.fields import Page

routes = Routes("erasures")


@routes.route(
    "PUT",
    "/v1/admin/tenants/{id}/erasure",
    {200: wire.Erasure},
    scope=Scope.ADMIN,
    body=wire.ScheduleErasure,
    allowed_when_disk_full=True,
)
async def schedule_erasure(call: Call[wire.ScheduleErasure, NoQuery]) -> Reply:
    """Suspend a tenant now and erase all it has after a week, or as said; for operators.

    Until then it can be revoked, or put off by asking again.
    """
    body = call.body
    request = ScheduleErasure(call.caller, call.path["id"], body.name, body.after)
    made = await call.ask(request)
    return Reply(200, tenancy.erasure(made))


@routes.route(
    "GET",
    "/v1/admin/tenants/{id}/erasure",
    {200: wire.Erasure},
    scope=Scope.ADMIN,
)
async def get_erasure(call: Call[NoBody, NoQuery]) -> Reply:
    """Say whether a tenant is to be erased, is being, or has been; for operators."""
    tenant_id = call.path["id"]
    found = await call.ask(ListErasures(call.caller, tenant_id))
    if not found:
        raise Refused(ErasureNotFound(str(tenant_id)))
    return Reply(200, tenancy.erasure(found[0]))


@routes.route(
    "DELETE",
    "/v1/admin/tenants/{id}/erasure",
    {204: None},
    scope=Scope.ADMIN,
)
async def revoke_erasure(call: Call[NoBody, NoQuery]) -> Reply:
    """Let a tenant stay, if its erasure has not begun; it remains suspended. For operators."""
    request = RevokeErasure(call.caller, call.path["id"])
    await call.ask(request)
    return Reply(204)


@routes.route(
    "GET",
    "/v1/admin/erasures",
    {200: Page[wire.Erasure]},
    scope=Scope.ADMIN,
)
async def list_erasures(call: Call[NoBody, NoQuery]) -> Reply:
    """List the tenants that leave or have left, the latest 1000; for operators."""
    found = await call.ask(ListErasures(call.caller))
    return list_reply(tuple(map(tenancy.erasure, found)))
