"""Decisions of this room about names, passwords, users and tenants."""

from datetime import datetime, timedelta
from uuid import UUID

from attrs import evolve, frozen

from bitvault import text
from bitvault.actors.identity.contract import ChangeTenant, ChangeUser, Policy, Tenant, User
from bitvault.actors.identity.contract.policies import MIN_PASSWORD
from bitvault.kernel.limits import Limit
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Invalid, Refused

_MAX_NAME = 128
_MAX_PASSWORD = 1024
_MAX_EXTERNAL_ID = 255
_FORBIDDEN = ("Cc", "Cs", "Cn", "Co")
_BIDI = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
MAX_USERS = 1_000_000
MAX_GROUPS = 1000
"""Of one user: each principal carries them."""
MAX_RATE, MIN_BURST, MAX_BURST = 1e6, 100, 10**9
MAX_ERASE_AFTER = 365 * 86_400
MAX_TOKEN_SECONDS = 10 * 365 * 86_400
INVITATION_SECONDS = 72 * 3600.0
"""A weekend: who is invited on a Friday may read it on a Monday."""
RESET_SECONDS = 30 * 60.0
EXPORT_NOTED_FOR = timedelta(hours=1)


@frozen
class IdentityOptions:
    """How long sessions last, in seconds, and how fast passwords may be guessed."""

    session_ttl: float = 30 * 86_400.0
    idle_ttl: float = 14 * 86_400.0
    guesses: int = 10
    """Wrong passwords at once, from one address for one account."""
    guess_seconds: float = 30.0
    """Seconds until one more guess is allowed again."""
    sends_mail: bool = False
    """Whether there is a mail server."""
    access_ttl: float = 3600.0
    """How long the secret of a session that rotates is good."""

    def session_life(self, policy: Policy) -> timedelta:
        """Return how long a session lasts at most, in a tenant of this policy."""
        life, longest = timedelta(seconds=self.session_ttl), policy.longest_session
        return life if longest is None else min(life, longest)

    def idle_end(self, now: datetime) -> datetime:
        """Return when a session ends that is used now and not again."""
        return now + timedelta(seconds=self.idle_ttl)


def checked_name(what: str, value: str) -> str:
    """Return a login, tenant or token name in NFC.

    Raises:
        Refused: ``Invalid`` naming ``what`` and the rule.
    """
    name = text.normal(value) if is_text(value) else value
    if not is_text(value) or any(text.category(c) in _FORBIDDEN for c in name):
        raise Refused(Invalid(what, "must not contain control or unassigned characters"))
    if not _BIDI.isdisjoint(name):
        raise Refused(Invalid(what, "must not contain bidirectional overrides"))
    if not name.strip() or name != name.strip():
        raise Refused(Invalid(what, "must not be empty or begin or end with white space"))
    if len(name.encode()) > _MAX_NAME:
        raise Refused(Invalid(what, f"must be at most {_MAX_NAME} bytes long"))
    return name


def checked_external_id(value: str) -> str:
    """Return what a directory calls a user or group; empty for nothing.

    Raises:
        Refused: ``Invalid`` naming ``externalId`` and the rule.
    """
    if len(value) > _MAX_EXTERNAL_ID or any(text.category(c) in _FORBIDDEN for c in value):
        rule = f"must be at most {_MAX_EXTERNAL_ID} characters, none of them a control character"
        raise Refused(Invalid("externalId", rule))
    return value


def name_key(name: str) -> str:
    """Return the key under which two names are the same: case and composition do not count."""
    if not is_text(name) or len(name) > _MAX_NAME:
        return ""
    return text.folded(name)


def is_text(value: str) -> bool:
    """Return whether PostgreSQL can hold it: no NUL, no lone surrogate."""
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def storable(value: str) -> str:
    """Return what PostgreSQL can hold of a client's header, and no more than is of use."""
    return value[:256].replace("\0", "").encode(errors="replace").decode()


def checked_password(what: str, value: str, least: int = MIN_PASSWORD) -> str:
    """Return a new password in NFC (RFC 8265 §4.2), of ``least`` characters or more, whichever.

    Raises:
        Refused: ``Invalid`` naming ``what`` and the rule.
    """
    if not is_text(value):
        raise Refused(Invalid(what, "must not contain NUL or lone surrogates"))
    password = normal_password(value)
    if not least <= len(password) <= _MAX_PASSWORD:
        rule = f"must be {least} to {_MAX_PASSWORD} characters long"
        raise Refused(Invalid(what, rule))
    return password


