"""Decisions about links: their tokens, their terms, and whether one is still good."""

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

from bitvault.actors.sharing.contract.links import LinkTerms
from bitvault.kernel.access import Right, rights_of
from bitvault.kernel.addresses import subscriber
from bitvault.kernel.limits import Charge, Limit
from bitvault.kernel.refusal import Invalid, Refused

PREFIX: Final = "bvl_"
MOST_LINKS: Final = 100
"""On one node."""
SECRET_BYTES: Final = 24
_MAX_LABEL = 128
_MIN_PASSWORD, _MAX_PASSWORD = 8, 1024
_MAX_DOWNLOADS = 1 << 53
_GUESSES, _GUESS_SECONDS = 10, 30.0


def new_token(secret: bytes) -> str:
    """Return the token that ``SECRET_BYTES`` random bytes make."""
    return PREFIX + urlsafe_b64encode(secret).decode()


def token_digest(token: str) -> bytes | None:
    """Return what is stored of a token; None when it cannot be one."""
    if not (token.startswith(PREFIX) and token.isascii() and len(token) <= 64):  # noqa: PLR2004 - longer than any
        return None
    return hashlib.sha256(token.encode()).digest()


def checked_terms(terms: LinkTerms, now: datetime) -> LinkTerms:
    """Return terms that a link may have.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    if Right.SHARE in rights_of(terms.role):
        raise Refused(Invalid("role", "a link may be viewer or editor"))
    if len(terms.label.encode(errors="replace")) > _MAX_LABEL or not terms.label.isprintable():
        raise Refused(Invalid("label", f"must be at most {_MAX_LABEL} printable bytes"))
    if terms.password is not None and not _MIN_PASSWORD <= len(terms.password) <= _MAX_PASSWORD:
        rule = f"must have {_MIN_PASSWORD} to {_MAX_PASSWORD} characters"
        raise Refused(Invalid("password", rule))
    if terms.expires_at is not None:
        if terms.expires_at.tzinfo is None:
            raise Refused(Invalid("expiresAt", "must carry a time zone"))
        if terms.expires_at <= now:
            raise Refused(Invalid("expiresAt", "must be in the future"))
    if terms.max_downloads is not None and not 0 < terms.max_downloads <= _MAX_DOWNLOADS:
        raise Refused(Invalid("maxDownloads", "must be 1 or more"))
    return terms


def is_good(
    *, is_revoked: bool, expires_at: datetime | None, max_downloads: int | None, downloads: int,
    now: datetime,
) -> bool:  # fmt: skip
    """Say whether a link still leads anywhere."""
    is_over = expires_at is not None and expires_at <= now
    is_used_up = max_downloads is not None and downloads >= max_downloads
    return not (is_revoked or is_over or is_used_up)


def guess(link_id: UUID, address: str) -> tuple[Charge, ...]:
    """Return what a guess at a link's password is charged to: there, and in all."""
    network, slow = subscriber(address), 1 / _GUESS_SECONDS
    return (
        Charge(f"link pair {network} {link_id}", Limit("pair", slow, _GUESSES)),
        Charge(f"link {link_id}", Limit("link", 10 * slow, 10 * _GUESSES)),
    )
