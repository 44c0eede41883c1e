"""Which event is whose mail, and when a mail is tried again or given up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from attrs import frozen

from bitvault.actors.identity.contract import (
    EmailConfirmed,
    EmailProposed,
    EmailRemoved,
    PasswordChanged,
    PasswordReset,
    RefreshReused,
    ResetRequested,
    TokenCreated,
    UserInvited,
)
from bitvault.actors.sharing.contract import ShareGranted
from bitvault.kernel.events import Event, Recorded
from bitvault.kernel.ids import UserId

MOST_ATTEMPTS: Final = 12
LEASE: Final = timedelta(minutes=10)
"""A mail that was taken and not settled, because the daemon died, is taken again after that."""
KEPT: Final = timedelta(days=30)
_FIRST_WAIT, _LONGEST_WAIT = 30.0, 3600.0
_PATIENCE: Final = {"reset": timedelta(hours=1), "confirmation": timedelta(hours=24)}
_USUAL_PATIENCE: Final = timedelta(hours=72)
SECRET_KINDS: Final = frozenset({"invitation", "reset", "confirmation"})
"""Each sending of these has a secret of its own, and the one before dies: so each is a mail of its
own too, or a mailbox would keep the first copy and drop the one that is good."""


URGENCIES: Final[Mapping[int, int]] = {0: 30, 1: 10, 2: 6, 3: 4}
"""How many mails of each urgency a turn sends at most: the first come first, the last come too."""
_URGENCY: Final = {"reset": 0, "invitation": 1, "confirmation": 1, "share": 3}
_USUAL_URGENCY: Final = 2


@frozen
class Draft:
    """A mail to be: of which kind, to whom, and what it has to remember of the event."""

    kind: str
    recipient_id: UUID
    detail: Mapping[str, str]


def drafts_of(told: Recorded) -> tuple[Draft, ...]:
    """Return whom an event is told, and in which mail; nobody is told what they did to others."""
    event = told.event
    match event:
        case ShareGranted():
            return _shared(event, told.user_id)
        case TokenCreated():
            return (Draft("token", event.owner_id, {"name": event.name}),)
        case RefreshReused():
            return (_reused(event, told.origin.get("address", "")),)
    kinds = _ABOUT_ONESELF.get(type(event), ())
    return (*(Draft(kind, event.aggregate_id, {}) for kind in kinds), *_to_former(event))


def _to_former(event: Event) -> tuple[Draft, ...]:
    """Return what the address before a change is told; the new one may be a thief's."""
    if not isinstance(event, _OfAnAddress) or event.former_id is None:
        return ()
    former = {"former": str(event.former_id)}
    return (Draft(_OF_AN_ADDRESS[type(event)], event.aggregate_id, former),)


_OfAnAddress = EmailProposed | EmailConfirmed | EmailRemoved
_OF_AN_ADDRESS: Final[Mapping[type[_OfAnAddress], str]] = {
    EmailProposed: "address",
    EmailConfirmed: "address_changed",
    EmailRemoved: "address_removed",
}


_ABOUT_ONESELF: Final[Mapping[type[Event], tuple[str, ...]]] = {
    UserInvited: ("invitation",),
    ResetRequested: ("reset",),
    EmailProposed: ("confirmation",),
    PasswordChanged: ("password",),
    PasswordReset: ("password",),
}


def _reused(event: RefreshReused, address: str) -> Draft:
    name = f"{event.client} ({event.client_address})"
    return Draft("reuse", event.owner_id, {"name": name, "from": address})


def _shared(event: ShareGranted, by: UserId | None) -> tuple[Draft, ...]:
    is_new = event.grantee_kind == "user" and event.previous_role is None
    if not is_new or by is None or event.grantee_id == by:
        return ()
    detail = {"node_id": str(event.node_id), "role": event.role, "by": str(by)}
    return (Draft("share", event.grantee_id, detail),)


def urgency_of(kind: str) -> int:
    """Say how soon a mail is wanted: who waits for it comes first, then what warns somebody."""
    return _URGENCY.get(kind, _USUAL_URGENCY)


def mail_id_of(event: Recorded, draft: Draft) -> UUID:
    """Return the id of a mail: the same however often the event is looked at."""
    return uuid5(event.event_id, f"{draft.kind} {draft.recipient_id}")


def message_id(kind: str, mail_id: UUID, attempts: int) -> str:
    """Return the left part of Message-ID: stable, but for mails with a secret of their own."""
    return f"{mail_id}.{attempts}" if kind in SECRET_KINDS else str(mail_id)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts."""
    return timedelta(seconds=min(_FIRST_WAIT * 2.0 ** (attempts - 1), _LONGEST_WAIT))


def is_too_late(kind: str, queued_at: datetime, now: datetime) -> bool:
    """Say whether what it tells is of no use any more."""
    return now - queued_at > _PATIENCE.get(kind, _USUAL_PATIENCE)
