"""Groups of users, and who is in them."""

from bitvault.actors.identity.contract import (
    AddMember,
    CreateGroup,
    DeleteGroup,
    FindGroups,
    GroupNotFound,
    ListGroups,
    ListMembers,
    RemoveMember,
    RenameGroup,
)
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, list_reply, page_reply
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refused
from bitvault.wire import groups as wire
from bitvault.wire.fields import Page
from bitvault.wire.sessions import User

routes = Routes("groups")


@routes.route(
    "POST",
    "/v1/groups",
    {201: wire.Group},
    scope=Scope.ADMIN,
    body=wire.NameGroup,
)
async def create_group(call: Call[wire.NameGroup, NoQuery]) -> Reply:
    """Create a group in your tenant; for its admins."""
    made = await call.ask(CreateGroup(call.caller, call.body.name))
    return Reply(201, shapes.group(made))


class PagedGroups(Paged, frozen=True, kw_only=True):
    """One page of the groups, or the one with a name."""

    name: wire.GroupName | None = None


@routes.route(
    "GET",
    "/v1/groups",
    {200: Page[wire.Group]},
    scope=Scope.READ,
    query=PagedGroups,
)
async def list_groups(call: Call[NoBody, PagedGroups]) -> Reply:
    """List the groups of your tenant by name."""
    query = call.query
    if query.name is not None:
        named = await call.ask(FindGroups(call.caller, names=(query.name,)))
        return list_reply(tuple(map(shapes.group, named)))
    page = await call.ask(ListGroups(call.caller, query.cursor, query.limit))
    return page_reply(page, shapes.group)


@routes.route("GET", "/v1/groups/{id}", {200: wire.Group}, scope=Scope.READ)
async def get_group(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a group of your tenant."""
    found = await call.ask(FindGroups(call.caller, (call.path["id"],)))
    if not found:
        raise Refused(GroupNotFound(str(call.path["id"])))
    return Reply(200, shapes.group(found[0]))


@routes.route(
    "PATCH",
    "/v1/groups/{id}",
    {200: wire.Group},
    scope=Scope.ADMIN,
    body=wire.NameGroup,
)
async def rename_group(call: Call[wire.NameGroup, NoQuery]) -> Reply:
    """Rename a group; for the tenant's admins."""
    renamed = await call.ask(RenameGroup(call.caller, call.path["id"], call.body.name))
    return Reply(200, shapes.group(renamed))


@routes.route(
    "DELETE",
    "/v1/groups/{id}",
    {204: None},
    scope=Scope.ADMIN,
)
async def delete_group(call: Call[NoBody, NoQuery]) -> Reply:
    """Delete a group, and none of its members; for the tenant's admins."""
    await call.ask(DeleteGroup(call.caller, call.path["id"]))
    return Reply(204)


@routes.route(
    "GET",
    "/v1/groups/{id}/members",
    {200: Page[User]},
    scope=Scope.READ,
    query=Paged,
)
async def list_group_members(call: Call[NoBody, Paged]) -> Reply:
    """List who is in a group, those first who are users longest."""
    query = call.query
    request = ListMembers(call.caller, call.path["id"], query.cursor, query.limit)
    return page_reply(await call.ask(request), shapes.user)


@routes.route(
    "PUT",
    "/v1/groups/{id}/members/{userId}",
    {200: User},
    scope=Scope.ADMIN,
)
async def add_group_member(call: Call[NoBody, NoQuery]) -> Reply:
    """Put a user in a group; for the tenant's admins."""
    added = await call.ask(AddMember(call.caller, call.path["id"], call.path["userId"]))
    return Reply(200, shapes.user(added))


@routes.route(
    "DELETE",
    "/v1/groups/{id}/members/{userId}",
    {204: None},
    scope=Scope.ADMIN,
)
async def remove_group_member(call: Call[NoBody, NoQuery]) -> Reply:
    """Take a user out of a group; for the tenant's admins."""
    request = RemoveMember(call.caller, call.path["id"], call.path["userId"])
    await call.ask(request)
    return Reply(204)
