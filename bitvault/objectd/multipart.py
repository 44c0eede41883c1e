"""Multipart uploads. Parts are blobs; completing lists them as one content, moving no byte."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping

from bitvault.objectd import index
from bitvault.objectd.conditions import copy_range
from bitvault.objectd.digests import Digests, claimed_names, composite, etag_of
from bitvault.objectd.effects import iso_time, random_id
from bitvault.objectd.errors import S3Error
from bitvault.objectd.objects import (
    check_body_length,
    check_copy_source,
    check_target,
    checksum_headers,
    checksum_pairs,
    copy_source,
    kept_headers,
    number_of,
)
from bitvault.objectd.operation import MAX_PARTS, MAX_PUT, Call, Response, xml_response
from bitvault.objectd.receive import Received, copy, receive
from bitvault.objectd.sigv4 import UNSIGNED
from bitvault.objectd.xmlform import document, read_records

_MAX_XML = 4 * 1024 * 1024
_ALGORITHMS = ("SHA256", "SHA1", "CRC32")


async def create_upload(call: Call) -> Response:
    """Open an upload; its id is the capability to add parts."""
    request = call.request
    await read_document(call)
    algorithm = request.headers.get("x-amz-checksum-algorithm", "SHA256").upper()
    if algorithm not in _ALGORITHMS or request.headers.get("x-amz-checksum-type") == "FULL_OBJECT":
        raise S3Error("NotImplemented", "Only composite SHA256, SHA1 and CRC32 are supported.")
    headers = kept_headers(request.headers)
    upload = index.Upload(random_id(), request.bucket, request.key, headers, call.now_ms)
    await call.store.committer.run(lambda db: index.add_upload(db, upload))
    pairs = [("Bucket", request.bucket), ("Key", request.key.decode()), ("UploadId", upload.id)]
    return xml_response(
        document("InitiateMultipartUploadResult", pairs),
        {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": "COMPOSITE"},
    )


async def read_document(call: Call) -> bytes:
    """A small body, with its hashes checked; x-amz-checksum-* here speak of the object."""
    own = {name: v for name, v in call.request.headers.items() if name == "content-md5"}
    digests = Digests(own, call.claim.payload)
    data = await call.body.read_all(_MAX_XML)
    digests.update(data)
    digests.check()
    return data


async def upload_part(call: Call) -> Response:
    """Store one part; a later one of the same number replaces it."""
    request = call.request
    number = number_of(request.query["partNumber"], "partNumber", 1, MAX_PARTS)
    check_body_length(call.body)
    digests = Digests(request.headers, call.claim.payload)
    if await call.store.read(lambda db: find_upload(db, call)) is None:
        raise S3Error("NoSuchUpload")
    part = await _keep_part(call, number, await receive(call.body, digests, call.store.files))
    return Response(200, {"etag": f'"{part.etag}"'} | checksum_headers(part.checksums))


async def _keep_part(call: Call, number: int, received: Received) -> index.Part:
    etag = etag_of(received.checksums["sha256"])
    part = index.Part(number, received.blob, received.size, etag, received.checksums, call.now_ms)

    def commit(db: sqlite3.Connection) -> None:
        upload = require_upload(db, call)
        received.keep_inline(db)
        index.put_part(db, upload.id, part)

    await call.store.committer.run(commit, received.pending_files)
    return part


async def copy_part(call: Call) -> Response:
    """Store a part with the bytes of an object, or of a range of it."""
    number = number_of(call.request.query["partNumber"], "partNumber", 1, MAX_PARTS)
    bucket, key = copy_source(call)
    if await call.store.read(lambda db: find_upload(db, call)) is None:
        raise S3Error("NoSuchUpload")
    opened = await call.store.open_object(bucket, key)
    if opened is None:
        raise S3Error("NoSuchKey")
    try:
        check_copy_source(call, opened.stored)
        span = copy_range(call.request.headers, opened.stored.size)
        if len(span) > MAX_PUT:
            raise S3Error("EntityTooLarge")
        digests = Digests({}, UNSIGNED)
        received = await copy(opened.segments, span, digests, call.store.files)
    finally:
        call.store.release(opened)
    part = await _keep_part(call, number, received)
    result = [("LastModified", iso_time(part.modified_ms)), ("ETag", f'"{part.etag}"')]
    return xml_response(document("CopyPartResult", result + checksum_pairs(part.checksums)))


def find_upload(db: sqlite3.Connection, call: Call) -> index.Upload | None:
    """The upload the request names, if it is open and belongs to the key."""
    request = call.request
    return index.find_upload(db, request.bucket, request.key, request.query["uploadId"])


def require_upload(db: sqlite3.Connection, call: Call) -> index.Upload:
    """The same, or NoSuchUpload."""
    upload = find_upload(db, call)
    if upload is None:
        raise S3Error("NoSuchUpload")
    return upload


async def complete_upload(call: Call) -> Response:
    """Turn the listed parts into the object, in one transaction, or change nothing."""
    if set(claimed_names(call.request.headers)) - {"sha256"}:
        raise S3Error("NotImplemented", "Only a SHA-256 of the whole object is checked.")
    wanted = read_records(await read_document(call), "CompleteMultipartUpload", "Part")
    if not 0 < len(wanted) <= MAX_PARTS:
        raise S3Error("MalformedXML")
    content, claim = call.store.files.next_number(), claim_of(wanted)

    def commit(db: sqlite3.Connection) -> index.Completed:
        upload = find_upload(db, call)
        if upload is None:
            return _completed_before(db, call, claim)
        parts = index.list_parts(db, upload.id, 0, MAX_PARTS)
        chosen = _choose(wanted, {part.number: part for part in parts})
        stored = _assemble(call, upload, chosen, content)
        check_target(db, call)
        index.add_segments(db, content, [(part.blob, part.size) for part in chosen])
        kept = {part.number for part in chosen}
        for part in parts:
            if part.number not in kept:
                index.drop_blob(db, part.blob)
        index.close_upload(db, upload.id)
        index.put_object(db, stored)
        answer = index.Completed(stored.etag, stored.checksums)
        index.add_completed(db, upload, claim, answer)
        return answer

    answer = await call.store.committer.run(commit)
    key = call.request.key.decode()
    pairs = [
        ("Location", f"/{call.request.bucket}/{key}"),
        ("Bucket", call.request.bucket),
        ("Key", key),
        ("ETag", f'"{answer.etag}"'),
        *checksum_pairs(answer.checksums),
        ("ChecksumType", "COMPOSITE"),
    ]
    return xml_response(document("CompleteMultipartUploadResult", pairs))


def claim_of(wanted: list[dict[str, str]]) -> str:
    """A digest of a part list: a repeated completion must list the same."""
    text = json.dumps([sorted(part.items()) for part in wanted])
    return hashlib.sha256(text.encode()).hexdigest()


def _completed_before(db: sqlite3.Connection, call: Call, claim: str) -> index.Completed:
    """The answer that a client lost; what happened to the object since does not change it."""
    request = call.request
    upload = request.query["uploadId"]
    answer = index.find_completed(db, upload, request.bucket, request.key, claim)
    if answer is None:
        raise S3Error("NoSuchUpload")
    return answer


def _choose(wanted: list[dict[str, str]], parts: Mapping[int, index.Part]) -> list[index.Part]:
    chosen: list[index.Part] = []
    for claim in wanted:
        number = number_of(claim.get("PartNumber", ""), "PartNumber", 1, MAX_PARTS)
        if chosen and number <= chosen[-1].number:
            raise S3Error("InvalidPartOrder")
        part = parts.get(number)
        if part is None or not _matches(claim, part):
            raise S3Error("InvalidPart")
        chosen.append(part)
    return chosen


def _matches(claim: Mapping[str, str], part: index.Part) -> bool:
    proven = {f"Checksum{name.upper()}": value for name, value in part.checksums.items()}
    proven["ETag"] = part.etag
    claims = {name: value.strip('"') for name, value in claim.items() if name != "PartNumber"}
    return "ETag" in claims and all(proven.get(name) == value for name, value in claims.items())


def _assemble(
    call: Call, upload: index.Upload, parts: list[index.Part], content: int
) -> index.StoredObject:
    headers = call.request.headers
    if any(part.size < call.limits.min_part for part in parts[:-1]):
        raise S3Error("EntityTooSmall")
    size = sum(part.size for part in parts)
    if "x-amz-mp-object-size" in headers and headers["x-amz-mp-object-size"] != str(size):
        raise S3Error("InvalidRequest", "x-amz-mp-object-size does not match the parts.")
    checksum = composite([part.checksums["sha256"] for part in parts])
    claimed = headers.get("x-amz-checksum-sha256")
    if claimed is not None and claimed not in (checksum, checksum.partition("-")[0]):
        raise S3Error("BadDigest")
    return index.StoredObject(
        bucket=upload.bucket,
        key=upload.key,
        content=content,
        size=size,
        etag=etag_of(checksum),
        checksums={"sha256": checksum},
        headers=upload.headers,
        modified_ms=call.now_ms,
    )


async def abort_upload(call: Call) -> Response:
    """Forget an upload and its parts."""

    def commit(db: sqlite3.Connection) -> None:
        upload = require_upload(db, call)
        for part in index.list_parts(db, upload.id, 0, MAX_PARTS):
            index.drop_blob(db, part.blob)
        index.close_upload(db, upload.id)

    await call.store.committer.run(commit)
    return Response(204)


async def list_parts(call: Call) -> Response:
    """Received parts, paged by number."""
    query = call.request.query
    limit = number_of(query.get("max-parts", "1000"), "max-parts", 1, 1000)
    after = number_of(query.get("part-number-marker", "0"), "part-number-marker", 0, MAX_PARTS)

    def read(db: sqlite3.Connection) -> list[index.Part]:
        return index.list_parts(db, require_upload(db, call).id, after, limit + 1)

    parts = await call.store.read(read)
    page = parts[:limit]
    pairs: list[tuple[str, object]] = [
        ("Bucket", call.request.bucket),
        ("Key", call.request.key.decode()),
        ("UploadId", query["uploadId"]),
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", page[-1].number if page else after),
        ("MaxParts", limit),
        ("IsTruncated", "true" if len(parts) > limit else "false"),
        *(("Part", _part_pairs(part)) for part in page),
    ]
    return xml_response(document("ListPartsResult", pairs))


def _part_pairs(part: index.Part) -> list[tuple[str, object]]:
    return [
        ("PartNumber", part.number),
        ("LastModified", iso_time(part.modified_ms)),
        ("ETag", f'"{part.etag}"'),
        ("Size", part.size),
        *checksum_pairs(part.checksums),
    ]
