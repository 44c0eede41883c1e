"""Mails to users, for the admins of a tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from attrs import frozen

from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Category, Forbidden, Invalid, Refusal
from bitvault.kernel.request import Request

STATES: Final = ("queued", "sent", "failed", "dropped")


@frozen
class Mail:
    """A mail, without what is in it."""

    mail_id: UUID
    seq: int
    """Of the event it tells of."""
    kind: str
    recipient_id: UUID
    """A user, or an invitation."""
    state: str
    """``queued``, ``sent``, ``failed`` for good, or ``dropped``: nobody was to be told any more."""
    attempts: int
    queued_at: datetime
    next_at: datetime
    ended_at: datetime | None
    address: str | None
    """Where it was sent, once it was tried."""
    error: str | None
    """Why it was not sent, the last time."""


@frozen
class Mails:
    """How it stands with a tenant's mail; counts end at 10,000."""

    is_on: bool
    """Whether there is a mail server."""
    queued: int
    failed: int
    oldest_at: datetime | None
    """Since when the first in the queue has waited."""


@frozen
class MailNotFound(Refusal):
    """No such mail in the caller's tenant."""

    code: ClassVar[str] = "mail_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say where to look."""
        return "There is no such mail; list them with GET /v1/admin/mail."


@frozen
class ListMail(Request[Page[Mail], Invalid | Forbidden]):
    """List the tenant's mail, newest first; in one state, if given."""

    caller: Caller
    state: str | None = None
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class InspectMail(Request[Mails, Forbidden]):
    """Say how it stands with the tenant's mail."""

    caller: Caller


@frozen
class ResendMail(Request[Mail, MailNotFound | Forbidden]):
    """Queue a mail again, as if nothing had been tried."""

    caller: Caller
    mail_id: UUID


TAGS: Final[Mapping[str, type]] = {
    "inspect_mail": InspectMail,
    "list_mail": ListMail,
    "mail": Mail,
    "mails": Mails,
    "resend_mail": ResendMail,
}
"""What each message is called when it travels; a tag stays, whatever the class is called."""
