"""Users of the tenant."""

from bitvault.actors.identity.contract import CreateUser, ListUsers
from bitvault.http import shapes
from bitvault.http.call import Answer, Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, list_reply
from bitvault.kernel.paging import decode_cursor, page_of
from bitvault.kernel.refusal import Refusal, Refused
from bitvault.wire import sessions as wire
from bitvault.wire.fields import Page

routes = Routes("users")


@routes.route(
    "POST",
    "/v1/users",
    {201: wire.User},
    body=wire.CreateUser,
    codes=("invalid", "forbidden", "login_taken"),
)
async def create_user(call: Call[wire.CreateUser, NoQuery]) -> Answer:
    """Create a user in your tenant; for its admins."""
    body = call.body
    made = await call.identity.ask(
        CreateUser(call.caller, body.login, body.password, body.display_name, body.is_admin)
    )
    return made if isinstance(made, Refusal) else Reply(201, shapes.user(made))


@routes.route("GET", "/v1/users", {200: Page[wire.User]}, query=Paged, codes=("invalid",))
async def list_users(call: Call[NoBody, Paged]) -> Answer:
    """List users of your tenant by login."""
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
