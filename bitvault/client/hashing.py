"""Content hashes and the upload plan: both are pure functions that server and client share.

DESIGN §4: up to 64 MiB one PUT, hash ``sha256:<hex>`` of the bytes; above it equal parts of
16 MiB * 2^k, at most 10,000, hash ``sha256-<n>:<hex>`` over the n concatenated binary digests of
the parts (the COMPOSITE checksum of S3, so the store itself can prove it).
"""

import hashlib
import re
from collections.abc import Sequence
from typing import BinaryIO

from attrs import frozen

from bitvault.client.errors import UnknownHash

MIB = 1 << 20
SINGLE_LIMIT = 64 * MIB
SMALLEST_PART = 16 * MIB
MOST_PARTS = 10_000
BLOCK = MIB
"""Bytes read, hashed or sent at a time: bounds the memory of a transfer."""

_FORM = re.compile(r"sha256(?:-([1-9][0-9]{0,4}))?:([0-9a-f]{64})")


@frozen
class Section:
    """Bytes ``offset`` up to ``offset + size`` of a file."""

    offset: int
    size: int


@frozen
class Parts:
    """How a file is cut: ``count`` parts of ``size`` bytes, the last one less."""

    total: int
    size: int
    count: int

    def section(self, number: int) -> Section:
        """Return where part ``number`` (1-based, as S3 counts) lies."""
        offset = (number - 1) * self.size
        return Section(offset, min(self.size, self.total - offset))


def parts_for(size: int) -> Parts | None:
    """Return the cut of a file of ``size`` bytes, or None when it goes up in a single PUT."""
    if size <= SINGLE_LIMIT:
        return None
    part = SMALLEST_PART
    while -(-size // part) > MOST_PARTS:
        part *= 2
    return Parts(size, part, -(-size // part))


def parts_of(content_hash: str, size: int) -> Parts | None:
    """Return the cut that a committed hash speaks of, None for the hash of a single PUT.

    Raises:
        UnknownHash: it has no known form, or its part count fits no cut of this size.
    """
    match = _FORM.fullmatch(content_hash)
    if match is None:
        raise UnknownHash(f"{content_hash!r} is not sha256:<hex> or sha256-<n>:<hex>")
    if match[1] is None:
        return None
    count, part = int(match[1]), SMALLEST_PART
    while -(-size // part) > count:
        part *= 2
    if -(-size // part) != count:
        raise UnknownHash(f"{content_hash!r} does not cut {size} bytes into equal parts")
    return Parts(size, part, count)


def single_hash(digest: bytes) -> str:
    """Render the digest of all bytes, or of one part."""
    return f"sha256:{digest.hex()}"


def composite_hash(digests: Sequence[bytes]) -> str:
    """Render the hash of a multipart upload from the digests of its parts, in order."""
    return f"sha256-{len(digests)}:{hashlib.sha256(b''.join(digests)).hexdigest()}"


def digest_section(file: BinaryIO, section: Section) -> bytes:
    """Hash a section of an unbuffered file, block by block.

    Raises:
        EOFError: the file is shorter than the section says.
    """
    file.seek(section.offset)
    sha, left = hashlib.sha256(), section.size
    buffer = memoryview(bytearray(min(BLOCK, left)))
    while left:
        got = file.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        sha.update(buffer[:got])
        left -= got
    return sha.digest()


class ContentHasher:
    """Hashes a stream in order, in the form of the hash it is to be compared with."""

    def __init__(self, expected: str, size: int) -> None:
        self._parts = parts_of(expected, size)
        self._digests: list[bytes] = []
        self._sha = hashlib.sha256()
        self._room = self._parts.size if self._parts else -1

    def update(self, data: memoryview) -> None:
        """Take the next bytes, closing a part at each boundary."""
        while self._parts and len(data) >= self._room:
            self._sha.update(data[: self._room])
            data = data[self._room :]
            self._close_part(self._parts.size)
        self._sha.update(data)
        self._room -= len(data)

    def _close_part(self, room: int) -> None:
        self._digests.append(self._sha.digest())
        self._sha = hashlib.sha256()
        self._room = room

    def result(self) -> str:
        """Return the hash of everything taken so far."""
        if self._parts is None:
            return single_hash(self._sha.digest())
        if self._room != self._parts.size:
            self._close_part(self._parts.size)
        return composite_hash(self._digests)
