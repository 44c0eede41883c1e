"""Where users get mail, and by mail a new password.

An address counts once its user has confirmed it while logged in: else whoever sets an address
could have a new password sent there. What is proposed gets nothing but the question.
"""

from datetime import datetime
from typing import ClassVar, Final, Never
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract.invitations import MailNotConfigured
from bitvault.actors.identity.contract.refusals import (
    BadCredentials,
    TooManyAttempts,
    TooManyProposals,
    Unauthenticated,
    UserNotFound,
)
from bitvault.kernel.events import Event
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Category, Forbidden, Invalid, Refusal
from bitvault.kernel.request import Request

KINDS_TO_MUTE: Final = ("share",)
"""Mails that users can do without; the others are about their security."""


@frozen
class MailSettings:
    """Where a user gets mail; ``proposed`` waits to be confirmed."""

    email: str | None = None
    proposed: str | None = None
    muted: tuple[str, ...] = ()


@frozen
class Recipient:
    """A user who may get mail, and as whom the world is seen that the mail tells of."""

    principal: Principal
    tenant_name: str
    name: str
    email: str
    muted: tuple[str, ...]


@frozen
class SecretLetter:
    """What a mail with a link is written from; ``token`` is good from now on."""

    email: str
    name: str
    tenant_name: str
    login: str
    expires_at: datetime
    token: str = field(repr=False)


# Refusals


@frozen
class LinkSpent(Refusal):
    """The link of a mail has expired, was used, or a later mail has another: indistinguishable."""

    code: ClassVar[str] = "link_spent"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say what to do next."""
        return "This link is not good (any more); ask for another mail."


# Events


@frozen
class ResetRequested(Event):
    """Somebody, not known who, wants to set a new password of this user."""

    kind: ClassVar[str] = "user.reset_requested"


@frozen
class PasswordReset(Event):
    """A user has a new password by way of a mail, and no session."""

    kind: ClassVar[str] = "user.password_reset"


@frozen
class EmailProposed(Event):
    """A user is to have another address, once it is confirmed.

    No event names an address; ``former_id`` stands for the one that counted until then, if any, for
    as long as mail may wait.
    """

    kind: ClassVar[str] = "user.email_proposed"
    former_id: UUID | None = None


@frozen
class EmailConfirmed(Event):
    """A user has another address now."""

    kind: ClassVar[str] = "user.email_confirmed"
    former_id: UUID | None = None


@frozen
class EmailRemoved(Event):
    """A user has no address any more."""

    kind: ClassVar[str] = "user.email_removed"
    former_id: UUID | None = None


@frozen
class LoginsRefused(Event):
    """Wrong passwords for a user, ``count`` of them within a minute; the first from ``address``.

    Only for users there are: who guesses at logins fills no journal.
    """

    kind: ClassVar[str] = "session.refused"
    count: int
    since: datetime
    address: str


# Requests


@frozen
class GetMailSettings(Request[MailSettings, UserNotFound | Forbidden]):
    """Say where the caller gets mail, or for admins: another user."""

    caller: Caller
    user_id: UserId | None = None


@frozen
class Mute(Request[MailSettings, Invalid]):
    """Say which kinds of mail the caller does without: all there are, or none."""

    caller: Caller
    muted: tuple[str, ...]


@frozen
class ProposeOwnEmail(
    Request[
        MailSettings,
        BadCredentials
        | TooManyAttempts
        | TooManyProposals
        | MailNotConfigured
        | Invalid
        | Unauthenticated,
    ]
):
    """Have a link sent to a new address of the caller; None removes the present one."""

    caller: Caller
    email: str | None
    password: str = field(repr=False)


@frozen
class ProposeEmail(
    Request[MailSettings, UserNotFound | TooManyProposals | MailNotConfigured | Invalid | Forbidden]
):
    """Have a link sent to a new address of a user, who confirms it; for the tenant's admins."""

    caller: Caller
    user_id: UserId
    email: str


@frozen
class ConfirmEmail(Request[MailSettings, LinkSpent]):
    """Confirm the caller's proposed address with the token that was sent there."""

    caller: Caller
    token: str = field(repr=False)


@frozen
class AllowReset(Request[None, TooManyAttempts | MailNotConfigured]):
    """Charge the question for a new password; who is asked for is not looked at."""

    tenant: str
    login: str
    origin: Origin


@frozen
class RequestReset(Request[None, Never]):
    """Have a mail sent if there is such a user with an address and a password.

    To be told and not asked: the answer would take longer where there is one.
    """

    tenant: str
    login: str
    origin: Origin


@frozen
class UseReset(Request[None, LinkSpent | Invalid]):
    """Set a new password with the token of a mail; every session of the user ends."""

    token: str = field(repr=False)
    password: str = field(repr=False)
    origin: Origin


@frozen
class DescribeRecipient(Request[Recipient | None, Never]):
    """Say where a user gets mail; None: nowhere, or there is no such user."""

    tenant_id: TenantId
    user_id: UserId


@frozen
class DescribeFormer(Request[Recipient | None, Never]):
    """Say where a user got mail before a change; None: nowhere, or it is forgotten."""

    tenant_id: TenantId
    user_id: UserId
    former_id: UUID


@frozen
class MintReset(Request[SecretLetter | None, Never]):
    """Make the secret for a mail that is sent now; an older one is not good any more."""

    tenant_id: TenantId
    user_id: UserId


@frozen
class MintConfirmation(Request[SecretLetter | None, Never]):
    """The same for the mail to a proposed address."""

    tenant_id: TenantId
    user_id: UserId


@frozen
class Refusals:
    """Wrong passwords that no event tells of, since the room started: they belong to no user."""

    unknown: int
    """Of users there are not."""
    uncounted: int
    """Of users beyond those who are counted at a time."""
    waiting: int = 0
    """Users whom the next turn tells of: one turn is bounded."""


@frozen
class TellRefusals(Request[Refusals, Never]):
    """Publish the wrong passwords of minutes that are over, one event for each user."""
