"""Users of the tenant."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from bitvault.actors.identity.contract import (
    ChangeUser,
    CloseSession,
    CloseSessionsOf,
    CreateUser,
    FindUsers,
    ListUsers,
)
from bitvault.edge import users
from bitvault.edge.rejections import invalid
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.finding import find_user
from bitvault.http.routes.queries import Paged, list_reply, page_reply
from bitvault.http.routes.tokens import created, listed
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Scope
from bitvault.wire import sessions as wire
from bitvault.wire.fields import Page

routes = Routes("users")


@routes.route(
    "POST",
    "/v1/users",
    {201: wire.User},
    scope=Scope.ADMIN,
    body=wire.CreateUser,
    cost=HEAVY,
    is_hashing=True,
)
async def create_user(call: Call[wire.CreateUser, NoQuery]) -> Reply:
    """Create a user in your tenant; for its admins."""
    body = call.body
    named = body.login, body.password, body.display_name
    made = await call.ask(CreateUser(call.caller, *named, body.is_admin, body.kind))
    return Reply(201, shapes.user(made))


class PagedUsers(Paged, frozen=True, kw_only=True):
    """One page of the users, or the one with a login."""

    login: wire.Login | None = None


@routes.route("GET", "/v1/users/{id}", {200: wire.User}, scope=Scope.READ)
async def get_user(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a user of your tenant."""
    found = await find_user(call, call.path["id"])
    return Reply(200, shapes.user(found))


@routes.route(
    "GET",
    "/v1/users",
    {200: Page[wire.User]},
    scope=Scope.READ,
    query=PagedUsers,
)
async def list_users(call: Call[NoBody, PagedUsers]) -> Reply:
    """List users of your tenant by login."""
    if call.query.login is not None:
        named = await call.ask(FindUsers(call.caller, logins=(call.query.login,)))
        return list_reply(tuple(map(shapes.user, named)))
    page = await call.ask(ListUsers(call.caller, call.query.cursor, call.query.limit))
    return page_reply(page, shapes.user)


@routes.route(
    "PATCH",
    "/v1/users/{id}",
    {200: wire.User},
    scope=Scope.ADMIN,
    body=wire.UpdateUser,
    allowed_when_disk_full=True,
)
async def update_user(call: Call[wire.UpdateUser, NoQuery]) -> Reply:
    """Change a user's name or role, disable or enable them; for the tenant's admins.

    Who is disabled loses every session and token at once; enabling brings none of them back.
    """
    body = call.body
    request = ChangeUser(
        call.caller,
        call.path["id"],
        display_name=body.display_name,
        is_admin=body.is_admin,
        is_disabled=body.is_disabled,
        is_operator=body.is_operator,
    )
    changed = await call.ask(request)
    return Reply(200, shapes.user(changed))


class Heir(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Who is to manage what the user had; by default the tenant's admins say later."""

    heir: UUID | None = None


@routes.route(
    "DELETE",
    "/v1/users/{id}",
    {200: wire.UserDeleted},
    scope=Scope.ADMIN,
    query=Heir,
)
async def delete_user(call: Call[NoBody, Heir]) -> Reply:
    """Delete a user, and none of their files; for the tenant's admins.

    The personal space becomes a team space, with the heir as its manager. A request that was
    interrupted left the user disabled, and is to be sent again.
    """
    user_id, heir_id = UserId(call.path["id"]), call.query.heir
    await _check_heir(call, user_id, heir_id)
    user = await call.ask(ChangeUser(call.caller, user_id, is_disabled=True))
    heir = None if heir_id is None else UserId(heir_id)
    passed = await users.delete_user(call.edge.services, call.caller, user, heir)
    place = (passed.space_id, passed.name) if passed else (None, None)
    return Reply(200, wire.UserDeleted(space_id=place[0], space_name=place[1]))


async def _check_heir(call: Call[Any, Any], user_id: UUID, heir: UUID | None) -> None:
    if heir == user_id:
        raise invalid("heir", "must be another user")
    if heir is not None:
        await find_user(call, heir)


@routes.route(
    "DELETE",
    "/v1/users/{id}/sessions",
    {204: None},
    scope=Scope.ADMIN,
)
async def close_sessions_of(call: Call[NoBody, NoQuery]) -> Reply:
    """End every session of a user, whose tokens stay; for the tenant's admins."""
    await call.ask(CloseSessionsOf(call.caller, call.path["id"]))
    return Reply(204)


@routes.route(
    "POST",
    "/v1/users/{id}/tokens",
    {201: wire.TokenCreated},
    scope=Scope.ACCOUNT,
    body=wire.CreateToken,
)
async def create_token_of(call: Call[wire.CreateToken, NoQuery]) -> Reply:
    """Create an API token of a service account; for the tenant's admins. It is shown only here."""
    return await created(call, call.path["id"])


@routes.route(
    "GET",
    "/v1/users/{id}/tokens",
    {200: Page[wire.Credential]},
    scope=Scope.ACCOUNT,
)
async def list_tokens_of(call: Call[NoBody, NoQuery]) -> Reply:
    """List the API tokens of a service account; for the tenant's admins."""
    return await listed(call, "token", call.path["id"])


@routes.route(
    "DELETE",
    "/v1/users/{id}/tokens/{tokenId}",
    {204: None},
    scope=Scope.ACCOUNT,
)
async def revoke_token_of(call: Call[NoBody, NoQuery]) -> Reply:
    """Revoke an API token of a service account, at once; for the tenant's admins."""
    request = CloseSession(call.caller, call.path["tokenId"], call.path["id"])
    await call.ask(request)
    return Reply(204)
