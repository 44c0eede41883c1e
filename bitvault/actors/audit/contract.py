"""The audit trail, for the admins of a tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refusal
from bitvault.kernel.request import Request


@frozen
class Credential:
    """What somebody proved with who they are."""

    credential_id: UUID
    kind: str | None = None
    """``session``, ``token`` or ``link``; None: it is older than the trail."""
    name: str | None = None
    """Of a token."""


@frozen
class Entry:
    """One event, as it concerns whoever looks into what happened."""

    seq: int
    event_id: UUID
    kind: str
    aggregate_id: UUID
    user_id: UUID | None
    at: datetime
    request_id: str
    address: str
    user_agent: str
    detail: Mapping[str, Any]
    credential: Credential | None = None
    by_operator: bool = False
    """Whether an operator of the platform did it, from another tenant."""


@frozen
class Filter:
    """Which entries: those that meet everything given. ``since`` is included, ``until`` is not."""

    aggregate_id: UUID | None = None
    """What it happened to; of a node also what was said of it, as its grants and links."""
    user_id: UUID | None = None
    """Who did it."""
    since: datetime | None = None
    until: datetime | None = None
    subject: str | None = None
    """The first word of the kind: ``node``, ``blob`` or ``share``."""


@frozen
class ListEntries(Request[Page[Entry] | Forbidden | Refusal]):
    """List the tenant's audit trail, newest first."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT
    wanted: Filter = Filter()
