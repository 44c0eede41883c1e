"""The facts this room publishes: ``user.*``, ``session.*``, ``token.*``, ``group.*``, ``tenant.*``.

They are for the audit: who did it and from where is in the envelope. Nothing here counts its
changes, so ``revision`` is 0. Never a password, a token or a part of one.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from attrs import frozen

from bitvault.kernel.events import Event


@frozen
class UserCreated(Event):
    """There is a new user, or service account."""

    kind: ClassVar[str] = "user.created"
    login: str
    account_kind: str
    is_admin: bool


@frozen
class UserChanged(Event):
    """A user has this name and role now, and is kept out or not."""

    kind: ClassVar[str] = "user.changed"
    login: str
    display_name: str
    is_admin: bool
    is_operator: bool
    is_disabled: bool


@frozen
class UserTied(Event):
    """A user comes in by an identity outside from now on."""

    kind: ClassVar[str] = "user.tied"
    issuer: str


@frozen
class UserDeleted(Event):
    """A user is gone, with all sessions, tokens and memberships."""

    kind: ClassVar[str] = "user.deleted"
    login: str


@frozen
class PasswordChanged(Event):
    """A user has another password, and no session but the one in use."""

    kind: ClassVar[str] = "user.password_changed"


@frozen
class SessionsEnded(Event):
    """All of a user's sessions were ended, by the user all but the one in use."""

    kind: ClassVar[str] = "user.sessions_ended"


@frozen
class SessionOpened(Event):
    """Somebody logged in; the aggregate is the session."""

    kind: ClassVar[str] = "session.opened"


@frozen
class SessionApproved(Event):
    """Somebody let in a program on another machine, which calls itself ``client``."""

    kind: ClassVar[str] = "session.approved"
    owner_id: UUID
    client: str
    client_address: str


@frozen
class SessionEnded(Event):
    """A session was ended."""

    kind: ClassVar[str] = "session.ended"
    owner_id: UUID


@frozen
class RefreshReused(Event):
    """A refresh token came back after it was used up: two have it, so its session was ended.

    ``client`` is what the session's program called itself, and ``client_address`` where it was
    opened; where the token came from now is in the envelope.
    """

    kind: ClassVar[str] = "session.refresh_reused"
    owner_id: UUID
    client: str
    client_address: str


@frozen
class TokenCreated(Event):
    """There is a new API token; ``scope`` is what it may do at most, and ``confined_to`` where."""

    kind: ClassVar[str] = "token.created"
    owner_id: UUID
    name: str
    scope: str
    confined_to: UUID | None


@frozen
class TokenRevoked(Event):
    """An API token was revoked."""

    kind: ClassVar[str] = "token.revoked"
    owner_id: UUID


@frozen
class GroupCreated(Event):
    """There is a new group."""

    kind: ClassVar[str] = "group.created"
    name: str


@frozen
class GroupRenamed(Event):
    """A group has another name."""

    kind: ClassVar[str] = "group.renamed"
    name: str


@frozen
class GroupDeleted(Event):
    """A group is gone."""

    kind: ClassVar[str] = "group.deleted"


@frozen
class GroupJoined(Event):
    """A user was put in a group."""

    kind: ClassVar[str] = "group.joined"
    member_id: UUID


@frozen
class GroupLeft(Event):
    """A user was taken out of a group."""

    kind: ClassVar[str] = "group.left"
    member_id: UUID


@frozen
class TenantChanged(Event):
    """Operators have suspended the tenant or let it go on, or limited it; None: without a limit."""

    kind: ClassVar[str] = "tenant.changed"
    is_suspended: bool
    max_users: int | None
    rate: float | None
    burst: int | None


@frozen
class PolicyChanged(Event):
    """The tenant's terms are these now; ``side`` is own (its admins) or bound (the operators).

    Times in seconds, None: without a limit.
    """

    kind: ClassVar[str] = "tenant.policy_changed"
    side: str
    links_allowed: bool
    password_required: bool
    longest_life: int | None
    default_life: int | None
    min_password: int
    longest_session: int | None


@frozen
class TenantErasing(Event):
    """The tenant is to be erased, and suspended until then: in its own trail."""

    kind: ClassVar[str] = "tenant.erasing"


@frozen
class TenantErasureScheduled(Event):
    """An operator has a tenant erased at this time: in the operator's trail, as what follows."""

    kind: ClassVar[str] = "tenant.erasure_scheduled"
    name: str
    erase_at: datetime


@frozen
class TenantErasureRevoked(Event):
    """The tenant stays."""

    kind: ClassVar[str] = "tenant.erasure_revoked"
    name: str


@frozen
class TenantErased(Event):
    """Nothing of the tenant is left, but for this."""

    kind: ClassVar[str] = "tenant.erased"
    name: str


@frozen
class TenantOperated(Event):
    """An operator is about to create, suspend, resume, limit, bound or export another tenant.

    In the operator's own trail, so that it outlasts the tenant; what came of it, the tenant's says.
    """

    kind: ClassVar[str] = "tenant.operated"
    name: str
    what: str


@frozen
class TenantExported(Event):
    """An operator has begun to take along all that the tenant has; in its own trail."""

    kind: ClassVar[str] = "tenant.exported"
