"""SCIM 2.0: a company's directory keeps its users here (RFC 7644, ADR-0027)."""

from typing import Any

from bitvault.actors.identity.contract import (
    FindProvisionedUsers,
    ProvisionUser,
    ReviseUser,
    UserNotFound,
)
from bitvault.edge import users
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes import scim_queries as queries
from bitvault.http.scim import changes, shapes
from bitvault.http.scim.faults import MEDIA
from bitvault.http.scim.shapes import ROOT
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refused
from bitvault.wire import scim as wire

routes = Routes("scim")

_USERS = queries.Kind(
    {"id": "user_id", "username": "login", "externalid": "external_id"},
    lambda caller, _, **given: FindProvisionedUsers(caller, **given),
    shapes.user,
    wire.Users,
)


@routes.route(
    "POST",
    f"{ROOT}/Users",
    {201: wire.User},
    scope=Scope.ADMIN,
    body=wire.WriteUser,
    media=MEDIA,
)
async def scim_create_user(call: Call[wire.WriteUser, NoQuery]) -> Reply:
    """Create a user who has no password here; for the tenant's admins."""
    body = call.body
    request = ProvisionUser(
        call.caller,
        body.user_name,
        body.external_id or "",
        body.display_name or changes.full_name(body.name),
        is_disabled=body.active is False,
    )
    made = await call.ask(request)
    return queries.one(shapes.user(made), 201)


@routes.route(
    "GET",
    f"{ROOT}/Users",
    {200: wire.Users},
    scope=Scope.ADMIN,
    query=queries.Found,
    media=MEDIA,
    asks=(FindProvisionedUsers,),
)
async def scim_list_users(call: Call[NoBody, queries.Found]) -> Reply:
    """List or find users; for the tenant's admins."""
    return await queries.matches(call, call.query, _USERS)


@routes.route(
    "POST",
    f"{ROOT}/Users/.search",
    {200: wire.Users},
    scope=Scope.ADMIN,
    body=wire.Search,
    allowed_when_disk_full=True,
    media=MEDIA,
    asks=(FindProvisionedUsers,),
)
async def scim_search_users(call: Call[wire.Search, NoQuery]) -> Reply:
    """List or find users, without naming them in the URL; for the tenant's admins."""
    return await queries.matches(call, queries.query(call.body), _USERS)


@routes.route(
    "GET",
    f"{ROOT}/Users/{{id}}",
    {200: wire.User},
    scope=Scope.ADMIN,
    query=queries.Chosen,
    media=MEDIA,
)
async def scim_get_user(call: Call[NoBody, queries.Chosen]) -> Reply:
    """Describe a user; for the tenant's admins."""
    user_id = UserId(call.path["id"])
    found = await call.ask(FindProvisionedUsers(call.caller, user_id))
    if not found.items:
        raise Refused(UserNotFound(str(user_id)))
    return Reply(200, queries.choose(shapes.user(found.items[0]), call.query))


@routes.route(
    "PUT",
    f"{ROOT}/Users/{{id}}",
    {200: wire.User},
    scope=Scope.ADMIN,
    body=wire.WriteUser,
    allowed_when_disk_full=True,
    media=MEDIA,
)
async def scim_replace_user(call: Call[wire.WriteUser, NoQuery]) -> Reply:
    """Say all of a user anew; for the tenant's admins."""
    body = call.body
    change = changes.UserChange(
        body.user_name,
        body.external_id or "",
        body.display_name or changes.full_name(body.name),
        body.active,
    )
    return await _revised(call, change)


@routes.route(
    "PATCH",
    f"{ROOT}/Users/{{id}}",
    {200: wire.User},
    scope=Scope.ADMIN,
    body=wire.Change,
    items=lambda body: len(body.operations),
    allowed_when_disk_full=True,
    media=MEDIA,
)
async def scim_change_user(call: Call[wire.Change, NoQuery]) -> Reply:
    """Change a user; ``active: false`` ends sessions and tokens at once. For admins."""
    return await _revised(call, changes.user_change(call.body.operations))


@routes.route(
    "DELETE",
    f"{ROOT}/Users/{{id}}",
    {204: None},
    scope=Scope.ADMIN,
    media=MEDIA,
)
async def scim_delete_user(call: Call[NoBody, NoQuery]) -> Reply:
    """Delete a user, and none of their files, which the tenant's admins then give on."""
    request = ReviseUser(call.caller, UserId(call.path["id"]), is_disabled=True)
    gone = await call.ask(request)
    await users.delete_user(call.edge.services, call.caller, gone.user, None)
    return Reply(204)


async def _revised(call: Call[Any, Any], change: changes.UserChange) -> Reply:
    request = ReviseUser(
        call.caller,
        UserId(call.path["id"]),
        change.login,
        change.external_id,
        change.display_name,
        None if change.is_active is None else not change.is_active,
    )
    revised = await call.ask(request)
    return queries.one(shapes.user(revised))
