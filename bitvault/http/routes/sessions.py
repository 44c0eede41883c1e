"""Login, logout, and who am I."""

from typing import Any

from msgspec.structs import asdict

from bitvault.actors.identity.contract import (
    ChangePassword,
    CloseOtherSessions,
    CloseSession,
    DescribeCredential,
    DescribeMe,
    OpenSession,
    RefreshSession,
)
from bitvault.edge.admission import Audience
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.tokens import credential_reply, listed
from bitvault.kernel.principal import Scope
from bitvault.wire import sessions as wire
from bitvault.wire.fields import Page

routes = Routes("sessions")


@routes.route(
    "POST",
    "/v1/sessions",
    {201: wire.SessionOpened},
    body=wire.OpenSession,
    cost=HEAVY,
    is_hashing=True,
    audience=Audience.ANYBODY,
)
async def open_session(call: Call[wire.OpenSession, NoQuery]) -> Reply:
    """Log in with a password."""
    body = call.body
    issued = await call.ask(
        OpenSession(body.tenant, body.login, body.password, call.origin, body.refreshable)
    )
    return Reply(201, shapes.opened_session(issued), {"Cache-Control": "no-store"})


@routes.route(
    "POST",
    "/v1/sessions/refresh",
    {200: wire.SessionRefreshed},
    body=wire.RefreshSession,
    audience=Audience.ANYBODY,
)
async def refresh_session(call: Call[wire.RefreshSession, NoQuery]) -> Reply:
    """Go on with a session: its refresh token for a new token and a new refresh token.

    The session stays the same one, and ends when it would have. Sent again within ten seconds, a
    refresh token is answered the same; later it ends the session, because two have it.
    """
    request = RefreshSession(call.body.refresh_token, call.origin)
    refreshed = await call.ask(request)
    shown = wire.SessionRefreshed(
        token=refreshed.token,
        expires_at=refreshed.rotation.token_expires_at,
        refresh_token=refreshed.rotation.refresh_token,
        session_expires_at=refreshed.session_expires_at,
    )
    return Reply(200, shown, {"Cache-Control": "no-store"})


@routes.route("GET", "/v1/sessions", {200: Page[wire.Credential]}, scope=Scope.ACCOUNT)
async def list_sessions(call: Call[NoBody, NoQuery]) -> Reply:
    """List your sessions."""
    return await listed(call, "session")


@routes.route(
    "GET",
    "/v1/sessions/{id}",
    {200: wire.Credential},
    scope=Scope.ACCOUNT,
)
async def get_session(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe one of your sessions."""
    return await credential_reply(call, "session")


@routes.route(
    "GET",
    "/v1/sessions/current",
    {200: wire.Credential},
    scope=Scope.READ,
    audience=Audience.CONFINED,
)
async def get_current_session(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe the session or API token in use: what it is good for, and where it ends."""
    found = await call.ask(DescribeCredential(call.caller))
    return Reply(200, wire.Credential(**shapes.credential_members(found, found.credential_id)))


@routes.route(
    "DELETE",
    "/v1/sessions/current",
    {204: None},
    scope=Scope.READ,
    audience=Audience.CONFINED,
)
async def close_current_session(call: Call[NoBody, NoQuery]) -> Reply:
    """Log out."""
    await call.ask(CloseSession(call.caller))
    return Reply(204)


@routes.route("DELETE", "/v1/sessions/{id}", {204: None}, scope=Scope.ACCOUNT)
async def close_session(call: Call[NoBody, NoQuery]) -> Reply:
    """End another session of yours."""
    await call.ask(CloseSession(call.caller, call.path["id"]))
    return Reply(204)


@routes.route("DELETE", "/v1/sessions", {204: None}, scope=Scope.ACCOUNT)
async def close_other_sessions(call: Call[NoBody, NoQuery]) -> Reply:
    """End every session of yours but this one; tokens stay."""
    await call.ask(CloseOtherSessions(call.caller))
    return Reply(204)


@routes.route("GET", "/v1/me", {200: wire.Me}, scope=Scope.READ, audience=Audience.CONFINED)
async def describe_me(call: Call[NoBody, NoQuery]) -> Reply:
    """Say who you are, and what you came with."""
    me, who = await call.ask(DescribeMe(call.caller)), call.caller.principal
    scope: Any = who.scope.name.lower()
    shown = asdict(shapes.user(me))
    return Reply(200, wire.Me(**shown, scope=scope, confined_to=who.confined_to))


@routes.route(
    "PUT",
    "/v1/me/password",
    {204: None},
    scope=Scope.ACCOUNT,
    body=wire.ChangePassword,
    cost=HEAVY,
    is_hashing=True,
    allowed_when_disk_full=True,
)
async def change_password(call: Call[wire.ChangePassword, NoQuery]) -> Reply:
    """Change your password; every other session of yours ends."""
    body = call.body
    request = ChangePassword(call.caller, body.current_password, body.new_password)
    await call.ask(request)
    return Reply(204)
