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
from bitvault.http.call import Answer, Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.queries import Paged, page_reply
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal
from bitvault.wire import mail as wire
from bitvault.wire.fields import Page

routes = Routes("mail")


@routes.route("GET", "/v1/me/mail", {200: wire.MailSettings}, scope=Scope.READ)
async def get_own_mail_settings(call: Call[NoBody, NoQuery]) -> Answer:
    """Say where you get mail, and which kinds you do without."""
    return _settings(await call.ask(GetMailSettings(call.caller)))


@routes.route(
    "PUT",
    "/v1/me/mail",
    {200: wire.MailSettings},
    scope=Scope.ACCOUNT,
    body=wire.ChangeMailSettings,
    codes=("invalid",),
    items=lambda body: len(body.muted),
)
async def change_own_mail_settings(call: Call[wire.ChangeMailSettings, NoQuery]) -> Answer:
    """Say which kinds of mail you do without; what concerns your security always comes."""
    return _settings(await call.ask(Mute(call.caller, call.body.muted)))


@routes.route(
    "PUT",
    "/v1/me/email",
    {200: wire.MailSettings},
    scope=Scope.ACCOUNT,
    body=wire.ProposeOwnEmail,
    codes=("invalid", "bad_credentials", "too_many_attempts", "mail_not_configured"),
    cost=HEAVY,
    is_hashing=True,
)
async def propose_own_email(call: Call[wire.ProposeOwnEmail, NoQuery]) -> Answer:
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
    codes=("invalid", "link_spent"),
)
async def confirm_email(call: Call[wire.ConfirmEmail, NoQuery]) -> Answer:
    """Confirm your new address with the token that was sent there."""
    return _settings(await call.ask(ConfirmEmail(call.caller, call.body.token)))


@routes.route(
    "GET",
    "/v1/users/{id}/email",
    {200: wire.MailSettings},
    scope=Scope.ADMIN,
    codes=("forbidden", "user_not_found"),
)
async def get_mail_settings(call: Call[NoBody, NoQuery]) -> Answer:
    """Say where a user gets mail; for the tenant's admins."""
    return _settings(await call.ask(GetMailSettings(call.caller, call.path["id"])))


@routes.route(
    "PUT",
    "/v1/users/{id}/email",
    {200: wire.MailSettings},
    scope=Scope.ADMIN,
    body=wire.ProposeEmail,
    codes=("invalid", "forbidden", "user_not_found", "mail_not_configured"),
)
async def propose_email(call: Call[wire.ProposeEmail, NoQuery]) -> Answer:
    """Have a link sent to a user's new address; it counts once the user has confirmed it."""
    request = ProposeEmail(call.caller, call.path["id"], call.body.email)
    return _settings(await call.ask(request))


@routes.route(
    "POST",
    "/v1/password-resets",
    {202: None},
    body=wire.RequestReset,
    codes=("invalid", "too_many_attempts", "mail_not_configured"),
    is_open=True,
)
async def request_reset(call: Call[wire.RequestReset, NoQuery]) -> Answer:
    """Ask for a mail with a link to a new password.

    The answer is the same for whoever there is, and whoever there is not.
    """
    named = call.body.tenant, call.body.login, call.origin
    refused = await call.ask(AllowReset(*named))
    if refused is not None:
        return refused
    # Told and not asked: looking for the user begins when the answer is on its way.
    call.edge.services.tell(RequestReset(*named))
    return Reply(202)


@routes.route(
    "POST",
    "/v1/password-resets/use",
    {204: None},
    body=wire.UseReset,
    codes=("invalid", "link_spent"),
    cost=HEAVY,
    is_hashing=True,
    is_open=True,
)
async def use_reset(call: Call[wire.UseReset, NoQuery]) -> Answer:
    """Set a new password with the token of a mail, once; every session of the user ends."""
    request = UseReset(call.body.token, call.body.new_password, call.origin)
    return await call.ask(request) or Reply(204)


class PagedMail(Paged, frozen=True, kw_only=True):
    """One page of the mail, in one state if given."""

    state: wire.MailState | None = None


@routes.route(
    "GET",
    "/v1/admin/mail",
    {200: Page[wire.Mail]},
    scope=Scope.ADMIN,
    query=PagedMail,
    codes=("invalid", "forbidden"),
)
async def list_mail(call: Call[NoBody, PagedMail]) -> Answer:
    """List the tenant's mail of the last 30 days, newest first; for the tenant's admins."""
    query = call.query
    request = ListMail(call.caller, query.state, query.cursor, query.limit)
    return page_reply(await call.ask(request), _shown)


@routes.route(
    "GET", "/v1/admin/mail/summary", {200: wire.Mails}, scope=Scope.ADMIN, codes=("forbidden",)
)
async def inspect_mail(call: Call[NoBody, NoQuery]) -> Answer:
    """Say how it stands with the tenant's mail; for the tenant's admins."""
    mails = await call.ask(InspectMail(call.caller))
    if isinstance(mails, Refusal):
        return mails
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
    codes=("forbidden", "mail_not_found"),
)
async def resend_mail(call: Call[NoBody, NoQuery]) -> Answer:
    """Queue a mail again, as if nothing had been tried; for the tenant's admins."""
    mail = await call.ask(ResendMail(call.caller, call.path["id"]))
    return mail if isinstance(mail, Refusal) else Reply(200, _shown(mail))


def _settings(value: identity.MailSettings | Refusal) -> Answer:
    if isinstance(value, Refusal):
        return value
    shown = wire.MailSettings(email=value.email, proposed=value.proposed, muted=value.muted)
    return Reply(200, shown)


def _shown(value: notifier.Mail) -> wire.Mail:
    return wire.Mail(
        id=value.mail_id,
        seq=value.seq,
        kind=value.kind,
        recipient_id=value.recipient_id,
        state=value.state,  # type: ignore[arg-type]  # the contract documents the four words
        attempts=value.attempts,
        queued_at=value.queued_at,
        next_at=value.next_at,
        ended_at=value.ended_at,
        address=value.address,
        error=value.error,
    )
