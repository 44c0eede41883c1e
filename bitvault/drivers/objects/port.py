"""The object store port: S3's verbs as BitVault uses them, and what the store was proved to do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen


@frozen
class Signed:
    """A presigned request: everything a client must send. A bare URL is not enough (ADR-0011)."""

    method: str
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


@frozen
class ObjectInfo:
    """What HEAD or LIST says of an object.

    ``sha256`` is the raw digest the store vouches for: of the bytes for a single PUT, of the
    concatenated part digests for a multipart object (``parts`` > 0); None where it keeps none.
    """

    key: str
    size: int
    etag: str
    sha256: bytes | None = None
    parts: int = 0


@frozen
class PartInfo:
    """One part the store holds of an unfinished multipart upload."""

    number: int
    size: int
    etag: str
    sha256: bytes | None


@frozen
class Capabilities:
    """What the probe's negative tests proved. False means: the store was caught not doing it."""

    signed_length: bool
    """A PUT with another content-length than the signed one is refused."""
    signed_checksum: bool
    """A PUT whose bytes do not match the signed SHA-256 is refused."""
    write_once: bool
    """A second PUT with ``If-None-Match: *`` signed is refused."""
    part_checksum: bool
    """A part whose bytes do not match its signed SHA-256 is refused."""
    composite_checksum: bool
    """HEAD of a completed multipart object gives its composite SHA-256."""
    forged_signature_refused: bool
    """A request with a wrong signature is refused; without this the daemon does not start."""


class MultipartGone(Exception):  # noqa: N818 - a state of the upload
    """The store knows no such multipart upload: completed before, aborted, or never created."""


class MultipartInvalid(Exception):  # noqa: N818 - a state of the upload
    """The store refuses to complete: a part is missing, was swapped, or is too small."""


class ObjectStore(Protocol):
    """One bucket of one store. Raises ``DependencyDown`` when the store does not answer.

    Presigning is local arithmetic and never blocks. ``sha256`` arguments are raw digests; a store
    without the matching capability signs without them.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Return what the probe at start proved."""
        ...

    def sign_put(self, key: str, size: int, sha256: bytes | None, ttl: float) -> Signed:
        """Sign one PUT of exactly these bytes to a key that must not exist yet."""
        ...

    def sign_part(
        self, key: str, multipart_id: str, number: int, size: int, sha256: bytes | None, ttl: float
    ) -> Signed:
        """Sign the upload of one part, numbered from 1."""
        ...

    def sign_get(self, key: str, ttl: float, content_type: str, disposition: str) -> Signed:
        """Sign a GET whose response carries the given Content-Type and Content-Disposition."""
        ...

    async def head(self, key: str) -> ObjectInfo | None:
        """Return what the store holds under ``key``, or None."""
        ...

    async def list_prefix(self, prefix: str, limit: int) -> Sequence[ObjectInfo]:
        """Return up to ``limit`` objects below ``prefix`` in key order (no checksums)."""
        ...

    async def create_multipart(self, key: str) -> str:
        """Open a multipart upload with SHA-256 part checksums; return its id."""
        ...

    async def list_multiparts(self, key: str) -> Sequence[str]:
        """Return the ids of the unfinished uploads to exactly this key.

        None from a store that cannot tell, or does not let the server's key ask.
        """
        ...

    async def list_parts(self, key: str, multipart_id: str) -> Sequence[PartInfo]:
        """Return every part received. Raises ``MultipartGone``."""
        ...

    async def complete_multipart(
        self, key: str, multipart_id: str, parts: Sequence[PartInfo]
    ) -> None:
        """Make the parts one object, or raise ``MultipartGone`` / ``MultipartInvalid``."""
        ...

    async def abort_multipart(self, key: str, multipart_id: str) -> None:
        """Drop an unfinished upload and its parts; not an error when it is gone already."""
        ...

    async def sha256_of(self, key: str, part_size: int | None) -> bytes | None:
        """Read the object and hash it (per part when ``part_size``): for stores that prove nothing.

        The one case where bytes cross our compute, on purpose; None when there is no object.
        """
        ...

    async def copy(self, source: str, target: str, etag: str) -> bool:
        """Copy inside the store if ``source`` still has ``etag``; False when it has not."""
        ...

    async def delete(self, key: str) -> None:
        """Delete; not an error when there is nothing."""
        ...
