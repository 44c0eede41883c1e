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
from bitvault.http import shapes
from bitvault.http.call import Answer, Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.preconditions import expected_roles, single_revision
from bitvault.http.problems import invalid
from bitvault.http.routes.finding import find_user
from bitvault.http.routes.queries import Paged, PagedSpaces, list_reply, page_reply, tagged_reply
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal
from bitvault.wire import spaces as wire
from bitvault.wire.fields import Page

routes = Routes("spaces")


@routes.route(
    "GET",
    "/v1/spaces",
    {200: Page[wire.Space]},
    scope=Scope.READ,
    query=PagedSpaces,
    codes=("invalid", "forbidden"),
)
async def list_spaces(call: Call[NoBody, PagedSpaces]) -> Answer:
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
    codes=("invalid", "forbidden", "space_taken", "idempotency_key_reused"),
)
async def create_space(call: Call[wire.CreateSpace, NoQuery]) -> Answer:
    """Create a team space; for the tenant's admins."""
    request = CreateSpace(call.caller, call.body.name, call.body.quota)
    return tagged_reply(await call.ask(request), shapes.space, 201)


@routes.route(
    "GET", "/v1/spaces/personal", {200: wire.Space}, scope=Scope.READ, codes=("space_not_found",)
)
async def get_personal_space(call: Call[NoBody, NoQuery]) -> Answer:
    """Describe your personal space."""
    return tagged_reply(await call.ask(GetSpace(call.caller)), shapes.space)


@routes.route(
    "GET", "/v1/spaces/{id}", {200: wire.Space}, scope=Scope.READ, codes=("space_not_found",)
)
async def get_space(call: Call[NoBody, NoQuery]) -> Answer:
    """Describe a space."""
    space = await call.ask(GetSpace(call.caller, call.path["id"]))
    return tagged_reply(space, shapes.space)


@routes.route(
    "PATCH",
    "/v1/spaces/{id}",
    {200: wire.Space},
    scope=Scope.WRITE,
    body=wire.UpdateSpace,
    codes=("invalid", "forbidden", "space_not_found", "space_taken", "precondition_failed"),
    if_match=True,
)
async def update_space(call: Call[wire.UpdateSpace, NoQuery]) -> Answer:
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
    codes=("forbidden", "space_not_found", "space_not_empty", "precondition_failed"),
    if_match=True,
)
async def delete_space(call: Call[NoBody, NoQuery]) -> Answer:
    """Delete a team space in which nothing is; for the tenant's admins."""
    request = DeleteSpace(call.caller, call.path["id"], single_revision(call))
    return await call.ask(request) or Reply(204)


@routes.route(
    "GET",
    "/v1/spaces/{id}/members",
    {200: Page[wire.Member]},
    scope=Scope.READ,
    query=Paged,
    codes=("invalid", "space_not_found"),
)
async def list_members(call: Call[NoBody, Paged]) -> Answer:
    """List a team space's members."""
    query, space_id = call.query, call.path["id"]
    page = await call.ask(ListMembers(call.caller, space_id, query.cursor, query.limit))
    if isinstance(page, Refusal):
        return page
    ids = tuple(one.user_id for one in page.items)
    users = await call.ask(FindUsers(call.caller, ids)) if ids else ()
    if isinstance(users, Refusal):
        return users
    logins = {user.user_id: user.login for user in users}
    return list_reply(tuple(shapes.member(one, logins) for one in page.items), page.next_cursor)


@routes.route(
    "GET",
    "/v1/spaces/{id}/members/{userId}",
    {200: wire.Member},
    scope=Scope.READ,
    codes=("space_not_found", "user_not_found"),
)
async def get_member(call: Call[NoBody, NoQuery]) -> Answer:
    """Say which role a user has in a team space."""
    user = await find_user(call, call.path["userId"])
    if isinstance(user, Refusal):
        return user
    return _member(await call.ask(GetMember(call.caller, call.path["id"], user.user_id)), user)


@routes.route(
    "PUT",
    "/v1/spaces/{id}/members/{userId}",
    {200: wire.Member},
    scope=Scope.WRITE,
    body=wire.SetMember,
    codes=(
        "invalid",
        "forbidden",
        "space_not_found",
        "user_not_found",
        "precondition_failed",
        "last_manager",
    ),
    if_match=True,
    if_none_match=True,
)
async def set_member(call: Call[wire.SetMember, NoQuery]) -> Answer:
    """Give a user a role in a team space."""
    role, expected = Role(call.body.role), expected_roles(call)
    user = await find_user(call, call.path["userId"])
    if isinstance(user, Refusal):
        return user
    request = SetMember(call.caller, call.path["id"], user.user_id, role, expected)
    return _member(await call.ask(request), user)


@routes.route(
    "DELETE",
    "/v1/spaces/{id}/members/{userId}",
    {204: None},
    scope=Scope.WRITE,
    codes=("forbidden", "space_not_found", "precondition_failed", "last_manager"),
    if_match=True,
)
async def remove_member(call: Call[NoBody, NoQuery]) -> Answer:
    """Take a user out of a team space."""
    expected = expected_roles(call)
    request = RemoveMember(call.caller, call.path["id"], call.path["userId"], expected)
    return await call.ask(request) or Reply(204)


def _member(member: Member | Refusal, user: User) -> Answer:
    return tagged_reply(member, lambda one: shapes.member(one, {user.user_id: user.login}))
