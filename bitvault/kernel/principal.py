"""Who asks, and from where. Every request to a room that acts for somebody carries a Caller."""

from datetime import datetime
from enum import IntEnum
from uuid import UUID

from attrs import field, frozen

from bitvault.kernel.ids import GroupId, NodeId, TenantId, UserId
from bitvault.kernel.limits import Limit
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.refusal import Forbidden, Refused


class Scope(IntEnum):
    """What a credential is good for, least first; each includes those before it."""

    READ = 1
    """See what its user may see."""
    WRITE = 2
    """Change what its user may change: files, folders, spaces."""
    ADMIN = 3
    """Administer, if its user is an admin: users, groups, tenants, the trail."""
    ACCOUNT = 4
    """Manage the user's own password, sessions and tokens: a session's, and never a token's."""


@frozen
class Drop:
    """What whoever comes with a file request may put in; None is without limit."""

    closes_at: datetime | None = None
    """From then on no upload begins."""
    ends_at: datetime | None = None
    """From then on none is finished either."""
    max_files: int | None = None
    max_size: int | None = None
    """Bytes of one file."""
    extensions: tuple[str, ...] = ()
    """What names may end with, casefolded and without the dot; none: with anything."""


@frozen
class Principal:
    """An authenticated user of one tenant, and the credential that proved it."""

    tenant_id: TenantId
    user_id: UserId
    login: str
    is_admin: bool
    """Whether this credential may administer the tenant: it needs an admin, and the scope."""
    credential_id: UUID
    """The session or API token in use."""
    groups: tuple[GroupId, ...] = ()
    """Every group the user is in, by id; like the rest of it at most a second old."""
    scope: Scope = Scope.READ
    is_operator: bool = False
    """Whether this credential may keep tenants; it opens none of them, and needs the scope too."""
    is_suspended: bool = False
    """The tenant's: then nothing of it may be changed."""
    is_guest: bool = False
    """Whoever came with a link: no user. Its ids are the link's, and it has nothing of its own."""
    drop: Drop | None = None
    """Of a guest who came with a file request: its terms."""
    policy: SharingPolicy = field(factory=SharingPolicy)
    """The tenant's, as old as the groups."""
    limit: Limit | None = None
    """What the tenant may ask, where it is not what the settings say."""
    confined_to: NodeId | None = None
    """The file or folder that a token ends at: for it there is nothing above or beside."""


@frozen
class Origin:
    """Where a request came from; recorded with every event it causes."""

    request_id: str
    address: str = ""
    user_agent: str = ""


@frozen
class Idempotency:
    """The client's ``Idempotency-Key`` and a digest of the request it came with."""

    key: str
    fingerprint: bytes


@frozen
class Caller:
    """A principal making one request."""

    principal: Principal
    origin: Origin
    idempotency: Idempotency | None = None

    @property
    def tenant_id(self) -> TenantId:
        """Return the tenant everything this caller does is confined to."""
        return self.principal.tenant_id


def admin_of(caller: Caller, action: str) -> Caller:
    """Return the caller, who administers the tenant.

    Raises:
        Refused: ``Forbidden`` to do ``action``.
    """
    if not caller.principal.is_admin:
        raise Refused(Forbidden(action))
    return caller


def check_in_person(caller: Caller, action: str) -> None:
    """Hold that the caller comes with a session: no token makes what outlives it (ADR-0017).

    Raises:
        Refused: ``Forbidden`` to do ``action``.
    """
    if caller.principal.scope is not Scope.ACCOUNT:
        raise Refused(Forbidden(f"{action} with an API token"))


def operator_of(caller: Caller) -> Caller:
    """Return the caller, who operates the platform.

    Raises:
        Refused: ``Forbidden``.
    """
    if not caller.principal.is_operator:
        raise Refused(Forbidden("operate the platform"))
    return caller
