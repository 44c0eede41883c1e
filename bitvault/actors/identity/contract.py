"""Identity: tenants, users, passwords, sessions and API tokens.

Tokens are opaque, ``bv_`` and at least 128 random bits, shown once and stored as SHA-256.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from attrs import field, frozen

from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import (
    Forbidden,
    IdempotencyConflict,
    Invalid,
    Refusal,
    Unavailable,
)
from bitvault.kernel.request import Request


@frozen
class User:
    """A user of a tenant, as others of the tenant may see it."""

    user_id: UserId
    tenant_id: TenantId
    tenant_name: str
    login: str
    display_name: str
    is_admin: bool
    created_at: datetime


@frozen
class Credential:
    """A session or a named API token; never the secret itself."""

    credential_id: UUID
    kind: str
    """``session`` or ``token``."""
    name: str
    prefix: str
    """The first characters of the token, to tell tokens apart."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    address: str
    user_agent: str


@frozen
class SecretIssued:
    """A new credential with its token: the only time the token is seen."""

    token: str = field(repr=False)
    credential: Credential
    user: User


# Refusals


@frozen
class BadCredentials(Refusal):
    """Unknown tenant, unknown login or wrong password: indistinguishable."""

    code: ClassVar[str] = "bad_credentials"

    @property
    def detail(self) -> str:
        """Say no more than that."""
        return "Tenant, login or password is wrong."


@frozen
class Unauthenticated(Refusal):
    """No token, or one that is forged, expired or revoked: indistinguishable."""

    code: ClassVar[str] = "unauthenticated"

    @property
    def detail(self) -> str:
        """Say how to get a token."""
        return "A valid token is needed: POST /v1/sessions, or `bitvault login`."


@frozen
class TooManyAttempts(Refusal):
    """Too many wrong passwords for this account or from this address."""

    code: ClassVar[str] = "too_many_attempts"
    retryable: ClassVar[bool] = True
    retry_after: int
    """Seconds."""

    @property
    def detail(self) -> str:
        """Say when to come back."""
        return f"Too many failed logins; try again in {self.retry_after} seconds."


@frozen
class CredentialNotFound(Refusal):
    """No such session or token of this user."""

    code: ClassVar[str] = "credential_not_found"

    @property
    def detail(self) -> str:
        """Say so."""
        return "There is no such session or token."


@frozen
class UserNotFound(Refusal):
    """No such user in the caller's tenant."""

    code: ClassVar[str] = "user_not_found"
    user: str

    @property
    def detail(self) -> str:
        """Name the user."""
        return f"There is no user {self.user!r}; list them with GET /v1/users."


@frozen
class LoginTaken(Refusal):
    """Another user of the tenant has this login."""

    code: ClassVar[str] = "login_taken"
    login: str

    @property
    def detail(self) -> str:
        """Name the login."""
        return f"login: {self.login!r} is taken in this tenant."


@frozen
class TenantTaken(Refusal):
    """Another tenant has this name."""

    code: ClassVar[str] = "tenant_taken"
    name: str

    @property
    def detail(self) -> str:
        """Name the tenant."""
        return f"tenant: {self.name!r} exists already."


# Requests


@frozen
class OpenSession(Request[SecretIssued | BadCredentials | TooManyAttempts | Invalid]):
    """Log in with a password."""

    tenant: str
    login: str
    password: str = field(repr=False)
    origin: Origin


@frozen
class Authenticate(Request[Principal | Unauthenticated]):
    """Say whose token this is. Answered from a cache at most one second old."""

    token: str = field(repr=False)
    origin: Origin


@frozen
class CloseSession(Request[None | CredentialNotFound]):
    """Log out: end one session (None: the one in use) or revoke one token, at once."""

    caller: Caller
    credential_id: UUID | None = None


@frozen
class ListCredentials(Request[tuple[Credential, ...] | Unavailable]):
    """List the caller's live ``session``s or ``token``s, newest first."""

    caller: Caller
    kind: str


@frozen
class CreateToken(Request[SecretIssued | Invalid | IdempotencyConflict]):
    """Create a named API token; ``expires_in`` is in seconds, None for no expiry.

    A repeat under the same Idempotency-Key makes no second token: the first gets a new secret,
    because the old one is not kept.
    """

    caller: Caller
    name: str
    expires_in: int | None = None


@frozen
class ChangePassword(Request[None | BadCredentials | TooManyAttempts | Invalid]):
    """Change the caller's password; every other session of the user ends."""

    caller: Caller
    current: str = field(repr=False)
    new: str = field(repr=False)


@frozen
class DescribeMe(Request[User | Unavailable]):
    """Say who the caller is."""

    caller: Caller


@frozen
class CreateUser(Request[User | LoginTaken | Invalid | Forbidden | IdempotencyConflict]):
    """Create a user in the caller's tenant; for its admins."""

    caller: Caller
    login: str
    password: str = field(repr=False)
    display_name: str = ""
    is_admin: bool = False


@frozen
class ListUsers(Request[tuple[User, ...] | Unavailable]):
    """List users of the caller's tenant by login, those after ``after``; at most ``limit``."""

    caller: Caller
    after: str = ""
    limit: int = 100


@frozen
class FindUsers(Request[tuple[User, ...] | Unavailable]):
    """Find users of the caller's tenant by id or login; who is not there is left out."""

    caller: Caller
    user_ids: tuple[UUID, ...] = ()
    logins: tuple[str, ...] = ()


@frozen
class CreateTenant(Request[User | TenantTaken | Invalid]):
    """Create a tenant with its first admin. For the operator: no route leads here."""

    name: str
    login: str
    password: str = field(repr=False)


@frozen
class EnsureTenant(Request[User | Unavailable | None]):
    """At first start: create the tenant and its admin unless it exists; None when it did."""

    name: str
    login: str
    password: str = field(repr=False)
