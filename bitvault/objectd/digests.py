"""What a body's bytes must hash to: claims from the request's headers, checked at the end."""

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Mapping

from bitvault.objectd.errors import S3Error

_SIZES = {"sha256": 32, "sha1": 20, "crc32": 4}
_PREFIX = "x-amz-checksum-"
_NOT_A_VALUE = frozenset({"mode", "type", "algorithm"})


class Digests:
    """Every digest the request claims, and SHA-256 always: it is the object's ETag."""

    def __init__(self, headers: Mapping[str, str], payload: str) -> None:
        self._payload = payload
        self._claims = {
            name: _claimed(headers[_PREFIX + name], _SIZES[name]) for name in claimed_names(headers)
        }
        md5 = headers.get("content-md5")
        self._md5_claim = None if md5 is None else _claimed(md5, 16)
        self._sha256 = hashlib.sha256()
        self._sha1 = hashlib.sha1(usedforsecurity=False) if "sha1" in self._claims else None
        self._md5 = None if md5 is None else hashlib.md5(usedforsecurity=False)
        self._crc32 = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes in; releases the interpreter lock on large ones."""
        self._sha256.update(data)
        for optional in (self._sha1, self._md5):
            if optional is not None:
                optional.update(data)
        if "crc32" in self._claims:
            self._crc32 = zlib.crc32(data, self._crc32)

    def check(self) -> dict[str, str]:
        """Compare every claim with the bytes.

        Returns:
            The proven checksums, algorithm → base64.

        Raises:
            S3Error: XAmzContentSHA256Mismatch or BadDigest.
        """
        digest = self._sha256.digest()
        if self._payload != "UNSIGNED-PAYLOAD" and self._payload != digest.hex():
            raise S3Error("XAmzContentSHA256Mismatch")
        actual = {"sha256": digest, "crc32": self._crc32.to_bytes(4, "big")}
        if self._sha1 is not None:
            actual["sha1"] = self._sha1.digest()
        for name, claim in self._claims.items():
            if not hmac.compare_digest(actual[name], claim):
                raise S3Error("BadDigest", f"The {name} you specified did not match.")
        if self._md5 is not None and self._md5.digest() != self._md5_claim:
            raise S3Error("BadDigest", "The Content-MD5 you specified did not match.")
        names = dict.fromkeys(("sha256", *self._claims))
        return {name: base64.b64encode(actual[name]).decode() for name in names}


def claimed_names(headers: Mapping[str, str]) -> list[str]:
    """Algorithms of the `x-amz-checksum-<algorithm>` headers present.

    Raises:
        S3Error: NotImplemented for one that would go unchecked.
    """
    names = [h.removeprefix(_PREFIX) for h in headers if h.startswith(_PREFIX)]
    names = [name for name in names if name not in _NOT_A_VALUE]
    for name in names:
        if name not in _SIZES:
            raise S3Error("NotImplemented", f"The checksum {name} is not supported.")
    return names


def composite(digests: list[str]) -> str:
    """S3's COMPOSITE SHA-256 of base64 part digests, `<b64>-<n>`."""
    joined = b"".join(base64.b64decode(each) for each in digests)
    return f"{base64.b64encode(hashlib.sha256(joined).digest()).decode()}-{len(digests)}"


def etag_of(sha256: str) -> str:
    """The ETag of a SHA-256 (base64, maybe `-n`): hex, so it never looks like an MD5."""
    digest, dash, count = sha256.partition("-")
    return base64.b64decode(digest).hex() + dash + count


def _claimed(value: str, size: int) -> bytes:
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise S3Error("InvalidDigest") from None
    if len(digest) != size:
        raise S3Error("InvalidDigest")
    return digest
