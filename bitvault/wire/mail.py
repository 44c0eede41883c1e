"""Mail: where users get it, invitations, new passwords, and how it stands with the queue."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Moment, RequestShape, ResponseShape
from bitvault.wire.sessions import Login, Password, TenantName

Email = Annotated[str, Meta(min_length=3, max_length=254, examples=["ann@example.org"])]
MailToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="What stands behind the # of the link in the mail.",
    ),
]
DisplayName = Annotated[str, Meta(max_length=255)]


class MailSettings(ResponseShape, frozen=True, kw_only=True):
    """Where a user gets mail; ``proposed`` waits to be confirmed by its user."""

    email: str | None
    proposed: str | None
    muted: Annotated[tuple[str, ...], Meta(description="Kinds of mail the user does without.")]


class ChangeMailSettings(RequestShape, frozen=True, kw_only=True):
    """Say which kinds of mail you do without; what concerns your security always comes."""

    muted: tuple[Literal["share"], ...]


class ProposeOwnEmail(RequestShape, frozen=True, kw_only=True):
    """Have a link sent to your new address; ``email`` null removes the present one."""

    email: Email | None
    current_password: Password


class ProposeEmail(RequestShape, frozen=True, kw_only=True):
    """Have a link sent to a user's new address."""

    email: Email


class ConfirmEmail(RequestShape, frozen=True, kw_only=True):
    """Confirm your new address."""

    token: MailToken


class Invite(RequestShape, frozen=True, kw_only=True):
    """Invite somebody to your tenant; they choose the password."""

    email: Email
    login: Login
    display_name: DisplayName = ""
    is_admin: bool = False
    groups: Annotated[tuple[UUID, ...], Meta(max_length=100)] = ()


class Invitation(ResponseShape, frozen=True, kw_only=True):
    """An invitation that was not accepted yet."""

    id: UUID
    email: str
    login: str
    display_name: str
    is_admin: bool
    groups: tuple[UUID, ...]
    invited_by: UUID
    created_at: Moment
    expires_at: Moment


class OpenInvitation(RequestShape, frozen=True, kw_only=True):
    """Show what a token invites to."""

    token: MailToken


class Invited(ResponseShape, frozen=True, kw_only=True):
    """What an invitation is for."""

    tenant: str
    login: str
    display_name: str
    email: str
    expires_at: Moment


class AcceptInvitation(RequestShape, frozen=True, kw_only=True):
    """Become the user you are invited as."""

    token: MailToken
    password: Password
    display_name: DisplayName = ""


class RequestReset(RequestShape, frozen=True, kw_only=True):
    """Ask for a mail with a link to a new password."""

    login: Login
    tenant: TenantName = "default"


class UseReset(RequestShape, frozen=True, kw_only=True):
    """Set a new password with the token of a mail."""

    token: MailToken
    new_password: Password


MailState = Literal["queued", "sent", "failed", "dropped"]


class Mail(ResponseShape, frozen=True, kw_only=True):
    """A mail, without what is in it; ``dropped``: nobody was to be told any more."""

    id: UUID
    seq: Annotated[int, Meta(description="Of the event it tells of.")]
    kind: str
    recipient_id: Annotated[UUID, Meta(description="A user, or an invitation.")]
    state: MailState
    attempts: int
    queued_at: Moment
    next_at: Moment
    ended_at: Moment | None
    address: Annotated[str | None, Meta(description="Where it was sent, once it was tried.")]
    error: Annotated[str | None, Meta(description="Why it was not sent, the last time.")]


class Mails(ResponseShape, frozen=True, kw_only=True):
    """How it stands with the tenant's mail; counts end at 10,000."""

    is_on: Annotated[bool, Meta(description="Whether this server sends mail at all.")]
    queued: int
    failed: int
    oldest_at: Annotated[Moment | None, Meta(description="Since when the first has waited.")]
