"""Uploads: init, parts, commit."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import (
    MAX_ITEMS,
    ContentType,
    EventId,
    Hash,
    IfExists,
    Moment,
    Name,
    PartHash,
    PartNumber,
    Path,
    RequestShape,
    ResponseShape,
    Size,
    StoreTag,
)
from bitvault.wire.nodes import Node

BaseVersion = Annotated[
    int, Meta(ge=0, le=(1 << 31) - 1, description="Refuse unless this version is current.")
]


class Sender(RequestShape, frozen=True, kw_only=True):
    """Who uploads with a file request, in their own words."""

    visit: Annotated[
        UUID,
        Meta(
            description="Made up at random: what carries it goes to one folder, nothing else does."
        ),
    ]
    name: Name


class InitUpload(RequestShape, frozen=True, kw_only=True):
    """A file about to be uploaded: ``path`` (missing parents are made), or ``parentId``+``name``.

    ``hash`` may be left out only where the plan is multipart.
    """

    size: Size
    path: Path | None = None
    space_id: UUID | None = None
    parent_id: UUID | None = None
    name: Name | None = None
    hash: Hash | None = None
    if_exists: IfExists = "fail"
    base_version: BaseVersion | None = None
    content_type: ContentType | None = None
    content_modified_at: Moment | None = None
    sender: Annotated[Sender | None, Meta(description="For file requests, and nothing else.")] = (
        None
    )


class InitUploads(RequestShape, frozen=True, kw_only=True):
    """Many files about to be uploaded."""

    items: Annotated[tuple[InitUpload, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class Plan(ResponseShape, frozen=True, kw_only=True):
    """``partCount`` parts of ``partSize`` bytes (the last may be less), or one single PUT."""

    kind: Literal["single", "multipart"]
    part_size: int
    part_count: int


class Transfer(ResponseShape, frozen=True, kw_only=True):
    """One request to send to the object store."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: Moment
    part_number: int | None = None


class Transfers(ResponseShape, frozen=True, kw_only=True):
    """Requests to send to the object store."""

    transfers: tuple[Transfer, ...]


class UploadOpened(ResponseShape, frozen=True, kw_only=True):
    """Bytes are expected; ``url`` is that of a single plan's one transfer."""

    upload_id: UUID
    plan: Plan
    transfers: tuple[Transfer, ...]
    expires_at: Moment
    url: str | None = None


class InitOutcome(ResponseShape, omit_defaults=True, frozen=True, kw_only=True):
    """A batched init's result: UploadOpened (status 201), or Written (200: nothing to send)."""

    upload_id: UUID | None = None
    plan: Plan | None = None
    transfers: tuple[Transfer, ...] = ()
    expires_at: Moment | None = None
    url: str | None = None
    node: Node | None = None
    version: int | None = None
    event_id: EventId | None = None


class CommittedPart(RequestShape, frozen=True, kw_only=True):
    """A part as it was sent."""

    part_number: PartNumber
    etag: StoreTag
    hash: PartHash


Parts = Annotated[tuple[CommittedPart, ...], Meta(max_length=10_000)]


class CommitUpload(RequestShape, frozen=True, kw_only=True):
    """The claim that the bytes are there.

    ``ifExists`` says what to do about the name now, instead of what the init said with its own and
    ``baseVersion``: for a commit that was refused.
    """

    hash: Hash
    etag: StoreTag | None = None
    parts: Parts = ()
    if_exists: IfExists | None = None


class CommitItem(RequestShape, frozen=True, kw_only=True):
    """One claim of a batch."""

    upload_id: UUID
    hash: Hash
    etag: StoreTag | None = None
    parts: Parts = ()
    if_exists: IfExists | None = None


class CommitUploads(RequestShape, frozen=True, kw_only=True):
    """Many claims."""

    items: Annotated[tuple[CommitItem, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class AbortItem(RequestShape, frozen=True, kw_only=True):
    """An upload to end."""

    upload_id: UUID


class AbortUploads(RequestShape, frozen=True, kw_only=True):
    """Many uploads to end."""

    items: Annotated[tuple[AbortItem, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class UploadEnded(ResponseShape, frozen=True, kw_only=True):
    """An upload that is over without a commit, now or before."""

    upload_id: UUID
    state: Literal["aborted", "expired"]


class PartWanted(RequestShape, frozen=True, kw_only=True):
    """A part to sign; with its hash the URL is good for exactly those bytes."""

    part_number: PartNumber
    hash: PartHash | None = None


class SignParts(RequestShape, frozen=True, kw_only=True):
    """Parts to sign: ``partNumbers``, or ``parts`` with hashes."""

    part_numbers: Annotated[tuple[PartNumber, ...], Meta(max_length=MAX_ITEMS)] = ()
    parts: Annotated[tuple[PartWanted, ...], Meta(max_length=MAX_ITEMS)] = ()


class ReceivedPart(ResponseShape, frozen=True, kw_only=True):
    """A part the store holds; ``hash`` is null where the store does not compute it."""

    part_number: int
    size: int
    etag: str
    hash: PartHash | None


class Upload(ResponseShape, frozen=True, kw_only=True):
    """How far an upload is."""

    upload_id: UUID
    state: Literal["open", "committed", "aborted", "expired"]
    space_id: UUID
    path: str
    size: int
    hash: Hash | None
    plan: Plan
    created_at: Moment
    expires_at: Moment
    parts: tuple[ReceivedPart, ...] = ()
    received: bool = False
