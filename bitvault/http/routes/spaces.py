"""Spaces and their members."""

from bitvault.actors.files.contract import (
    CreateSpace,
    DeleteSpace,
    GetMember,
    GetSpace,
    ListMembers,
    ListSpaces,
    Member,
    RemoveMember,
    Role,
    SetMember,
    UpdateSpace,
)
from bitvault.actors.identity.contract import FindUsers, User
from bitvault.edge.rejections import invalid
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.preconditions import expected_roles, single_revision
from bitvault.http.routes.finding import find_user
from bitvault.http.routes.queries import Paged, PagedSpaces, list_reply, page_reply, tagged_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import spaces as wire
from bitvault.wire.fields import Page

routes = Routes("spaces")


@routes.route(
    "GET",
    "/v1/spaces",
    {200: Page[wire.Space]},
    scope=Scope.READ,
    query=PagedSpaces,
)
async def list_spaces(call: Call[NoBody, PagedSpaces]) -> Reply:
    """List the spaces you may enter, the personal one first; or every team space, as an admin."""
    query = call.query
    page = await call.ask(ListSpaces(call.caller, query.cursor, query.limit, query.all))
    return page_reply(page, shapes.space)


@routes.route(
    "POST",
    "/v1/spaces",
    {201: wire.Space},
    scope=Scope.ADMIN,
    body=wire.CreateSpace,
)
async def create_space(call: Call[wire.CreateSpace, NoQuery]) -> Reply:
    """Create a team space; for the tenant's admins."""
    request = CreateSpace(call.caller, call.body.name, call.body.quota)
    return tagged_reply(await call.ask(request), shapes.space, 201)


@routes.route("GET", "/v1/spaces/personal", {200: wire.Space}, scope=Scope.READ)
async def get_personal_space(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe your personal space."""
    return tagged_reply(await call.ask(GetSpace(call.caller)), shapes.space)


@routes.route("GET", "/v1/spaces/{id}", {200: wire.Space}, scope=Scope.READ)
async def get_space(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a space."""
    space = await call.ask(GetSpace(call.caller, call.path["id"]))
    return tagged_reply(space, shapes.space)


@routes.route(
    "PATCH",
    "/v1/spaces/{id}",
    {200: wire.Space},
    scope=Scope.WRITE,
    body=wire.UpdateSpace,
    if_match=True,
)
async def update_space(call: Call[wire.UpdateSpace, NoQuery]) -> Reply:
    """Rename a team space or set its quota."""
    body = call.body
    if body.unlimited and body.quota is not None:
        raise invalid("unlimited", "give either quota or unlimited")
    request = UpdateSpace(
        call.caller,
        call.path["id"],
        name=body.name,
        quota=body.quota,
        unlimited=body.unlimited,
        follows=body.use_default,
        if_revision=single_revision(call),
    )
    return tagged_reply(await call.ask(request), shapes.space)


@routes.route(
    "DELETE",
    "/v1/spaces/{id}",
    {204: None},
    scope=Scope.ADMIN,
    if_match=True,
)
async def delete_space(call: Call[NoBody, NoQuery]) -> Reply:
    """Delete a team space in which nothing is; for the tenant's admins."""
    request = DeleteSpace(call.caller, call.path["id"], single_revision(call))
    await call.ask(request)
    return Reply(204)


@routes.route(
    "GET",
    "/v1/spaces/{id}/members",
    {200: Page[wire.Member]},
    scope=Scope.READ,
    query=Paged,
)
async def list_members(call: Call[NoBody, Paged]) -> Reply:
    """List a team space's members."""
    query, space_id = call.query, call.path["id"]
    page = await call.ask(ListMembers(call.caller, space_id, query.cursor, query.limit))
    ids = tuple(one.user_id for one in page.items)
    users = await call.ask(FindUsers(call.caller, ids)) if ids else ()
    logins = {user.user_id: user.login for user in users}
    return list_reply(tuple(shapes.member(one, logins) for one in page.items), page.next_cursor)


@routes.route(
    "GET",
    "/v1/spaces/{id}/members/{userId}",
    {200: wire.Member},
    scope=Scope.READ,
)
async def get_member(call: Call[NoBody, NoQuery]) -> Reply:
    """Say which role a user has in a team space."""
    user = await find_user(call, call.path["userId"])
    return _member(await call.ask(GetMember(call.caller, call.path["id"], user.user_id)), user)


@routes.route(
    "PUT",
    "/v1/spaces/{id}/members/{userId}",
    {200: wire.Member},
    scope=Scope.WRITE,
    body=wire.SetMember,
    if_match=True,
    if_none_match=True,
)
async def set_member(call: Call[wire.SetMember, NoQuery]) -> Reply:
    """Give a user a role in a team space."""
    role, expected = Role(call.body.role), expected_roles(call)
    user = await find_user(call, call.path["userId"])
    request = SetMember(call.caller, call.path["id"], user.user_id, role, expected)
    return _member(await call.ask(request), user)


@routes.route(
    "DELETE",
    "/v1/spaces/{id}/members/{userId}",
    {204: None},
    scope=Scope.WRITE,
    if_match=True,
)
async def remove_member(call: Call[NoBody, NoQuery]) -> Reply:
    """Take a user out of a team space."""
    expected = expected_roles(call)
    request = RemoveMember(call.caller, call.path["id"], call.path["userId"], expected)
    await call.ask(request)
    return Reply(204)


def _member(member: Member, user: User) -> Reply:
    return tagged_reply(member, lambda one: shapes.member(one, {user.user_id: user.login}))
