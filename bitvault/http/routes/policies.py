"""What a tenant asks of its links, passwords and sessions; and what the operators ask of it."""

import msgspec

from bitvault.actors.identity.contract import (
    ChangePolicy,
    DescribePolicy,
    PolicyChange,
    TenantPolicy,
)
from bitvault.http import tenancy
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.preconditions import single_revision
from bitvault.http.routes.queries import tagged_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import policies as wire

routes = Routes("policies")


@routes.route("GET", "/v1/tenant/policy", {200: wire.TenantPolicy}, scope=Scope.READ)
async def get_policy(call: Call[NoBody, NoQuery]) -> Reply:
    """Tell what your tenant asks of links, passwords and sessions."""
    return _reply(await call.ask(DescribePolicy(call.caller)))


@routes.route(
    "PATCH",
    "/v1/tenant/policy",
    {200: wire.TenantPolicy},
    scope=Scope.ADMIN,
    body=wire.ChangePolicy,
    if_match=True,
)
async def change_policy(call: Call[wire.ChangePolicy, NoQuery]) -> Reply:
    """Change what your tenant asks of links, passwords and sessions; for its admins.

    It holds from the next request on: for links and sessions that are there, too.
    """
    request = ChangePolicy(call.caller, _change(call.body), None, single_revision(call))
    return _reply(await call.ask(request))


@routes.route(
    "GET",
    "/v1/admin/tenants/{id}/policy",
    {200: wire.TenantPolicy},
    scope=Scope.ADMIN,
)
async def get_tenant_policy(call: Call[NoBody, NoQuery]) -> Reply:
    """Tell what a tenant asks, and what is asked of it; for operators."""
    return _reply(await call.ask(DescribePolicy(call.caller, call.path["id"])))


@routes.route(
    "PATCH",
    "/v1/admin/tenants/{id}/policy",
    {200: wire.TenantPolicy},
    scope=Scope.ADMIN,
    body=wire.ChangePolicy,
    if_match=True,
)
async def bound_policy(call: Call[wire.ChangePolicy, NoQuery]) -> Reply:
    """Bound what a tenant's admins may allow; what is laxer holds no more. For operators."""
    request = ChangePolicy(call.caller, _change(call.body), call.path["id"], single_revision(call))
    return _reply(await call.ask(request))


def _change(body: wire.ChangePolicy) -> PolicyChange:
    return PolicyChange(**msgspec.structs.asdict(body))


def _reply(policy: TenantPolicy) -> Reply:
    return tagged_reply(policy, tenancy.policy)
