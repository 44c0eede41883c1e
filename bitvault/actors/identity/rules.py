"""Decisions of this room: names, passwords, tokens, and how many wrong guesses are too many."""

import hashlib
import unicodedata
from base64 import urlsafe_b64encode
from collections import OrderedDict
from datetime import datetime, timedelta
from math import ceil

from attrs import define, field, frozen

from bitvault.kernel.refusal import Invalid, Refused

_MAX_NAME = 128
_MIN_PASSWORD, _MAX_PASSWORD = 8, 1024
_FORBIDDEN = ("Cc", "Cs", "Cn", "Co")
_SECRET_BYTES = 32
_CHECK_CHARACTERS = 6
PREFIX = "bv_"
PREFIX_SHOWN = 10
MAX_TOKEN_SECONDS = 10 * 365 * 86_400


@frozen
class IdentityOptions:
    """How long sessions last, in seconds, and how fast passwords may be guessed."""

    session_ttl: float = 30 * 86_400.0
    idle_ttl: float = 14 * 86_400.0
    guesses: int = 10
    """Wrong passwords in a row an account or an address may burst."""
    guess_seconds: float = 30.0
    """Seconds until one more guess is allowed again."""


def checked_name(what: str, value: str) -> str:
    """Return a login, tenant or token name in NFC.

    Raises:
        Refused: ``Invalid`` naming ``what`` and the rule.
    """
    name = unicodedata.normalize("NFC", value) if is_text(value) else value
    if not is_text(value) or any(unicodedata.category(c) in _FORBIDDEN for c in name):
        raise Refused(Invalid(what, "must not contain control or unassigned characters"))
    if not name.strip() or name != name.strip():
        raise Refused(Invalid(what, "must not be empty or begin or end with white space"))
    if len(name.encode()) > _MAX_NAME:
        raise Refused(Invalid(what, f"must be at most {_MAX_NAME} bytes long"))
    return name


def name_key(name: str) -> str:
    """Return the key under which two names are the same: case and composition do not count."""
    if not is_text(name):
        return ""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_text(value: str) -> bool:
    """Return whether PostgreSQL can hold it: no NUL, no lone surrogate."""
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def checked_password(what: str, value: str) -> str:
    """Return a new password in NFC (RFC 8265 §4.2); any other character is welcome.

    Raises:
        Refused: ``Invalid`` naming ``what`` and the rule.
    """
    if not is_text(value):
        raise Refused(Invalid(what, "must not contain NUL or lone surrogates"))
    password = normal_password(value)
    if not _MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
        rule = f"must be {_MIN_PASSWORD} to {_MAX_PASSWORD} characters long"
        raise Refused(Invalid(what, rule))
    return password


def normal_password(value: str) -> str:
    """Return a password as it is hashed; what is no password at all becomes one nobody has."""
    if not is_text(value) or len(value) > _MAX_PASSWORD:
        return ""
    return unicodedata.normalize("NFC", value)


def checked_lifetime(seconds: int | None, now: datetime) -> datetime | None:
    """Return when a token that lives ``seconds`` expires; None lives for ever."""
    if seconds is None:
        return None
    if not 1 <= seconds <= MAX_TOKEN_SECONDS:
        raise Refused(Invalid("expiresIn", f"must be from 1 to {MAX_TOKEN_SECONDS} seconds"))
    return now + timedelta(seconds=seconds)


def new_token(secret: bytes) -> str:
    """Render 32 random bytes as a token, with a checksum that secret scanners can verify."""
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"a token needs {_SECRET_BYTES} random bytes")
    body = urlsafe_b64encode(secret).decode().rstrip("=")
    return f"{PREFIX}{body}{_check(body)}"


def token_digest(token: str) -> bytes | None:
    """Return what is stored of a token; None when it cannot be one, without asking anybody."""
    body, check = token[len(PREFIX) : -_CHECK_CHARACTERS], token[-_CHECK_CHARACTERS:]
    if not (token.startswith(PREFIX) and token.isascii() and check == _check(body)):
        return None
    return hashlib.sha256(token.encode()).digest()


def _check(body: str) -> str:
    return hashlib.sha256(f"{PREFIX}{body}".encode()).hexdigest()[:_CHECK_CHARACTERS]


@define
class Guesses:
    """GCRA over keys (an account, an address): bounded, and only failures count.

    Each key holds its theoretical arrival time; a key is forgotten once it is in the past.
    """

    burst: int
    seconds: float
    most: int = 100_000
    _until: OrderedDict[str, float] = field(factory=OrderedDict)

    def retry_after(self, keys: tuple[str, ...], now: float) -> int:
        """Return the seconds until a guess is allowed for all keys; 0 if it is now."""
        horizon = now + self.burst * self.seconds
        waits = [self._until.get(key, 0.0) + self.seconds - horizon for key in keys]
        return max(0, ceil(max(waits)))

    def failed(self, keys: tuple[str, ...], now: float) -> None:
        """Count a wrong guess."""
        for key in keys:
            self._until[key] = max(self._until.get(key, 0.0), now) + self.seconds
            self._until.move_to_end(key)
        while len(self._until) > self.most:
            self._until.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget an account's wrong guesses."""
        self._until.pop(key, None)
