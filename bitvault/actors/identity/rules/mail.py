"""Decisions about what goes by mail: addresses, invitations, and the secrets of links in mails."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

from attrs import evolve

from bitvault.actors.identity.contract import Invitation, MailNotConfigured, User
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.kernel.ids import GroupId, UserId
from bitvault.kernel.limits import Charge, Limit
from bitvault.kernel.mailbox import RULE, canonical
from bitvault.kernel.principal import Principal
from bitvault.kernel.refusal import Invalid, Refused

MAIL_SECRET_BYTES = 24
_MAX_INVITED_GROUPS = 100


def check_sends_mail(options: IdentityOptions) -> None:
    """Check that there is a mail server.

    Raises:
        Refused: ``MailNotConfigured``.
    """
    if not options.sends_mail:
        raise Refused(MailNotConfigured())


def checked_email(value: str) -> str:
    """Return an e-mail address as it is kept: with its domain in ASCII.

    Raises:
        Refused: ``Invalid`` naming ``email`` and the rule.
    """
    address = canonical(value)
    if address is None:
        raise Refused(Invalid("email", RULE))
    return address


def checked_groups(group_ids: Sequence[UUID]) -> tuple[GroupId, ...]:
    """Return the groups of an invitation, each once and in a stable order."""
    if len(group_ids) > _MAX_INVITED_GROUPS:
        raise Refused(Invalid("groups", f"must be at most {_MAX_INVITED_GROUPS} items long"))
    return tuple(map(GroupId, sorted(set(group_ids))))


def user_of(user: User, invitation: Invitation, display_name: str) -> User:
    """Return the user that somebody is invited to be, under the name they chose."""
    name = display_name or invitation.display_name
    return evolve(user, display_name=name, is_admin=invitation.is_admin)


def new_mail_token(kind: str, secret: bytes) -> str:
    """Render ``MAIL_SECRET_BYTES`` random bytes for a link in a mail, of one kind."""
    return f"bv{kind}_{urlsafe_b64encode(secret).decode()}"


def mail_digest(kind: str, token: str) -> bytes | None:
    """Return what is stored of such a token; None when it cannot be one."""
    if not (token.startswith(f"bv{kind}_") and token.isascii() and len(token) <= 64):  # noqa: PLR2004 - longer than any
        return None
    return hashlib.sha256(token.encode()).digest()


def proposals(by: Principal, user_id: UserId) -> tuple[Charge, ...]:
    """Return what an address that is proposed is charged to: each one is sent a mail, by anybody.

    An admin may propose those of many users.
    """
    tenant_id = by.tenant_id
    charges = [Charge(f"proposals of {tenant_id} {user_id}", Limit("proposals", 1 / 600, 5))]
    if user_id != by.user_id:
        proposer = f"proposals by {tenant_id} {by.user_id}"
        charges.append(Charge(proposer, Limit("proposer", 500 / 3600, 500)))
    return tuple(charges)
