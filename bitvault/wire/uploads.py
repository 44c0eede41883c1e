"""Uploads: what is asked before, between and after the bytes go to the store."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from bitvault.wire.nodes import Node
from bitvault.wire.shape import (
    Body,
    Etag,
    Hash,
    Id,
    IfExists,
    Name,
    PartHash,
    PartNumber,
    Path,
    Shape,
    Size,
    VersionNumber,
)


class InitUpload(Body, frozen=True):
    """A file about to be uploaded: by `path`, or by `parentId` and `name`.

    Missing folders of a path are made at commit. `hash` may be left out only above the single
    PUT's size.
    """

    size: Size
    path: Path | None = None
    space_id: Id | None = None
    parent_id: Id | None = None
    name: Name | None = None
    hash: Hash | None = None
    if_exists: IfExists = "fail"
    base_version: VersionNumber | None = None
    content_type: Annotated[str, Meta(max_length=255)] | None = None
    content_modified_at: datetime | None = None


class InitBatch(Body, frozen=True):
    """Up to 1000 uploads in one call and one transaction."""

    items: Annotated[list[InitUpload], Meta(min_length=1, max_length=1000)]


class Plan(Shape, frozen=True):
    """`single`: one PUT. `multipart`: `partCount` parts of `partSize` bytes, the last shorter."""

    kind: str
    part_size: int
    part_count: int


class Transfer(Shape, frozen=True):
    """One request for the client to send to the store, exactly as given."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime
    part_number: int | None = None


class UploadOpened(Shape, frozen=True):
    """Bytes are expected; `url` is that of the one transfer of a single plan."""

    upload_id: Id
    plan: Plan
    transfers: list[Transfer]
    expires_at: datetime
    url: str | None = None


class Transfers(Shape, frozen=True):
    """Signed requests."""

    transfers: list[Transfer]


class PartToSign(Body, frozen=True):
    """A part; with its hash the URL is good for exactly those bytes."""

    part_number: PartNumber
    hash: PartHash | None = None


class SignParts(Body, frozen=True):
    """Parts to sign: by number, or with their hashes."""

    part_numbers: Annotated[list[PartNumber], Meta(min_length=1, max_length=1000)] | None = None
    parts: Annotated[list[PartToSign], Meta(min_length=1, max_length=1000)] | None = None


class ReceivedPart(Shape, frozen=True):
    """A part the store holds."""

    part_number: int
    size: int
    etag: str
    hash: str | None


class UploadState(Shape, frozen=True):
    """An upload session; `parts` is what the store has."""

    upload_id: Id
    state: str
    space_id: Id
    path: str
    size: int
    hash: str | None
    plan: Plan
    created_at: datetime
    expires_at: datetime
    parts: list[ReceivedPart]
    received: bool


class UploadPage(Shape, frozen=True):
    """One page of open uploads, newest first."""

    items: list[UploadState]
    next_cursor: str | None


class DonePart(Body, frozen=True):
    """A part as it was sent."""

    part_number: PartNumber
    etag: Etag
    hash: PartHash


class CommitUpload(Body, frozen=True):
    """The claim that the bytes are there."""

    hash: Hash
    etag: Etag | None = None
    parts: Annotated[tuple[DonePart, ...], Meta(max_length=10_000)] = ()


class CommitItem(Body, frozen=True):
    """One commit of a batch."""

    upload_id: Id
    hash: Hash
    etag: Etag | None = None
    parts: Annotated[tuple[DonePart, ...], Meta(max_length=10_000)] = ()


class CommitBatch(Body, frozen=True):
    """Up to 1000 commits in one call and one transaction."""

    items: Annotated[list[CommitItem], Meta(min_length=1, max_length=1000)]


class Committed(Shape, frozen=True):
    """The file as it is now."""

    node: Node
    version: int | None
    event_id: str | None
