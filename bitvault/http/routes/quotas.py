"""How many bytes tenants and users may hold."""

import msgspec

from bitvault.actors.files.contract import (
    ChangeQuota,
    ChangeUserQuota,
    DescribeUsage,
    DescribeUserUsage,
    SpaceUsage,
    TenantUsage,
)
from bitvault.http import tenancy
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.preconditions import single_revision
from bitvault.http.routes.finding import find_tenant, find_user
from bitvault.http.routes.queries import tagged_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import quotas as wire

routes = Routes("quotas")


@routes.route("GET", "/v1/tenant/quota", {200: wire.TenantQuota}, scope=Scope.READ)
async def get_quota(call: Call[NoBody, NoQuery]) -> Reply:
    """Tell what your tenant has and may have; for its admins."""
    return _tenant(await call.ask(DescribeUsage(call.caller)))


@routes.route(
    "PATCH",
    "/v1/tenant/quota",
    {200: wire.TenantQuota},
    scope=Scope.ADMIN,
    body=wire.ChangeSpaceDefault,
    if_match=True,
)
async def change_quota(call: Call[wire.ChangeSpaceDefault, NoQuery]) -> Reply:
    """Say what each space may hold that has no quota of its own; for the tenant's admins.

    It holds from the next upload on, for spaces that are there as well.
    """
    change = msgspec.structs.asdict(call.body)
    request = ChangeQuota(call.caller, if_revision=single_revision(call), **change)
    return _tenant(await call.ask(request))


@routes.route(
    "GET",
    "/v1/admin/tenants/{id}/quota",
    {200: wire.TenantQuota},
    scope=Scope.ADMIN,
)
async def get_tenant_quota(call: Call[NoBody, NoQuery]) -> Reply:
    """Tell what a tenant has and may have; for operators."""
    await find_tenant(call, call.path["id"])
    return _tenant(await call.ask(DescribeUsage(call.caller, call.path["id"])))


@routes.route(
    "PATCH",
    "/v1/admin/tenants/{id}/quota",
    {200: wire.TenantQuota},
    scope=Scope.ADMIN,
    body=wire.ChangeTenantQuota,
    if_match=True,
    allowed_when_disk_full=True,
)
async def change_tenant_quota(call: Call[wire.ChangeTenantQuota, NoQuery]) -> Reply:
    """Say what a tenant may hold, from the next upload on; for operators."""
    await find_tenant(call, call.path["id"])
    change = msgspec.structs.asdict(call.body)
    request = ChangeQuota(call.caller, call.path["id"], if_revision=single_revision(call), **change)
    return _tenant(await call.ask(request))


@routes.route(
    "GET",
    "/v1/users/{id}/quota",
    {200: wire.SpaceQuota},
    scope=Scope.READ,
)
async def get_user_quota(call: Call[NoBody, NoQuery]) -> Reply:
    """Tell what a user's personal space holds and may hold; for the tenant's admins."""
    await find_user(call, call.path["id"])
    return _space(await call.ask(DescribeUserUsage(call.caller, call.path["id"])))


@routes.route(
    "PATCH",
    "/v1/users/{id}/quota",
    {200: wire.SpaceQuota},
    scope=Scope.ADMIN,
    body=wire.ChangeSpaceQuota,
    if_match=True,
)
async def change_user_quota(call: Call[wire.ChangeSpaceQuota, NoQuery]) -> Reply:
    """Say what a user's space may hold, from the next upload on; for the tenant's admins."""
    user = await find_user(call, call.path["id"])
    body = call.body
    request = ChangeUserQuota(
        call.caller,
        call.path["id"],
        user.login,
        body.quota,
        body.unlimited,
        body.use_default,
        single_revision(call),
    )
    return _space(await call.ask(request))


def _tenant(usage: TenantUsage) -> Reply:
    return tagged_reply(usage, tenancy.tenant_quota)


def _space(usage: SpaceUsage) -> Reply:
    return tagged_reply(usage, tenancy.space_quota)
