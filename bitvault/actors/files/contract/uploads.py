"""Uploads: init reserves, commit proves and writes. Init changes nothing in the tree."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract.nodes import IfExists, Target, Written
from bitvault.actors.files.contract.refusals import (
    Unaccepted,
    Unfinished,
    UploadClosed,
    UploadNotFound,
)
from bitvault.actors.storage.contract import BytesMismatch, BytesMissing
from bitvault.kernel.ids import SpaceId, UploadId
from bitvault.kernel.paging import DEFAULT_LIMIT, Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import IdempotencyConflict, Invalid, Refusal
from bitvault.kernel.request import Item, Request


@frozen
class Sender:
    """Who uploads with a file request, in their own words."""

    visit: UUID
    """Made up by the client, at random: what carries it goes to one folder, and nothing else."""
    name: str
    """What that folder is called; numbered when the name is taken."""


@frozen
class UploadDraft(Item[Unaccepted]):
    """A file about to be uploaded: to ``target`` by path, or to ``parent`` and ``name``.

    Missing folders of a path are created at commit, so an abandoned upload leaves nothing.
    """

    size: int
    target: Target | None = None
    parent: Target | None = None
    name: str | None = None
    hash: str | None = None
    """Needed unless the plan is multipart; with it, content the caller can already read is
    committed at once."""
    if_exists: IfExists = IfExists.FAIL
    base_version: int | None = None
    content_type: str | None = None
    content_modified_at: datetime | None = None
    sender: Sender | None = None
    """For a file request, and for nothing else."""


@frozen
class TransferStep:
    """One request the client sends to the store."""

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime
    part_number: int | None = None


@frozen
class UploadPlan:
    """``single`` or ``multipart``: ``part_count`` parts of ``part_size`` bytes (the last less)."""

    kind: str
    part_size: int
    part_count: int


@frozen
class UploadOpened:
    """Bytes are expected. ``transfers`` has the one PUT of a single plan, else is empty."""

    upload_id: UploadId
    plan: UploadPlan
    transfers: tuple[TransferStep, ...]
    expires_at: datetime


@frozen
class UploadUnneeded:
    """The tenant has these bytes and the caller may read them: committed without sending."""

    written: Written


@frozen
class ReceivedPart:
    """A part the store holds; ``hash`` is None where the store does not compute it."""

    part_number: int
    size: int
    etag: str
    hash: str | None


@frozen
class UploadState:
    """An upload session: ``open``, ``committed``, ``aborted`` or ``expired``."""

    upload_id: UploadId
    state: str
    space_id: SpaceId
    path: str
    size: int
    hash: str | None
    plan: UploadPlan
    created_at: datetime
    expires_at: datetime
    parts: tuple[ReceivedPart, ...] = ()
    received: bool = False
    """For a single plan: whether the store has the bytes."""


@frozen
class CommittedPart:
    """A part as the client sent it: the store's ETag and ``sha256:<hex>`` of its bytes."""

    part_number: int
    etag: str
    hash: str


@frozen
class UploadCommit(Item[Unaccepted | Unfinished | BytesMissing | BytesMismatch]):
    """The claim that the bytes are there; ``hash`` as in DESIGN §6."""

    upload_id: UploadId
    hash: str
    etag: str | None = None
    parts: tuple[CommittedPart, ...] = ()
    if_exists: IfExists | None = None
    """What to do about the name now, instead of the init's ``if_exists`` and ``base_version``."""


@frozen
class InitUploads(
    Request[tuple[UploadOpened | UploadUnneeded | Refusal, ...], IdempotencyConflict | Invalid]
):
    """Preflight and reserve up to 1000 uploads: name, quota, base version, dedup."""

    caller: Caller
    drafts: tuple[UploadDraft, ...]


@frozen
class CommitUploads(Request[tuple[Written | Refusal, ...], Invalid]):
    """Verify and commit up to 1000 uploads in one transaction; a repeat answers the same.

    A refused commit leaves its upload open and its reservation in place: the name may be taken,
    by another commit of the same batch too. Commit it again, with another ``if_exists`` if need
    be; the bytes are there. An abort or the upload's expiry gives the reservation back.
    A committed upload claimed with another hash is ``BytesMismatch``, not that success again.
    """

    caller: Caller
    commits: tuple[UploadCommit, ...]


@frozen
class DescribeUpload(Request[UploadState, UploadNotFound]):
    """Say how far an upload is; the received parts come from the store."""

    caller: Caller
    upload_id: UploadId


@frozen
class ListUploads(Request[Page[UploadState], Invalid]):
    """List the caller's open uploads, newest first (without their parts)."""

    caller: Caller
    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


@frozen
class PartToSign:
    """A part to sign; with its hash the URL is good for exactly those bytes."""

    part_number: int
    hash: str | None = None


@frozen
class SignUploadParts(Request[tuple[TransferStep, ...], Unfinished]):
    """Sign parts of a multipart upload, just in time (at most 1000); no parts: the single PUT."""

    caller: Caller
    upload_id: UploadId
    parts: tuple[PartToSign, ...]


@frozen
class UploadEnded:
    """An upload that is over without a commit: ``aborted``, or ``expired`` before that."""

    upload_id: UploadId
    state: str


@frozen
class AbortUploads(Request[tuple[UploadEnded | Refusal, ...], Invalid]):
    """End up to 1000 uploads in one transaction; each ends or is refused by itself.

    An upload that was over before says how it ended, and nothing of it changes.
    """

    caller: Caller
    upload_ids: tuple[UploadId, ...]


@frozen
class AbortUpload(Request[None, UploadNotFound | UploadClosed]):
    """End an upload and release its reservation; aborting twice is not an error."""

    caller: Caller
    upload_id: UploadId