def password_for(kind: str, password: str | None, least: int = MIN_PASSWORD) -> str | None:
    """Return the password of a new user: a person needs one, a service has none.

    Raises:
        Refused: ``Invalid`` naming ``password`` or ``kind`` and the rule.
    """
    if kind not in {"person", "service"}:
        raise Refused(Invalid("kind", "must be person or service"))
    if (kind == "service") != (password is None):
        rule = "must be left out: a service has tokens" if password else "is required for a person"
        raise Refused(Invalid("password", rule))
    return None if password is None else checked_password("password", password, least)


def changed_user(user: User, wanted: ChangeUser) -> User:
    """Return the user as it is wanted; what is None stays."""
    named = wanted.display_name
    return evolve(
        user,
        login=user.login if wanted.login is None else checked_name("login", wanted.login),
        display_name=user.display_name if named is None else checked_name("displayName", named),
        is_admin=user.is_admin if wanted.is_admin is None else wanted.is_admin,
        is_disabled=user.is_disabled if wanted.is_disabled is None else wanted.is_disabled,
        is_operator=user.is_operator if wanted.is_operator is None else wanted.is_operator,
    )


def can_operate(user: User) -> bool:
    """Say whether this is an operator who can log in; the last one stays too."""
    return user.is_operator and user.kind == "person" and not user.is_disabled


def changed_tenant(tenant: Tenant, wanted: ChangeTenant) -> Tenant:
    """Return the tenant as it is wanted; what is None stays.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    most = tenant.max_users if wanted.max_users is None else wanted.max_users
    if wanted.unlimited_users and wanted.max_users is not None:
        raise Refused(Invalid("unlimitedUsers", "give either maxUsers or unlimitedUsers"))
    if most is not None and not 1 <= most <= MAX_USERS:
        raise Refused(Invalid("maxUsers", f"must be from 1 to {MAX_USERS}"))
    suspended = tenant.is_suspended if wanted.is_suspended is None else wanted.is_suspended
    rate, burst = _rate(tenant, wanted)
    return evolve(
        tenant,
        is_suspended=suspended,
        max_users=None if wanted.unlimited_users else most,
        rate=rate,
        burst=burst,
    )


def _rate(tenant: Tenant, wanted: ChangeTenant) -> tuple[float | None, int | None]:
    """Return how much the tenant may ask: units a second, and at once."""
    given = wanted.rate, wanted.burst
    if wanted.default_rate:
        if given != (None, None):
            raise Refused(Invalid("defaultRate", "give either rate and burst or defaultRate"))
        return None, None
    rate = tenant.rate if wanted.rate is None else wanted.rate
    burst = tenant.burst if wanted.burst is None else wanted.burst
    if rate is not None and not 0 < rate <= MAX_RATE:
        raise Refused(Invalid("rate", f"must be more than 0 and at most {MAX_RATE:g} a second"))
    if burst is not None and not MIN_BURST <= burst <= MAX_BURST:
        raise Refused(Invalid("burst", f"must be from {MIN_BURST} to {MAX_BURST}"))
    if (rate is None) != (burst is None):
        raise Refused(Invalid("burst" if burst is None else "rate", "is required with the other"))
    return rate, burst


def checked_delay(seconds: int) -> int:
    """Return how long a tenant's erasure can be revoked."""
    if not 0 <= seconds <= MAX_ERASE_AFTER:
        raise Refused(Invalid("after", f"must be from 0 to {MAX_ERASE_AFTER} seconds"))
    return seconds


def limit_of(rate: float | None, burst: int | None) -> Limit | None:
    """Return a tenant's own limit, in the words of the one that the settings give."""
    return None if rate is None or burst is None else Limit("tenant", rate, burst)


def can_administer(user: User) -> bool:
    """Say whether this is an admin who can log in: a tenant must not lose its last one."""
    return user.is_admin and user.kind == "person" and not user.is_disabled


def normal_password(value: str) -> str:
    """Return a password as it is hashed; what is no password at all becomes one nobody has."""
    if not is_text(value) or len(value) > _MAX_PASSWORD:
        return ""
    return text.normal(value)


def checked_lifetime(seconds: int | None, now: datetime) -> datetime | None:
    """Return when a token that lives ``seconds`` expires; None lives for ever."""
    if seconds is None:
        return None
    if not 1 <= seconds <= MAX_TOKEN_SECONDS:
        raise Refused(Invalid("expiresIn", f"must be from 1 to {MAX_TOKEN_SECONDS} seconds"))
    return now + timedelta(seconds=seconds)


def checked_scope(scope: Scope, confined_to: UUID | None = None) -> Scope:
    """Return what a token may be good for: whatever it is, it makes no further tokens.

    A tenant is not administered from a folder.
    """
    if scope > Scope.ADMIN:
        raise Refused(Invalid("scope", "must be read, write or admin"))
    if confined_to and scope > Scope.WRITE:
        raise Refused(Invalid("scope", "must be read or write for a token that is confined"))
    return scope
