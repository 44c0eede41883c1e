"""Named API tokens."""

from bitvault.actors.identity.contract import CloseSession, CreateToken, ListCredentials
from bitvault.http import shapes
from bitvault.http.call import Answer, Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.queries import list_reply
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal
from bitvault.wire import sessions as wire
from bitvault.wire.fields import Page

routes = Routes("tokens")


@routes.route(
    "POST",
    "/v1/tokens",
    {201: wire.TokenCreated},
    scope=Scope.ACCOUNT,
    body=wire.CreateToken,
    codes=("invalid", "idempotency_key_reused"),
)
async def create_token(call: Call[wire.CreateToken, NoQuery]) -> Answer:
    """Create an API token; it is shown only in this answer.

    A repeat under the same Idempotency-Key shows a fresh secret of the same token.
    """
    body = call.body
    request = CreateToken(call.caller, body.name, body.expires_in, Scope[body.scope.upper()])
    issued = await call.identity.ask(request)
    if isinstance(issued, Refusal):
        return issued
    members = shapes.credential_members(issued.credential, call.caller.principal.credential_id)
    created = wire.TokenCreated(token=issued.token, **members)
    return Reply(201, created, {"Cache-Control": "no-store"})


@routes.route("GET", "/v1/tokens", {200: Page[wire.Credential]}, scope=Scope.ACCOUNT)
async def list_tokens(call: Call[NoBody, NoQuery]) -> Answer:
    """List your API tokens, without their secrets."""
    found = await call.identity.ask(ListCredentials(call.caller, "token"))
    if isinstance(found, Refusal):
        return found
    current = call.caller.principal.credential_id
    return list_reply(
        tuple(wire.Credential(**shapes.credential_members(c, current)) for c in found)
    )


@routes.route(
    "DELETE", "/v1/tokens/{id}", {204: None}, scope=Scope.ACCOUNT, codes=("credential_not_found",)
)
async def revoke_token(call: Call[NoBody, NoQuery]) -> Answer:
    """Revoke an API token, at once."""
    return await call.identity.ask(CloseSession(call.caller, call.path["id"])) or Reply(204)
