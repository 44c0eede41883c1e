"""What those who may only add may not do, and what they are told (ADR-0026)."""

from datetime import datetime

from bitvault.actors.files.contract import (
    IfExists,
    KindMismatch,
    QuotaExceeded,
    RequestClosed,
    RequestFull,
    UploadDraft,
)
from bitvault.actors.files.rules.names import name_key, valid_name
from bitvault.kernel.principal import Drop
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused


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
