"""Single sign-on: a tenant's providers, and the way in through them (ADR-0020).

The only cookie there is binds a sign-in to the browser that began it; it logs nobody in.
"""

import attrs
import msgspec
from msgspec import UNSET, UnsetType
from werkzeug.http import dump_cookie, parse_cookie

from bitvault.actors.sso.contract import (
    AddProvider,
    BeginSignIn,
    ChangeProvider,
    FinishSignIn,
    GetProvider,
    ListProviders,
    ListWays,
    LogOut,
    Provider,
    ProviderTerms,
    RedeemSignIn,
    RemoveProvider,
)
from bitvault.edge.admission import Audience
from bitvault.edge.sign_ins import redeem
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.preconditions import single_revision, tagged
from bitvault.http.routes.queries import list_reply, tagged_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import sso as wire
from bitvault.wire.fields import Page
from bitvault.wire.sessions import SessionOpened

routes = Routes("single sign-on")

COOKIE_SECONDS = 600
_PATH = "/v1/identity-providers"


def _domains(body: wire.AddIdentityProvider | wire.ChangeIdentityProvider) -> int:
    """Return how many names a body has to be looked through for."""
    return 0 if isinstance(body.email_domains, UnsetType) else len(body.email_domains)


@routes.route(
    "POST",
    _PATH,
    {201: wire.IdentityProvider},
    scope=Scope.ADMIN,
    body=wire.AddIdentityProvider,
    cost=HEAVY,
    items=_domains,
)
async def add_identity_provider(call: Call[wire.AddIdentityProvider, NoQuery]) -> Reply:
    """Let users of your tenant sign in with an OpenID provider; for its admins.

    The provider is asked for its discovery document at once. Whoever configures one says who may
    be whom in this tenant.
    """
    given = msgspec.structs.asdict(call.body)
    secret = given.pop("client_secret")
    # Of a provider that anybody can have an account at, everybody would be let in.
    if given["makes_users"] is None:
        given["makes_users"] = bool(given["email_domains"])
    return _reply(
        await call.ask(AddProvider(call.caller, ProviderTerms(**given), secret)), status=201
    )


@routes.route("GET", _PATH, {200: Page[wire.IdentityProvider]}, scope=Scope.ADMIN)
async def list_identity_providers(call: Call[NoBody, NoQuery]) -> Reply:
    """List your tenant's identity providers; for its admins."""
    found = await call.ask(ListProviders(call.caller))
    return list_reply(tuple(map(_shown, found)))


