"""For a tenant's admins: the audit trail and the dead letters; for operators: tenants."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Moment, RequestShape, ResponseShape
from bitvault.wire.sessions import Login, Password, TenantName

ConsumerName = Annotated[str, Meta(min_length=1, max_length=64, description="As in /v1/status.")]
Cursor = Annotated[
    str, Meta(min_length=1, max_length=2048, description="nextCursor of the answer before.")
]


Subject = Literal[
    "node", "blob", "share", "space", "user", "session", "token", "group", "tenant", "provider",
    "job", "download",
]  # fmt: skip
"""What entries of the audit trail are about."""


class AuditCredential(ResponseShape, frozen=True, kw_only=True):
    """What somebody came with; ``name`` is a token's, and ``kind`` null of what the trail lacks."""

    id: UUID
    kind: Literal["session", "token", "link"] | None
    name: str | None


class AuditEntry(ResponseShape, frozen=True, kw_only=True):
    """Who did what to which node, when, and from where; ``detail`` are the event's own members.

    ``by`` says what ``userId`` is: a user here, whoever came with the link of that id, or an
    operator of the platform, from another tenant; it is null where the platform itself acted.
    ``aggregateId`` is the id of what the first word of ``kind`` names: a node, space, user,
    session, token, group or tenant. ``seq`` is 0 of a download, which is no event; its ``detail``
    has how often it was repeated within a minute (``times``), and when the last time (``lastAt``).
    """

    id: UUID
    seq: int
    kind: str
    aggregate_id: UUID
    user_id: UUID | None
    login: Annotated[str | None, Meta(description="Of the user, as it is now.")]
    by: Literal["user", "link", "operator", "platform"]
    credential: AuditCredential | None
    at: Moment
    request_id: str
    address: str
    user_agent: str
    detail: dict[str, Any]


class DeadLetter(ResponseShape, frozen=True, kw_only=True):
    """An event that a consumer could not apply; 0 ``attempts``: it waits behind such an event."""

    consumer: str
    seq: int
    event_id: UUID
    kind: str
    aggregate_id: UUID
    attempts: int
    error: str
    since: Moment


class ReplayDeadLetters(RequestShape, frozen=True, kw_only=True):
    """Which dead letters to apply again: of one consumer, of one aggregate, or all."""

    consumer: ConsumerName | None = None
    aggregate_id: UUID | None = None
    cursor: Cursor | None = None


class StillFailing(ResponseShape, frozen=True, kw_only=True):
    """An aggregate whose letters stay, because the one at ``seq`` failed again."""

    consumer: str
    aggregate_id: UUID
    seq: int
    error: str


class Replayed(ResponseShape, frozen=True, kw_only=True):
    """What a replay did; with a ``nextCursor`` it goes on when asked again with that."""

    applied: int
    failing: tuple[StillFailing, ...]
    next_cursor: str | None


MaxUsers = Annotated[int, Meta(ge=1, le=1_000_000, description="Users, disabled ones too.")]


Rate = Annotated[
    float, Meta(gt=0, le=1e6, description="Units of requests a second, of all users together.")
]
Burst = Annotated[int, Meta(ge=100, le=10**9, description="Units at once.")]


class Tenant(ResponseShape, frozen=True, kw_only=True):
    """A tenant, as the platform's operators see it; ``maxUsers`` null: without limit.

    ``rate`` and ``burst`` null: as the server's settings say.
    """

    id: UUID
    name: str
    is_suspended: Annotated[bool, Meta(description="Its users read, and change nothing.")]
    max_users: int | None
    rate: float | None
    burst: int | None
    created_at: Moment


class CreateTenant(RequestShape, frozen=True, kw_only=True):
    """Create a tenant with its first admin."""

    name: TenantName
    login: Login
    password: Password


class UpdateTenant(RequestShape, frozen=True, kw_only=True):
    """Suspend or limit a tenant; what is null stays as it is."""

    is_suspended: bool | None = None
    max_users: MaxUsers | None = None
    unlimited_users: Annotated[bool, Meta(description="Remove the limit.")] = False
    rate: Rate | None = None
    burst: Burst | None = None
    default_rate: Annotated[
        bool, Meta(description="Let the settings say again how much may be asked.")
    ] = False


class ScheduleErasure(RequestShape, frozen=True, kw_only=True):
    """Have a tenant erased, with all its users and files."""

    name: Annotated[TenantName, Meta(description="Of the tenant, against slips.")]
    after: Annotated[
        int, Meta(ge=0, le=31_536_000, description="Seconds in which it can be revoked.")
    ] = 604_800


class Erasure(ResponseShape, frozen=True, kw_only=True):
    """A tenant that leaves, or has left: scheduled (can be revoked), erasing, or erased."""

    tenant_id: UUID
    name: str
    state: Literal["scheduled", "erasing", "erased"]
    asked_at: Moment
    erase_at: Moment
    erased_at: Moment | None


class ExportTenant(RequestShape, frozen=True, kw_only=True):
    """Where to go on, and how many records to tell at most."""

    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class ExportedRecord(ResponseShape, frozen=True, kw_only=True):
    """A record of a tenant.

    A version's ``content`` says where its bytes are to be had: method, url, headers, expiresAt.
    """

    kind: str
    record: dict[str, Any]
