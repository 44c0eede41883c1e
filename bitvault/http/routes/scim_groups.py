"""SCIM 2.0: a company's directory keeps its groups here (RFC 7644, ADR-0027)."""

from typing import Any

from bitvault.actors.identity.contract import (
    DeleteGroup,
    FindProvisionedGroups,
    GroupNotFound,
    Membership,
    ProvisionedGroup,
    ProvisionGroup,
    ReviseGroup,
    UserNotFound,
)
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes import scim_queries as queries
from bitvault.http.scim import changes, shapes
from bitvault.http.scim.faults import MEDIA
from bitvault.http.scim.shapes import ROOT
from bitvault.kernel.ids import GroupId
from bitvault.kernel.principal import Caller, Scope
from bitvault.kernel.refusal import Invalid, Refused
from bitvault.kernel.request import Request
from bitvault.wire import scim as wire

routes = Routes("scim")


def _find(caller: Caller, query: queries.Chosen, **given: Any) -> FindProvisionedGroups:
    wanted = "members" not in queries.names(query.excluded_attributes)
    return FindProvisionedGroups(caller, **given, with_members=wanted)


_GROUPS = queries.Kind(
    {
        "id": "group_id",
        "displayname": "name",
        "externalid": "external_id",
        "members": "member",
        "members.value": "member",
    },
    _find,
    shapes.group,
    wire.Groups,
)
_A_UNIT = 10
"""Members that cost what a request does."""


def _steps(body: wire.Change) -> int:
    """Return what a change costs: one for a step, and more for many members in it."""
    listed = [one.value for one in body.operations if isinstance(one.value, list)]
    return len(body.operations) + sum(map(len, listed)) // _A_UNIT


@routes.route(
    "POST",
    f"{ROOT}/Groups",
    {201: wire.Group},
    scope=Scope.ADMIN,
    body=wire.WriteGroup,
    items=lambda body: 1 + len(body.members) // _A_UNIT,
    media=MEDIA,
)
async def scim_create_group(call: Call[wire.WriteGroup, NoQuery]) -> Reply:
    """Create a group with its members; for the tenant's admins."""
    body = call.body
    members = frozenset(one.value for one in body.members)
    request = ProvisionGroup(call.caller, body.display_name, body.external_id or "", members)
    made = await _answered(call, request)
    return queries.one(shapes.group(made), 201)


@routes.route(
    "GET",
    f"{ROOT}/Groups",
    {200: wire.Groups},
    scope=Scope.ADMIN,
    query=queries.Found,
    media=MEDIA,
    asks=(FindProvisionedGroups,),
)
async def scim_list_groups(call: Call[NoBody, queries.Found]) -> Reply:
    """List or find groups; for the tenant's admins."""
    return await queries.matches(call, call.query, _GROUPS)


@routes.route(
    "POST",
    f"{ROOT}/Groups/.search",
    {200: wire.Groups},
    scope=Scope.ADMIN,
    body=wire.Search,
    allowed_when_disk_full=True,
    media=MEDIA,
    asks=(FindProvisionedGroups,),
)
async def scim_search_groups(call: Call[wire.Search, NoQuery]) -> Reply:
    """List or find groups, without naming them in the URL; for the tenant's admins."""
    return await queries.matches(call, queries.query(call.body), _GROUPS)


@routes.route(
    "GET",
    f"{ROOT}/Groups/{{id}}",
    {200: wire.Group},
    scope=Scope.ADMIN,
    query=queries.Chosen,
    media=MEDIA,
)
async def scim_get_group(call: Call[NoBody, queries.Chosen]) -> Reply:
    """Describe a group; for the tenant's admins."""
    group_id = GroupId(call.path["id"])
    found = await call.ask(_find(call.caller, call.query, group_id=group_id))
    if not found.items:
        raise Refused(GroupNotFound(str(group_id)))
    return Reply(200, queries.choose(shapes.group(found.items[0]), call.query))


@routes.route(
    "PUT",
    f"{ROOT}/Groups/{{id}}",
    {200: wire.Group},
    scope=Scope.ADMIN,
    body=wire.WriteGroup,
    items=lambda body: 1 + len(body.members) // _A_UNIT,
    media=MEDIA,
)
async def scim_replace_group(call: Call[wire.WriteGroup, NoQuery]) -> Reply:
    """Say all of a group anew; whom an admin put in by hand stays in it. For admins."""
    body = call.body
    members = Membership(anew=frozenset(one.value for one in body.members))
    change = changes.GroupChange(body.display_name, body.external_id or "", members)
    return await _revised(call, change)


@routes.route(
    "PATCH",
    f"{ROOT}/Groups/{{id}}",
    {200: wire.Group},
    scope=Scope.ADMIN,
    body=wire.Change,
    items=_steps,
    media=MEDIA,
)
async def scim_change_group(call: Call[wire.Change, NoQuery]) -> Reply:
    """Change a group's name, and who is in it; for the tenant's admins."""
    return await _revised(call, changes.group_change(call.body.operations))


@routes.route(
    "DELETE",
    f"{ROOT}/Groups/{{id}}",
    {204: None},
    scope=Scope.ADMIN,
    media=MEDIA,
)
async def scim_delete_group(call: Call[NoBody, NoQuery]) -> Reply:
    """Delete a group, and none of its members; for the tenant's admins."""
    await call.ask(DeleteGroup(call.caller, call.path["id"]))
    return Reply(204)


async def _revised(call: Call[Any, Any], change: changes.GroupChange) -> Reply:
    named = change.name, change.external_id
    request = ReviseGroup(call.caller, GroupId(call.path["id"]), *named, change.members)
    return queries.one(shapes.group(await _answered(call, request)))


async def _answered(
    call: Call[Any, Any], request: Request[ProvisionedGroup, Any]
) -> ProvisionedGroup:
    """Blame the body for a member there is not: a directory takes 404 for the group's own."""
    try:
        return await call.ask(request)
    except Refused as refused:
        if isinstance(refused.refusal, UserNotFound):
            raise Refused(Invalid("members", refused.refusal.detail)) from refused
        raise
