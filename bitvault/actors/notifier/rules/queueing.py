"""Which event is whose mail, and when a mail is tried again or given up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from attrs import frozen

from bitvault.kernel.events import Recorded

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


def drafts_of(event: Recorded) -> tuple[Draft, ...]:
    """Return whom an event is told, and in which mail; nobody is told what they did to others."""
    if event.kind == "share.granted":
        return _shared(event)
    if event.kind == "token.created":
        detail = {"name": str(event.payload["name"])}
        return (Draft("token", UUID(event.payload["owner_id"]), detail),)
    if event.kind == "session.refresh_reused":
        return (_reused(event),)
    kinds = _ABOUT_ONESELF.get(event.kind, ())
    return (*(Draft(kind, event.aggregate_id, {}) for kind in kinds), *_to_former(event))


def _to_former(event: Recorded) -> tuple[Draft, ...]:
    """Return what the address before a change is told; the new one may be a thief's."""
    kind, former_id = _OF_AN_ADDRESS.get(event.kind), event.payload.get("former_id")
    if kind is None or former_id is None:
        return ()
    return (Draft(kind, event.aggregate_id, {"former": former_id}),)


_OF_AN_ADDRESS: Final[Mapping[str, str]] = {
    "user.email_proposed": "address",
    "user.email_confirmed": "address_changed",
    "user.email_removed": "address_removed",
}


_ABOUT_ONESELF: Final[Mapping[str, tuple[str, ...]]] = {
    "user.invited": ("invitation",),
    "user.reset_requested": ("reset",),
    "user.email_proposed": ("confirmation",),
    "user.password_changed": ("password",),
    "user.password_reset": ("password",),
}


def _reused(event: Recorded) -> Draft:
    told: Mapping[str, Any] = event.payload
    name = f"{told['client']} ({told['client_address']})"
    detail = {"name": name, "from": str(event.origin.get("address", ""))}
    return Draft("reuse", UUID(told["owner_id"]), detail)


def _shared(event: Recorded) -> tuple[Draft, ...]:
    payload: Mapping[str, Any] = event.payload
    grantee_id, by = payload["grantee_id"], event.user_id
    is_new = payload["grantee_kind"] == "user" and payload["previous_role"] is None
    if not is_new or by is None or grantee_id == str(by):
        return ()
    detail = {"node_id": payload["node_id"], "role": payload["role"], "by": str(by)}
    return (Draft("share", UUID(grantee_id), detail),)


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
