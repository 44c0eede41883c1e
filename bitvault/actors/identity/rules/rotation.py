"""Decisions about sessions whose secret rotates (ADR-0028): what follows, and what is reuse.

A refresh token is a family, by which its session is found however old the token is, and a secret,
good once. The successor comes of the secret that is presented and of a salt that only the server
has: so it can be given out again without being kept, and none can be computed from an older one.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from attrs import field, frozen

from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.rules.tokens import body_of, new_token, written
from bitvault.kernel.addresses import subscriber
from bitvault.kernel.limits import Charge, Limit

GRACE: Final = timedelta(seconds=10)
"""For what is replaced: a lost answer is asked for again, and calls under way come to their end."""
SALT_BYTES: Final = 32
_FAMILY_BYTES, _SECRET_BYTES = 16, 32
DRAWN_BYTES: Final = _FAMILY_BYTES + _SECRET_BYTES
PREFIX: Final = "bvf_"


@frozen
class Presented:
    """A refresh token, taken apart."""

    family: bytes = field(repr=False)
    secret: bytes = field(repr=False)

    @property
    def family_hash(self) -> bytes:
        """Return what is stored of the family."""
        return hashlib.sha256(self.family).digest()

    @property
    def digest(self) -> bytes:
        """Return what is stored of the secret."""
        return hashlib.sha256(self.secret).digest()

    def render(self) -> str:
        """Render the token."""
        return written(PREFIX, self.family + self.secret)


@frozen
class Kept:
    """What the session's row says of its refresh tokens: of the present one and the one before."""

    digest: bytes
    previous_digest: bytes | None
    salt: bytes | None = field(repr=False)
    """The present one was derived from the one before with it."""
    refreshed_at: datetime | None


class Use(Enum):
    """What a refresh token is presented for."""

    NEXT = auto()
    """It is the present one: it has a successor now."""
    AGAIN = auto()
    """It is the one before, a moment later: the same successor is told again."""
    REUSE = auto()
    """It was used up before that: two hold what one was given."""


def drawn(random: bytes) -> Presented:
    """Return the first refresh token of a new family, from ``DRAWN_BYTES`` random bytes."""
    return Presented(random[:_FAMILY_BYTES], random[_FAMILY_BYTES:])


def read(token: str) -> Presented | None:
    """Take a refresh token apart; None for what cannot be one, without asking anybody."""
    body = body_of(PREFIX, token)
    if body is None:
        return None
    try:
        raw = urlsafe_b64decode(body)
    except ValueError:
        return None
    presented = drawn(raw) if len(raw) == DRAWN_BYTES else None
    return presented if presented and presented.render() == token else None


def use_of(kept: Kept, presented: Presented, now: datetime) -> Use:
    """Say what a token of this family is presented for; whoever has the family had one of it."""
    if hmac.compare_digest(kept.digest, presented.digest):
        return Use.NEXT
    if kept.previous_digest is None or kept.refreshed_at is None:
        return Use.REUSE
    is_previous = hmac.compare_digest(kept.previous_digest, presented.digest)
    return Use.AGAIN if is_previous and now < kept.refreshed_at + GRACE else Use.REUSE


def successor(presented: Presented, salt: bytes) -> tuple[str, Presented]:
    """Return the access token and the refresh token that follow: the same for the same salt."""
    access = hmac.digest(presented.secret, b"access" + salt, "sha256")
    refresh = hmac.digest(presented.secret, b"refresh" + salt, "sha256")
    return new_token(access), Presented(presented.family, refresh)


def secret_end(options: IdentityOptions, now: datetime, session_end: datetime) -> datetime:
    """Return when an access secret that is given out now expires."""
    return min(now + timedelta(seconds=options.access_ttl), session_end)


def wrong(options: IdentityOptions, address: str) -> tuple[Charge, ...]:
    """Return what a refresh token that is none is charged to: what a wrong password costs there."""
    limit = Limit("network", 5 / options.guess_seconds, 5 * options.guesses)
    return (Charge(f"refresh network {subscriber(address)}", limit),)
