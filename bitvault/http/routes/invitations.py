"""Invitations, for the admins who make them and for who holds one."""

from bitvault.actors.identity import contract as identity
from bitvault.actors.identity.contract import (
    AcceptInvitation,
    GetInvitation,
    Invite,
    ListInvitations,
    OpenInvitation,
    RevokeInvitation,
    SendInvitationAgain,
)
from bitvault.edge.admission import Audience
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, page_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import mail as wire
from bitvault.wire.fields import Page
from bitvault.wire.sessions import SessionOpened

routes = Routes("invitations")


@routes.route(
    "POST",
    "/v1/invitations",
    {201: wire.Invitation},
    scope=Scope.ADMIN,
    body=wire.Invite,
    items=lambda body: 1 + len(body.groups),
)
async def invite(call: Call[wire.Invite, NoQuery]) -> Reply:
    """Invite somebody by mail; for the tenant's admins. The link in it is good for 72 hours."""
    body = call.body
    named = body.email, body.login, body.display_name
    made = await call.ask(Invite(call.caller, *named, body.is_admin, body.groups))
    return Reply(201, _shown(made))


@routes.route(
    "GET",
    "/v1/invitations",
    {200: Page[wire.Invitation]},
    scope=Scope.ADMIN,
    query=Paged,
)
async def list_invitations(call: Call[NoBody, Paged]) -> Reply:
    """List invitations that were not accepted; for the tenant's admins."""
    request = ListInvitations(call.caller, call.query.cursor, call.query.limit)
    return page_reply(await call.ask(request), _shown)


@routes.route(
    "GET",
    "/v1/invitations/{id}",
    {200: wire.Invitation},
    scope=Scope.ADMIN,
)
async def get_invitation(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe an invitation; for the tenant's admins."""
    found = await call.ask(GetInvitation(call.caller, call.path["id"]))
    return Reply(200, _shown(found))


@routes.route(
    "POST",
    "/v1/invitations/{id}/send",
    {200: wire.Invitation},
    scope=Scope.ADMIN,
)
async def send_invitation(call: Call[NoBody, NoQuery]) -> Reply:
    """Send an invitation again, for another 72 hours; the link of the mail before is dead."""
    sent = await call.ask(SendInvitationAgain(call.caller, call.path["id"]))
    return Reply(200, _shown(sent))


@routes.route(
    "DELETE",
    "/v1/invitations/{id}",
    {204: None},
    scope=Scope.ADMIN,
)
async def revoke_invitation(call: Call[NoBody, NoQuery]) -> Reply:
    """Take an invitation back, at once; for the tenant's admins."""
    await call.ask(RevokeInvitation(call.caller, call.path["id"]))
    return Reply(204)


@routes.route(
    "POST",
    "/v1/invitations/open",
    {200: wire.Invited},
    body=wire.OpenInvitation,
    audience=Audience.ANYBODY,
)
async def open_invitation(call: Call[wire.OpenInvitation, NoQuery]) -> Reply:
    """Say what the token of an invitation is for."""
    found = await call.ask(OpenInvitation(call.body.token))
    shown = wire.Invited(
        tenant=found.tenant_name,
        login=found.login,
        display_name=found.display_name,
        email=found.email,
        expires_at=found.expires_at,
    )
    return Reply(200, shown)


@routes.route(
    "POST",
    "/v1/invitations/accept",
    {201: SessionOpened},
    body=wire.AcceptInvitation,
    cost=HEAVY,
    is_hashing=True,
    audience=Audience.ANYBODY,
)
async def accept_invitation(call: Call[wire.AcceptInvitation, NoQuery]) -> Reply:
    """Become the user you are invited as, with a password of your choice, and log in."""
    body = call.body
    request = AcceptInvitation(body.token, body.password, body.display_name, call.origin)
    issued = await call.ask(request)
    opened = SessionOpened(
        token=issued.token,
        expires_at=issued.credential.expires_at,
        user=shapes.user(issued.user),
    )
    return Reply(201, opened, {"Cache-Control": "no-store"})


def _shown(value: identity.Invitation) -> wire.Invitation:
    return shapes.show(wire.Invitation, value, id=value.invitation_id, groups=value.group_ids)
