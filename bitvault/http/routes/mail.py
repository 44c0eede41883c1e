"""Where users get mail, new passwords by mail, and for admins what became of it."""

from bitvault.actors.identity import contract as identity
from bitvault.actors.identity.contract import (
    AllowReset,
    ConfirmEmail,
    GetMailSettings,
    Mute,
    ProposeEmail,
    ProposeOwnEmail,
    RequestReset,
    UseReset,
)
from bitvault.actors.notifier import contract as notifier
from bitvault.actors.notifier.contract import InspectMail, ListMail, ResendMail
from bitvault.edge.admission import Audience
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, page_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import mail as wire
from bitvault.wire.fields import Page

routes = Routes("mail")


@routes.route("GET", "/v1/me/mail", {200: wire.MailSettings}, scope=Scope.READ)
async def get_own_mail_settings(call: Call[NoBody, NoQuery]) -> Reply:
    """Say where you get mail, and which kinds you do without."""
    return _settings(await call.ask(GetMailSettings(call.caller)))


@routes.route(
    "PUT",
    "/v1/me/mail",
    {200: wire.MailSettings},
    scope=Scope.ACCOUNT,
    body=wire.ChangeMailSettings,
    items=lambda body: len(body.muted),
)
async def change_own_mail_settings(call: Call[wire.ChangeMailSettings, NoQuery]) -> Reply:
    """Say which kinds of mail you do without; what concerns your security always comes."""
    return _settings(await call.ask(Mute(call.caller, call.body.muted)))


@routes.route(
    "PUT",
    "/v1/me/email",
    {200: wire.MailSettings},
    scope=Scope.ACCOUNT,
    body=wire.ProposeOwnEmail,
    cost=HEAVY,
    is_hashing=True,
)
async def propose_own_email(call: Call[wire.ProposeOwnEmail, NoQuery]) -> Reply:
    """Have a link sent to your new address; it counts once you have confirmed it."""
    body = call.body
    request = ProposeOwnEmail(call.caller, body.email, body.current_password)
    return _settings(await call.ask(request))


@routes.route(
    "POST",
    "/v1/me/email/confirm",
    {200: wire.MailSettings},
    scope=Scope.ACCOUNT,
    body=wire.ConfirmEmail,
)
async def confirm_email(call: Call[wire.ConfirmEmail, NoQuery]) -> Reply:
    """Confirm your new address with the token that was sent there."""
    return _settings(await call.ask(ConfirmEmail(call.caller, call.body.token)))


@routes.route(
    "GET",
    "/v1/users/{id}/email",
    {200: wire.MailSettings},
    scope=Scope.ADMIN,
)
async def get_mail_settings(call: Call[NoBody, NoQuery]) -> Reply:
    """Say where a user gets mail; for the tenant's admins."""
    return _settings(await call.ask(GetMailSettings(call.caller, call.path["id"])))


@routes.route(
    "PUT",
    "/v1/users/{id}/email",
    {200: wire.MailSettings},
    scope=Scope.ADMIN,
    body=wire.ProposeEmail,
)
async def propose_email(call: Call[wire.ProposeEmail, NoQuery]) -> Reply:
    """Have a link sent to a user's new address; it counts once the user has confirmed it."""
    request = ProposeEmail(call.caller, call.path["id"], call.body.email)
    return _settings(await call.ask(request))


@routes.route(
    "POST",
    "/v1/password-resets",
    {202: None},
    body=wire.RequestReset,
    audience=Audience.ANYBODY,
)
async def request_reset(call: Call[wire.RequestReset, NoQuery]) -> Reply:
    """Ask for a mail with a link to a new password.

    The answer is the same for whoever there is, and whoever there is not.
    """
    named = call.body.tenant, call.body.login, call.origin
    await call.ask(AllowReset(*named))
    # Told and not asked: looking for the user begins when the answer is on its way.
    call.edge.services.tell(RequestReset(*named))
    return Reply(202)


@routes.route(
    "POST",
    "/v1/password-resets/use",
    {204: None},
    body=wire.UseReset,
    cost=HEAVY,
    is_hashing=True,
    audience=Audience.ANYBODY,
)
async def use_reset(call: Call[wire.UseReset, NoQuery]) -> Reply:
    """Set a new password with the token of a mail, once; every session of the user ends."""
    request = UseReset(call.body.token, call.body.new_password, call.origin)
    await call.ask(request)
    return Reply(204)


class PagedMail(Paged, frozen=True, kw_only=True):
    """One page of the mail, in one state if given."""

    state: wire.MailState | None = None


@routes.route(
    "GET",
    "/v1/admin/mail",
    {200: Page[wire.Mail]},
    scope=Scope.ADMIN,
    query=PagedMail,
)
async def list_mail(call: Call[NoBody, PagedMail]) -> Reply:
    """List the tenant's mail of the last 30 days, newest first; for the tenant's admins."""
    query = call.query
    request = ListMail(call.caller, query.state, query.cursor, query.limit)
    return page_reply(await call.ask(request), _shown)


@routes.route("GET", "/v1/admin/mail/summary", {200: wire.Mails}, scope=Scope.ADMIN)
async def inspect_mail(call: Call[NoBody, NoQuery]) -> Reply:
    """Say how it stands with the tenant's mail; for the tenant's admins."""
    mails = await call.ask(InspectMail(call.caller))
    shown = wire.Mails(
        is_on=mails.is_on,
        queued=mails.queued,
        failed=mails.failed,
        oldest_at=mails.oldest_at,
    )
    return Reply(200, shown)


@routes.route(
    "POST",
    "/v1/admin/mail/{id}/resend",
    {200: wire.Mail},
    scope=Scope.ADMIN,
)
async def resend_mail(call: Call[NoBody, NoQuery]) -> Reply:
    """Queue a mail again, as if nothing had been tried; for the tenant's admins."""
    mail = await call.ask(ResendMail(call.caller, call.path["id"]))
    return Reply(200, _shown(mail))


def _settings(value: identity.MailSettings) -> Reply:
    shown = wire.MailSettings(email=value.email, proposed=value.proposed, muted=value.muted)
    return Reply(200, shown)


def _shown(value: notifier.Mail) -> wire.Mail:
    return shapes.show(wire.Mail, value, id=value.mail_id)