@routes.route(
    "GET",
    _PATH + "/{id}",
    {200: wire.IdentityProvider},
    scope=Scope.ADMIN,
)
async def get_identity_provider(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe an identity provider; for the tenant's admins."""
    return _reply(await call.ask(GetProvider(call.caller, call.path["id"])))


@routes.route(
    "PATCH",
    _PATH + "/{id}",
    {200: wire.IdentityProvider},
    scope=Scope.ADMIN,
    body=wire.ChangeIdentityProvider,
    if_match=True,
    items=_domains,
)
async def change_identity_provider(call: Call[wire.ChangeIdentityProvider, NoQuery]) -> Reply:
    """Change an identity provider, but for its issuer; for the tenant's admins."""
    before = await call.ask(GetProvider(call.caller, call.path["id"]))
    given = msgspec.structs.asdict(call.body)
    changed = {name: value for name, value in given.items() if value is not UNSET}
    keeps_secret = "client_secret" not in changed
    secret, expected = changed.pop("client_secret", None), single_revision(call)
    terms = attrs.evolve(before.terms, **changed)
    revision = before.revision if expected is None else expected
    request = ChangeProvider(call.caller, before.provider_id, terms, secret, keeps_secret, revision)
    return _reply(await call.ask(request))


@routes.route(
    "DELETE",
    _PATH + "/{id}",
    {204: None},
    scope=Scope.ADMIN,
)
async def remove_identity_provider(call: Call[NoBody, NoQuery]) -> Reply:
    """Remove an identity provider, with the memberships and quotas that it gave.

    Users, their sessions and the groups stay. If it does not end, a repeat goes on with it. For the
    tenant's admins.
    """
    await call.ask(RemoveProvider(call.caller, call.path["id"]))
    return Reply(204)


@routes.route(
    "GET",
    "/v1/sso",
    {200: Page[wire.SignInWay]},
    query=wire.WaysOf,
    audience=Audience.ANYBODY,
)
async def list_sign_in_ways(call: Call[NoBody, wire.WaysOf]) -> Reply:
    """List the identity providers that users of a tenant may sign in with."""
    found = await call.ask(ListWays(call.query.tenant))
    return list_reply(tuple(wire.SignInWay(id=one.provider_id, name=one.name) for one in found))


@routes.route(
    "GET",
    "/v1/sso/{id}/start",
    {303: None},
    query=wire.BeginSignIn,
    audience=Audience.ANYBODY,
    cost=HEAVY,
)
async def begin_sign_in(call: Call[NoBody, wire.BeginSignIn]) -> Reply:
    """Send a browser to an identity provider.

    In the end it goes to returnTo with a code, which the client redeems with its verifier.
    """
    query = call.query
    begun = await call.ask(
        BeginSignIn(call.path["id"], query.return_to, query.challenge, query.state)
    )
    cookie = _cookie(begun.browser_secret, COOKIE_SECONDS, is_https=begun.is_https)
    return _redirect(begun.location, cookie)


@routes.route(
    "GET",
    "/v1/sso/{id}/callback",
    {303: None},
    query=wire.AuthorizationResponse,
    audience=Audience.ANYBODY,
    cost=HEAVY,
)
async def finish_sign_in(call: Call[NoBody, wire.AuthorizationResponse]) -> Reply:
    """Take up what a browser brings from an identity provider."""
    given = msgspec.structs.asdict(call.query)
    parameters = {name: value for name, value in given.items() if value is not None}
    cookies = parse_cookie(call.headers.get("Cookie", ""))
    is_https = _name(is_https=True) in cookies
    secret = cookies.get(_name(is_https=is_https), "")
    request = FinishSignIn(call.path["id"], parameters, secret, call.origin, is_https)
    finished = await call.ask(request)
    return _redirect(finished.location, _cookie("", 0, is_https=is_https))


@routes.route(
    "POST",
    "/v1/sso/sessions",
    {201: SessionOpened},
    body=wire.RedeemSignIn,
    audience=Audience.ANYBODY,
)
async def redeem_sign_in(call: Call[wire.RedeemSignIn, NoQuery]) -> Reply:
    """Take the session of a sign-in, as the client that began it; a wrong verifier ends it."""
    body = call.body
    request = RedeemSignIn(body.code, body.verifier)
    issued = await redeem(call.edge.services, request, call.origin, refreshable=body.refreshable)
    return Reply(201, shapes.opened_session(issued), {"Cache-Control": "no-store"})


@routes.route(
    "POST",
    "/v1/sso/{id}/logout",
    {200: None},
    body=wire.LogOut,
    audience=Audience.ANYBODY,
    takes_form=True,
)
async def log_out_of_provider(call: Call[wire.LogOut, NoQuery]) -> Reply:
    """Take an identity provider's word that somebody logged out there (OpenID Back-Channel Logout).

    The sessions end that came in by this provider as that subject, or of that session of the
    provider's; whether there were any is not said.
    """
    request = LogOut(call.path["id"], call.body.logout_token, call.origin)
    await call.ask(request)
    return Reply(200, None, {"Cache-Control": "no-store"})


def _name(*, is_https: bool) -> str:
    """Return the cookie's name; only HTTPS has cookies that no other host can set."""
    return "__Host-bitvault-sso" if is_https else "bitvault-sso"


def _cookie(value: str, seconds: int, *, is_https: bool) -> str:
    return dump_cookie(
        _name(is_https=is_https),
        value,
        max_age=seconds,
        path="/",
        secure=is_https,
        httponly=True,
        samesite="Lax",
    )


def _redirect(location: str, cookie: str) -> Reply:
    headers = {"Location": location, "Set-Cookie": cookie, "Cache-Control": "no-store"}
    return Reply(303, None, headers)


def _reply(provider: Provider, status: int = 200) -> Reply:
    return tagged_reply(provider, _shown, status)


def _shown(provider: Provider) -> wire.IdentityProvider:
    own = f"/v1/sso/{provider.provider_id}"
    shown = shapes.show(
        wire.IdentityProvider,
        provider.terms,
        id=provider.provider_id,
        has_secret=provider.has_secret,
        group_map=dict(provider.terms.group_map),
        redirect_path=f"{own}/callback",
        logout_path=f"{own}/logout",
        is_leaving=provider.is_leaving,
        created_at=provider.created_at,
        etag="",
    )
    return tagged(provider.revision, shown)
