"""The audit trail, for the admins of a tenant; and the downloads that go into it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from bitvault.actors.sharing.contract import LinkNotFound
from bitvault.kernel.ids import TenantId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request

DOWNLOADED: Final = "node.downloaded"
"""The kind of the entries that are downloads."""
DOWNLOAD: Final = "download"
"""The word by which they alone are asked for."""


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
    """One event or download, as told to an admin who looks into what happened."""

    seq: int
    """Of the event; 0 of a download, which is none."""
    event_id: UUID
    kind: str
    aggregate_id: UUID
    user_id: UUID | None
    at: datetime
    request_id: str
    address: str
    user_agent: str
    detail: Mapping[str, Any]
    """JSON values."""
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
    """The first word of the kind, as ``node``, ``blob`` or ``share``; or ``download``."""
    with_blobs: bool = False
    """Whether what the platform did to bytes in the store is told without being asked for."""


@frozen
class ListEntries(Request[Page[Entry], Invalid | Forbidden]):
    """List the tenant's audit trail, newest first."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT
    wanted: Filter = Filter()


@frozen
class Download:
    """A version whose content somebody was told how to get; if they did, only the store knows."""

    node_id: UUID
    version: int
    size: int
    name: str | None = None
    """Of the file, then; None: the caller was not told."""


@frozen
class RecordDownloads(Request[None, LinkNotFound]):
    """Put downloads into the trail; what cannot be put there must not be handed out.

    Answered once they wait in memory to be written, within a second. Those of a guest are counted
    by the link, which may allow no more: then its refusal is the answer.
    """

    caller: Caller
    downloads: tuple[Download, ...]
    tenant_id: TenantId | None = None
    """Whose content it is; None: the caller's tenant's."""


TAGS: Final[Mapping[str, type]] = {
    "list_entries": ListEntries,
    "record_downloads": RecordDownloads,
}
"""What each message is called when it travels; a tag stays, whatever the class is called."""
