"""Invitations: an admin names address and login, whoever gets the mail chooses the password."""

from datetime import datetime
from typing import ClassVar, Never
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.credentials import SecretIssued
from bitvault.actors.identity.contract.refusals import (
    GroupNotFound,
    LoginTaken,
    TenantSuspended,
    TooManyUsers,
)
from bitvault.kernel.events import Event
from bitvault.kernel.ids import GroupId, TenantId, UserId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import (
    Category,
    Forbidden,
    IdempotencyConflict,
    Invalid,
    Refusal,
)
from bitvault.kernel.request import Request


@frozen
class Invitation:
    """An invitation that was not accepted yet; its secret travels by mail alone."""

    invitation_id: UUID
    email: str
    login: str
    display_name: str
    is_admin: bool
    group_ids: tuple[GroupId, ...]
    invited_by: UserId
    created_at: datetime
    expires_at: datetime


@frozen
class Invited:
    """What whoever holds an invitation may know of it."""

    tenant_name: str
    login: str
    display_name: str
    email: str
    expires_at: datetime


@frozen
class InvitationLetter:
    """What the mail of an invitation is written from; ``token`` is good from now on."""

    invited: Invited
    inviter: str
    token: str = field(repr=False)


# Refusals


@frozen
class MailNotConfigured(Refusal):
    """This server sends no mail."""

    code: ClassVar[str] = "mail_not_configured"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say what to do next."""
        return (
            "This server sends no mail: its operator has to set mail.host (docs/how-to/mail.md). "
            "An admin can make users with a password: POST /v1/users."
        )


@frozen
class InvitationNotFound(Refusal):
    """No such invitation, or it has expired, was revoked or accepted: indistinguishable."""

    code: ClassVar[str] = "invitation_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say what to do next."""
        return "This invitation is not good (any more); ask an admin for another one."


@frozen
class AlreadyInvited(Refusal):
    """Somebody is invited under this login already."""

    code: ClassVar[str] = "already_invited"
    category: ClassVar[Category] = Category.CONFLICT
    login: str

    @property
    def detail(self) -> str:
        """Say what to do next."""
        return f"login: {self.login!r} is invited already; send it again, or revoke it first."


# Events


@frozen
class UserInvited(Event):
    """Somebody was invited, or is sent the mail again; the aggregate is the invitation."""

    kind: ClassVar[str] = "user.invited"
    login: str
    is_admin: bool


@frozen
class InvitationRevoked(Event):
    """An invitation is not good any more; the aggregate is the invitation."""

    kind: ClassVar[str] = "user.invitation_revoked"
    login: str


@frozen
class InvitationAccepted(Event):
    """An invitation became a user, who is the aggregate."""

    kind: ClassVar[str] = "user.invitation_accepted"
    invitation_id: UUID
    invited_by: UUID


# Requests


@frozen
class Invite(
    Request[
        Invitation,
        AlreadyInvited
        | LoginTaken
        | TooManyUsers
        | GroupNotFound
        | MailNotConfigured
        | IdempotencyConflict
        | Invalid
        | Forbidden,
    ]
):
    """Invite somebody; for the tenant's admins."""

    caller: Caller
    email: str
    login: str
    display_name: str = ""
    is_admin: bool = False
    group_ids: tuple[UUID, ...] = ()


@frozen
class ListInvitations(Request[Page[Invitation], Invalid | Forbidden]):
    """List invitations by id, expired ones too; for the tenant's admins."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class GetInvitation(Request[Invitation, InvitationNotFound | Forbidden]):
    """Describe an invitation; for the tenant's admins."""

    caller: Caller
    invitation_id: UUID


@frozen
class SendInvitationAgain(Request[Invitation, InvitationNotFound | MailNotConfigured | Forbidden]):
    """Send the mail again, with a new secret and all the time from now on."""

    caller: Caller
    invitation_id: UUID


@frozen
class RevokeInvitation(Request[None, InvitationNotFound | Forbidden]):
    """Take an invitation back, at once."""

    caller: Caller
    invitation_id: UUID


@frozen
class OpenInvitation(Request[Invited, InvitationNotFound]):
    """Say what a token invites to."""

    token: str = field(repr=False)


@frozen
class AcceptInvitation(
    Request[
        SecretIssued, InvitationNotFound | LoginTaken | TooManyUsers | TenantSuspended | Invalid
    ]
):
    """Become the user one is invited as, with this password, and log in; once."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    display_name: str
    origin: Origin


@frozen
class MintInvitation(Request[InvitationLetter | None, Never]):
    """Give an invitation a new secret, for the mail that is sent now; None: it is gone."""

    tenant_id: TenantId
    invitation_id: UUID
