"""Named API tokens."""

from bitvault.actors.files.contract import GetNode
from bitvault.actors.identity.contract import (
    CloseSession,
    CreateToken,
    CredentialNotFound,
    ListCredentials,
)
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.queries import list_reply
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refused
from bitvault.wire import sessions as wire
from bitvault.wire.fields import Page

routes = Routes("tokens")


async def created(call: Call[wire.CreateToken, NoQuery], user_id: UserId | None = None) -> Reply:
    """Create a token of the caller, or of a service account."""
    body, confined_to = call.body, None
    if body.confined_to is not None:
        node = await call.ask(GetNode(call.caller, shapes.at(body.confined_to)))
        confined_to = node.node_id
    scope = Scope[body.scope.upper()]
    request = CreateToken(call.caller, body.name, body.expires_in, scope, user_id, confined_to)
    issued = await call.ask(request)
    members = shapes.credential_members(issued.credential, call.caller.principal.credential_id)
    made = wire.TokenCreated(token=issued.token, **members)
    return Reply(201, made, {"Cache-Control": "no-store"})


async def listed(call: Call[NoBody, NoQuery], kind: str, user_id: UserId | None = None) -> Reply:
    """List the sessions or tokens of the caller, or the tokens of a service account."""
    found = await call.ask(ListCredentials(call.caller, kind, user_id))
    current = call.caller.principal.credential_id
    return list_reply(
        tuple(wire.Credential(**shapes.credential_members(c, current)) for c in found)
    )


async def credential_reply(call: Call[object, object], kind: str) -> Reply:
    """Answer the credential of the caller that the path names."""
    found = await call.ask(ListCredentials(call.caller, kind))
    current = call.caller.principal.credential_id
    for one in found:
        if one.credential_id == call.path["id"]:
            return Reply(200, wire.Credential(**shapes.credential_members(one, current)))
    raise Refused(CredentialNotFound())


@routes.route(
    "POST",
    "/v1/tokens",
    {201: wire.TokenCreated},
    scope=Scope.ACCOUNT,
    body=wire.CreateToken,
)
async def create_token(call: Call[wire.CreateToken, NoQuery]) -> Reply:
    """Create an API token; it is shown only in this answer.

    A repeat under the same Idempotency-Key shows a fresh secret of the same token.
    """
    return await created(call)


@routes.route("GET", "/v1/tokens", {200: Page[wire.Credential]}, scope=Scope.ACCOUNT)
async def list_tokens(call: Call[NoBody, NoQuery]) -> Reply:
    """List your API tokens, without their secrets."""
    return await listed(call, "token")


@routes.route(
    "GET",
    "/v1/tokens/{id}",
    {200: wire.Credential},
    scope=Scope.ACCOUNT,
)
async def get_token(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe one of your API tokens, without its secret."""
    return await credential_reply(call, "token")


@routes.route("DELETE", "/v1/tokens/{id}", {204: None}, scope=Scope.ACCOUNT)
async def revoke_token(call: Call[NoBody, NoQuery]) -> Reply:
    """Revoke an API token, at once."""
    await call.ask(CloseSession(call.caller, call.path["id"]))
    return Reply(204)
