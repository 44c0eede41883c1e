"""What S3 says of objects and parts, in the terms of the port."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from bitvault.drivers.objects.port import ObjectInfo, PartInfo


def object_info(key: str, size: int, etag: str, checksum: str) -> ObjectInfo:
    """Read a checksum as S3 writes it: base64, and ``-<n>`` of an object in parts."""
    digest, _, count = checksum.partition("-")
    parts = count or etag.strip('"').partition("-")[2]
    sha256 = b64decode(digest) if digest else None
    return ObjectInfo(key, size, etag, sha256, int(parts) if parts.isdecimal() else 0)


def part_info(item: Mapping[str, Any]) -> PartInfo:
    """Read one part of ListParts."""
    digest = item.get("ChecksumSHA256")
    return PartInfo(
        item["PartNumber"], item["Size"], item["ETag"], b64decode(digest) if digest else None
    )


def completed(part: PartInfo) -> Mapping[str, Any]:
    """Write one part for CompleteMultipartUpload."""
    entry: dict[str, Any] = {"PartNumber": part.number, "ETag": part.etag}
    if part.sha256 is not None:
        entry["ChecksumSHA256"] = b64encode(part.sha256).decode()
    return entry
