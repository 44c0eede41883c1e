"""Decisions about links: their tokens, their terms, and whether one is still good."""

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import evolve

from bitvault import text
from bitvault.actors.files.contract import Access
from bitvault.actors.sharing.contract.links import LinkTerms, RequestTerms
from bitvault.actors.sharing.rules.grants import check_place
from bitvault.kernel.access import Right, Role, rights_of
from bitvault.kernel.addresses import subscriber
from bitvault.kernel.limits import Charge, Limit
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.principal import Caller, Drop
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused

PREFIX: Final = "bvl_"
MOST_LINKS: Final = 100
"""On one node."""
SECRET_BYTES: Final = 24
_LONGEST_LIFE: Final = timedelta(days=36_525)
_MAX_LABEL = 128
_MIN_PASSWORD, _MAX_PASSWORD = 8, 1024
_MAX_DOWNLOADS = 1 << 53
_GUESSES, _GUESS_SECONDS = 10, 30.0
GRACE: Final = timedelta(hours=1)
"""How long after its deadline what was begun with a file request may be finished."""
KEY_LIFETIME: Final = timedelta(hours=24)
"""As long as elsewhere a request is repeated under its Idempotency-Key."""
_REQUEST_ENDS = 14
_MAX_MESSAGE = 2000
_MAX_EXTENSIONS = 50
_MAX_BYTES = 5 << 40
_MAX_EXTENSION = 16


def new_token(secret: bytes) -> str:
    """Return the token that ``SECRET_BYTES`` random bytes make."""
    return PREFIX + urlsafe_b64encode(secret).decode()


def token_digest(token: str) -> bytes | None:
    """Return what is stored of a token; None when it cannot be one."""
    if not (token.startswith(PREFIX) and token.isascii() and len(token) <= 64):  # noqa: PLR2004 - longer than any
        return None
    return hashlib.sha256(token.encode()).digest()


