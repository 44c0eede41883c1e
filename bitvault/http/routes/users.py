"""Users of the tenant."""

from bitvault.actors.identity.contract import CreateUser, FindUsers, ListUsers, UserNotFound
from bitvault.http import shapes
from bitvault.http.call import Answer, Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, list_reply
from bitvault.kernel.paging import decode_cursor, page_of
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal, Refused
from bitvault.wire import sessions as wire
from bitvault.wire.fields import Page

routes = Routes("users")


@routes.route(
    "POST",
    "/v1/users",
    {201: wire.User},
    scope=Scope.ADMIN,
    body=wire.CreateUser,
    codes=("invalid", "forbidden", "login_taken", "idempotency_key_reused"),
)
async def create_user(call: Call[wire.CreateUser, NoQuery]) -> Answer:
    """Create a user in your tenant; for its admins."""
    body = call.body
    made = await call.identity.ask(
        CreateUser(call.caller, body.login, body.password, body.display_name, body.is_admin)
    )
    return made if isinstance(made, Refusal) else Reply(201, shapes.user(made))


class PagedUsers(Paged, frozen=True, kw_only=True):
    """One page of the users, or the one with a login."""

    login: wire.Login | None = None


@routes.route(
    "GET", "/v1/users/{id}", {200: wire.User}, scope=Scope.READ, codes=("user_not_found",)
)
async def get_user(call: Call[NoBody, NoQuery]) -> Answer:
    """Describe a user of your tenant."""
    found = await call.identity.ask(FindUsers(call.caller, (call.path["id"],)))
    if isinstance(found, Refusal):
        return found
    return Reply(200, shapes.user(found[0])) if found else UserNotFound(str(call.path["id"]))


@routes.route(
    "GET",
    "/v1/users",
    {200: Page[wire.User]},
    scope=Scope.READ,
    query=PagedUsers,
    codes=("invalid",),
)
async def list_users(call: Call[NoBody, PagedUsers]) -> Answer:
    """List users of your tenant by login."""
    if call.query.login is not None:
        named = await call.identity.ask(FindUsers(call.caller, logins=(call.query.login,)))
        return named if isinstance(named, Refusal) else list_reply(tuple(map(shapes.user, named)))
    try:
        after = decode_cursor(call.query.cursor, [str])[0] if call.query.cursor else ""
    except Refused as refused:
        return refused.refusal
    limit = call.query.limit
    found = await call.identity.ask(ListUsers(call.caller, str(after), limit + 1))
    if isinstance(found, Refusal):
        return found
    page = page_of(found, limit, [[user.login] for user in found])
    return list_reply(tuple(shapes.user(user) for user in page.items), page.next_cursor)
