"""The declared ways this room says no."""

from typing import ClassVar

from attrs import frozen

from bitvault.kernel.refusal import Category, Refusal


@frozen
class BadCredentials(Refusal):
    """Unknown tenant, unknown login or wrong password: indistinguishable."""

    code: ClassVar[str] = "bad_credentials"
    category: ClassVar[Category] = Category.UNAUTHENTICATED

    @property
    def detail(self) -> str:
        """Say no more than that."""
        return "Tenant, login or password is wrong."


@frozen
class Unauthenticated(Refusal):
    """No token, or one that is forged, expired or revoked: indistinguishable."""

    code: ClassVar[str] = "unauthenticated"
    category: ClassVar[Category] = Category.UNAUTHENTICATED

    @property
    def detail(self) -> str:
        """Say how to get a token."""
        return "A valid token is needed: POST /v1/sessions, or `bitvault login`."


@frozen
class InsufficientScope(Refusal):
    """The token is good, but not for this."""

    code: ClassVar[str] = "insufficient_scope"
    category: ClassVar[Category] = Category.FORBIDDEN
    needed: str
    """``write``, ``admin``, or ``account``, which only a session has."""

    @property
    def detail(self) -> str:
        """Say what would do."""
        if self.needed == "account":
            return "A token cannot do this; log in with a password."
        return f"This needs a token of the scope {self.needed!r}, or a session."


@frozen
class TooManyProposals(Refusal):
    """Too many addresses were proposed for this user, or by this admin: each one is sent a mail."""

    code: ClassVar[str] = "too_many_proposals"
    category: ClassVar[Category] = Category.EXHAUSTED
    retryable: ClassVar[bool] = True
    retry_after: int
    """Seconds."""

    @property
    def detail(self) -> str:
        """Say when to come back."""
        return f"Too many addresses were entered; try again in {self.retry_after} seconds."


@frozen
class TooManyAttempts(Refusal):
    """Too many wrong passwords for this account or from this address."""

    code: ClassVar[str] = "too_many_attempts"
    category: ClassVar[Category] = Category.EXHAUSTED
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
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say so."""
        return "There is no such session or token."


@frozen
class UserNotFound(Refusal):
    """No such user in the caller's tenant."""

    code: ClassVar[str] = "user_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    user: str

    @property
    def detail(self) -> str:
        """Name the user."""
        return f"There is no user {self.user!r}; list them with GET /v1/users."


@frozen
class LoginTaken(Refusal):
    """Another user of the tenant has this login."""

    code: ClassVar[str] = "login_taken"
    category: ClassVar[Category] = Category.CONFLICT
    login: str

    @property
    def detail(self) -> str:
        """Name the login."""
        return f"login: {self.login!r} is taken in this tenant."


@frozen
class ExternalIdTaken(Refusal):
    """The directory calls another user or group of the tenant so."""

    code: ClassVar[str] = "external_id_taken"
    category: ClassVar[Category] = Category.CONFLICT
    external_id: str

    @property
    def detail(self) -> str:
        """Name the id."""
        return f"externalId: {self.external_id!r} is another's in this tenant."


@frozen
class LastAdmin(Refusal):
    """Nobody else could administer the tenant."""

    code: ClassVar[str] = "last_admin"
    category: ClassVar[Category] = Category.CONFLICT
    user: str

    @property
    def detail(self) -> str:
        """Say what to do first."""
        return f"{self.user!r} is the last admin who can log in; make another user admin first."


@frozen
class LastOperator(Refusal):
    """Nobody else of the tenant could operate the platform."""

    code: ClassVar[str] = "last_operator"
    category: ClassVar[Category] = Category.CONFLICT
    user: str

    @property
    def detail(self) -> str:
        """Say what to do first."""
        return f"{self.user!r} is the last operator who can log in; make another one first."


@frozen
class TooManyUsers(Refusal):
    """The tenant has as many users as it may have."""

    code: ClassVar[str] = "too_many_users"
    category: ClassVar[Category] = Category.CONFLICT
    most: int

    @property
    def detail(self) -> str:
        """Say how many."""
        return f"This tenant may have {self.most} users; the platform's operator can raise that."


@frozen
class TenantSuspended(Refusal):
    """The tenant is suspended: everything can be read, and nothing changed."""

    code: ClassVar[str] = "tenant_suspended"
    category: ClassVar[Category] = Category.FORBIDDEN

    @property
    def detail(self) -> str:
        """Say what still works, and who can change it."""
        return "This tenant is suspended: reading works; ask the platform's operator for the rest."


@frozen
class TenantNotFound(Refusal):
    """No such tenant."""

    code: ClassVar[str] = "tenant_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    tenant: str

    @property
    def detail(self) -> str:
        """Name the tenant."""
        return f"There is no tenant {self.tenant!r}; list them with GET /v1/admin/tenants."


@frozen
class StalePolicy(Refusal):
    """Somebody changed the tenant's terms since they were read."""

    code: ClassVar[str] = "precondition_failed"
    category: ClassVar[Category] = Category.PRECONDITION_FAILED
    revision: int

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "If-Match: the policy has changed; read it again."


@frozen
class TenantTaken(Refusal):
    """Another tenant has this name."""

    code: ClassVar[str] = "tenant_taken"
    category: ClassVar[Category] = Category.CONFLICT
    name: str

    @property
    def detail(self) -> str:
        """Name the tenant."""
        return f"tenant: {self.name!r} exists already."


@frozen
class GroupNotFound(Refusal):
    """No such group in the caller's tenant."""

    code: ClassVar[str] = "group_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    group: str

    @property
    def detail(self) -> str:
        """Name the group."""
        return f"There is no group {self.group!r}; list them with GET /v1/groups."


@frozen
class GroupTaken(Refusal):
    """Another group of the tenant has this name."""

    code: ClassVar[str] = "group_taken"
    category: ClassVar[Category] = Category.CONFLICT
    name: str

    @property
    def detail(self) -> str:
        """Name the group."""
        return f"name: there is a group {self.name!r} already."


@frozen
class TooManyGroups(Refusal):
    """The user is in as many groups as a user may be in."""

    code: ClassVar[str] = "too_many_groups"
    category: ClassVar[Category] = Category.CONFLICT
    most: int

    @property
    def detail(self) -> str:
        """Say how many."""
        return f"A user may be in at most {self.most} groups."


@frozen
class NotAdmitted(Refusal):
    """Somebody whom a provider vouches for is not let in."""

    code: ClassVar[str] = "sign_in_refused"
    category: ClassVar[Category] = Category.FORBIDDEN
    reason: str
    """For the tenant's admins."""

    @property
    def detail(self) -> str:
        """Say no more than that."""
        return "The sign-in was refused; the tenant's admins find the reason in the audit trail."