def id_under_key(caller: Caller, now: datetime) -> UUID | None:
    """Return the id of the link that a request with an Idempotency-Key makes; None without one.

    Its first half is the key's, what follows the request's (UUID version 8, RFC 9562), so that a
    repeat is found by its id, and another request under the same key beside it. The end is the day:
    a key is good again when its lifetime is over, for a link beside the former one.
    """
    if (key := caller.idempotency) is None:
        return None
    named = hashlib.sha256(caller.principal.user_id.bytes + key.key.encode()).digest()
    day = int(now.timestamp() // KEY_LIFETIME.total_seconds()) & 0xFFFF
    request = hashlib.sha256(key.fingerprint).digest()[: _REQUEST_ENDS - 8]
    made = bytearray(named[:8] + request + day.to_bytes(2, "big"))
    made[6], made[8] = made[6] & 0x0F | 0x80, made[8] & 0x3F | 0x80
    return UUID(bytes=bytes(made))


def ids_under_key(link_id: UUID) -> tuple[UUID, UUID]:
    """Return the first and last id that a link under the same key could have."""
    half = link_id.bytes[:8]
    return UUID(bytes=half + bytes(8)), UUID(bytes=half + b"\xff" * 8)


def is_repeat(one: UUID, other: UUID) -> bool:
    """Say whether two ids under a key are the same request's."""
    return one.bytes[:_REQUEST_ENDS] == other.bytes[:_REQUEST_ENDS]


def checked_terms(terms: LinkTerms, now: datetime) -> LinkTerms:
    """Return terms that a link may have.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    if Right.SHARE in rights_of(terms.role):
        raise Refused(Invalid("role", "a link may be viewer, editor or uploader"))
    if len(terms.label.encode(errors="replace")) > _MAX_LABEL or not text.is_printable(terms.label):
        raise Refused(Invalid("label", f"must be at most {_MAX_LABEL} printable bytes"))
    if terms.password is not None:
        terms = evolve(terms, password=_checked_password(terms.password))
    if terms.expires_at is not None:
        _check_end(terms.expires_at, now)
    if terms.max_downloads is not None and not 0 < terms.max_downloads <= _MAX_DOWNLOADS:
        raise Refused(Invalid("maxDownloads", "must be 1 or more"))
    if terms.role is Role.UPLOADER:
        return evolve(terms, request=_checked_request(terms))
    if terms.request is not None:
        raise Refused(Invalid("request", "only a link of the role uploader has one"))
    return terms


def _checked_password(value: str) -> str:
    """Return a password in NFC, as those of users are (RFC 8265 §4.2), and every guess is."""
    value = text.normal(value)
    if not _MIN_PASSWORD <= len(value) <= _MAX_PASSWORD:
        rule = f"must have {_MIN_PASSWORD} to {_MAX_PASSWORD} characters"
        raise Refused(Invalid("password", rule))
    return value


def _check_end(end: datetime, now: datetime) -> None:
    if end.tzinfo is None:
        raise Refused(Invalid("expiresAt", "must carry a time zone"))
    if end <= now:
        raise Refused(Invalid("expiresAt", "must be in the future"))
    if end > now + _LONGEST_LIFE:
        raise Refused(Invalid("expiresAt", "must be at most a hundred years ahead"))


def _checked_request(terms: LinkTerms) -> RequestTerms:
    if terms.max_downloads is not None:
        raise Refused(Invalid("maxDownloads", "a file request lets nobody download"))
    asked = terms.request or RequestTerms()
    plain = asked.message.replace("\n", " ")
    if len(plain.encode(errors="replace")) > _MAX_MESSAGE or not text.is_printable(plain):
        rule = f"must be at most {_MAX_MESSAGE} bytes, printable but for line ends"
        raise Refused(Invalid("request.message", rule))
    if asked.max_files is not None and not 0 < asked.max_files <= _MAX_DOWNLOADS:
        raise Refused(Invalid("request.maxFiles", "must be 1 or more"))
    if asked.max_size is not None and not 0 < asked.max_size <= _MAX_BYTES:
        raise Refused(Invalid("request.maxSize", f"must be from 1 to {_MAX_BYTES} bytes"))
    plain_ones = [text.folded(one.removeprefix(".")) for one in asked.extensions]
    if len(plain_ones) > _MAX_EXTENSIONS or not all(map(_is_extension, plain_ones)):
        rule = f"must be at most {_MAX_EXTENSIONS} of letters and digits, such as pdf"
        raise Refused(Invalid("request.extensions", rule))
    return evolve(asked, extensions=tuple(dict.fromkeys(plain_ones)))


def _is_extension(value: str) -> bool:
    fits = 1 <= len(value) <= _MAX_EXTENSION and text.is_word(value[0])
    return fits and all(text.is_word(one) or one in "+-" for one in value)


def judge(
    terms: LinkTerms, policy: SharingPolicy, *, has_password: bool, since: datetime, now: datetime
) -> Refusal | None:
    """Say what stands against a link that is to lead somewhere at ``now``; None is nothing.

    Every path comes here: making a link, changing it, reviving it, and opening it.

    Args:
        terms: Its terms; an end that the policy gives it is among them (``bounded``).
        policy: The tenant's.
        has_password: Whether it has one.
        since: When the terms were set.
        now: When it is asked for.
    """
    if not policy.links_allowed:
        return Forbidden("make links, by the policy of the tenant,")
    if policy.password_required and not has_password:
        return Invalid("password", "must be given, by the policy of the tenant")
    longest, end = policy.longest_life, terms.expires_at
    if longest is not None and (end is None or end > since + longest):
        rule = f"must be at most {_said(longest)} ahead, by the policy of the tenant"
        return Invalid("expiresAt", rule)
    grace = GRACE if terms.role is Role.UPLOADER else timedelta()
    if end is not None and end + grace <= now:
        return Invalid("expiresAt", "must be in the future")
    return None


def new_terms(
    terms: LinkTerms, access: Access, policy: SharingPolicy, now: datetime, *, has_password: bool
) -> LinkTerms:
    """Return a new link's terms, with the end that the policy gives one of which nothing is said.

    Raises:
        Refused: the terms, the place, the policy or the rights of who makes it forbid the link.
    """
    terms = with_default_end(checked_terms(terms, now), policy, now)
    if access.is_root:
        raise Refused(Invalid("id", "the root of a space has members; link a folder in it"))
    check_place(terms.role, is_folder=access.is_folder)
    check_policy(terms, policy, now, has_password=has_password)
    if rights_of(terms.role) & ~access.rights:
        raise Refused(Forbidden("give more than you have"))
    return terms


def check_policy(
    terms: LinkTerms, policy: SharingPolicy, now: datetime, *, has_password: bool
) -> None:
    """Refuse terms that the policy forbids a link that is made or changed now."""
    refusal = judge(terms, policy, has_password=has_password, since=now, now=now)
    if refusal is not None:
        raise Refused(refusal)


def _said(life: timedelta) -> str:
    """Say a length of time in the largest unit that has no rest."""
    seconds = int(life.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def with_default_end(terms: LinkTerms, policy: SharingPolicy, now: datetime) -> LinkTerms:
    """Return a new link's terms with the end that the policy gives one of which nothing is said."""
    life = policy.default_life or policy.longest_life
    if terms.expires_at is not None or life is None:
        return terms
    if policy.longest_life is not None:
        life = min(life, policy.longest_life)
    return evolve(terms, expires_at=now + life)


def bounded(end: datetime | None, policy: SharingPolicy, since: datetime) -> datetime | None:
    """Return when a link ends whose terms may be older than the policy."""
    if policy.longest_life is None:
        return end
    latest = since + policy.longest_life
    return latest if end is None else min(end, latest)


def drop_of(terms: LinkTerms) -> Drop | None:
    """Return what a guest of a file request may put in."""
    asked, end = terms.request, terms.expires_at
    if asked is None:
        return None
    ends_at = None if end is None else end + GRACE
    return Drop(end, ends_at, asked.max_files, asked.max_size, asked.extensions)


def guess(link_id: UUID, address: str) -> tuple[Charge, ...]:
    """Return what a guess at a link's password is charged to: there, and in all."""
    network, slow = subscriber(address), 1 / _GUESS_SECONDS
    return (
        Charge(f"link pair {network} {link_id}", Limit("pair", slow, _GUESSES)),
        Charge(f"link {link_id}", Limit("link", 10 * slow, 10 * _GUESSES)),
    )
