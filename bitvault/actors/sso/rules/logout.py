"""What is believed of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6)."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bitvault.actors.sso.rules import tokens
from bitvault.actors.sso.rules.tokens import SKEW, Header, Key, Untrusted

EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = {"", "jwt", "logout+jwt", "application/logout+jwt"}
"""Providers that are older than the type say another, or none; ID tokens are refused by more."""
_LONGEST = 86_400
"""Seconds that a token may be good for: so long it has to be remembered."""
_MOST_ID = 255


@frozen
class Logout:
    """Whom a provider has logged out: all of a subject's sessions, or those of one of its own."""

    token_id: str
    subject: str | None
    sid: str | None
    ends: float
    """Until when the token would be good, in seconds since the epoch."""


def logout_of(token: str, header: Header, key: Key, parties: tuple[str, str], now: float) -> Logout:
    """Return what a logout token says; ``parties``: issuer and client that it must be of and for.

    Raises:
        Untrusted: It is not believed, for this reason.
    """
    if header.typ not in _TYPES:
        raise Untrusted("the token is of another kind (typ)")
    claims = tokens.signed_claims(token, header, key)
    tokens.check_parties(claims, *parties)
    expires = tokens.check_times(claims, now)
    if expires - now > _LONGEST:
        raise Untrusted("the token is good for more than a day (exp)")
    _check_event(claims)
    return Logout(_id(claims), *_whom(claims), expires + SKEW)


def _check_event(claims: Mapping[str, Any]) -> None:
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise Untrusted("the token does not tell of a logout (events)")
    # What an ID token has: so that none is ever taken for a logout.
    if "nonce" in claims:
        raise Untrusted("the token has what only an ID token has (nonce)")


def _id(claims: Mapping[str, Any]) -> str:
    token_id = claims.get("jti")
    if not isinstance(token_id, str) or not 1 <= len(token_id) <= _MOST_ID:
        raise Untrusted("the token has no identifier (jti)")
    return token_id


def _whom(claims: Mapping[str, Any]) -> tuple[str | None, str | None]:
    subject = tokens.check_subject(claims) if "sub" in claims else None
    sid = tokens.sid_of(claims)
    if "sid" in claims and sid is None:
        raise Untrusted("the token's session is no text that can be shown (sid)")
    if subject is None and sid is None:
        raise Untrusted("the token names neither a subject nor a session (sub, sid)")
    return subject, sid
