"""What those who may only add may not do, and what they are told (ADR-0026)."""

from datetime import datetime, timedelta
from typing import Final

from bitvault.actors.files.contract import (
    IfExists,
    KindMismatch,
    QuotaExceeded,
    RequestClosed,
    RequestFull,
    UploadDraft,
)
from bitvault.actors.files.rules.names import name_key, valid_name
from bitvault.kernel.principal import Drop, Principal
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused

MOST_OPEN: Final = 10_000
"""Uploads that one link may have open at once."""


def lives_until(
    principal: Principal, begun_at: datetime, now: datetime, ttl: timedelta, guest_ttl: timedelta
) -> datetime:
    """Return when an upload expires that is begun, or gone on with, at ``now``.

    A guest's expires soon after they stop: what it reserves is not theirs to keep from others.
    """
    end = begun_at + ttl
    if principal.is_guest:
        end = min(end, now + guest_ttl)
    if principal.drop and principal.drop.ends_at:
        end = min(end, principal.drop.ends_at)
    return end


def check_share(room: int | None, held: int, size: int) -> None:
    """Refuse a guest more than half of the ``room`` that there is, what they hold already included.

    So whoever has a link takes the last byte from nobody by beginning uploads.
    """
    if room is not None and size and held + size > room // 2:
        raise Refused(QuotaExceeded(size, None))


def check_open(count: int, size: int) -> None:
    """Refuse a guest more uploads at once than can be added up."""
    if count >= MOST_OPEN:
        raise Refused(QuotaExceeded(size, None))


def check_sender(draft: UploadDraft, drop: Drop | None, now: datetime) -> None:
    """Refuse what a file request does not take, by the name last written."""
    if drop is None:
        if draft.sender is not None:
            raise Refused(Invalid("sender", "is said by those who come with a file request"))
        return
    if drop.closes_at is not None and now >= drop.closes_at:
        raise Refused(RequestClosed())
    if draft.sender is None:
        raise Refused(Invalid("sender", "must be given: this is a file request"))
    valid_name(draft.sender.name, "sender")
    if drop.max_size is not None and draft.size > drop.max_size:
        raise Refused(Invalid("size", f"must be at most {drop.max_size} bytes for this request"))


def check_kind(name: str, drop: Drop | None) -> None:
    """Refuse a file whose name does not end as the file request wants it."""
    if drop is None or not drop.extensions:
        return
    stem, _, extension = name_key(name).rpartition(".")
    if not stem or extension not in drop.extensions:
        wanted = ", ".join(f".{one}" for one in drop.extensions)
        raise Refused(Invalid("name", f"must end with one of {wanted} for this request"))


def check_blind(if_exists: IfExists, base_version: int | None) -> None:
    """Refuse to write over what the caller may not see, there or not."""
    if if_exists is IfExists.REPLACE or base_version is not None:
        raise Refused(Forbidden("replace anything"))


def discreet(refusal: Refusal, path: str) -> Refusal:
    """Return a refusal without what it tells of a place that the caller may not see."""
    if isinstance(refusal, QuotaExceeded):
        return QuotaExceeded(refusal.requested, None)
    return KindMismatch(path, "folder") if isinstance(refusal, KindMismatch) else refusal


def slots_left(drop: Drop | None, taken: int) -> int | None:
    """Return how many more uploads a file request takes; None is without limit."""
    if drop is None or drop.max_files is None:
        return None
    return max(0, drop.max_files - taken)


def check_slot(left: int | None) -> None:
    """Refuse an upload when no more are taken."""
    if left == 0:
        raise Refused(RequestFull())
