"""ListObjectsV2, ListMultipartUploads and the bucket operations."""

import base64
import binascii
import re
import sqlite3
from urllib.parse import quote

from bitvault.objectd import index
from bitvault.objectd.effects import iso_time
from bitvault.objectd.errors import S3Error
from bitvault.objectd.multipart import read_document
from bitvault.objectd.objects import number_of
from bitvault.objectd.operation import Call, Response, xml_response
from bitvault.objectd.xmlform import document

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PAGE = 1000
_AFTER_ALL = b"\xff"

Entry = index.StoredObject | bytes


def valid_bucket(name: str) -> bool:
    """S3's rule for bucket names, without its special cases."""
    return _BUCKET.fullmatch(name) is not None


async def list_buckets(call: Call) -> Response:
    """Every bucket."""
    rows = await call.store.read(lambda db: index.run(db, "list_buckets").fetchall())
    buckets = [
        ("Bucket", [("Name", name), ("CreationDate", iso_time(created))]) for name, created in rows
    ]
    owner = [("ID", "bitvault"), ("DisplayName", "bitvault")]
    return xml_response(
        document("ListAllMyBucketsResult", [("Owner", owner), ("Buckets", buckets)])
    )


async def create_bucket(call: Call) -> Response:
    """Create a bucket; S3 outside us-east-1 answers an existing one with 409, and so do we."""
    await read_document(call)
    name = call.request.bucket
    if not valid_bucket(name):
        raise S3Error("InvalidBucketName")
    if name in call.store.buckets:
        raise S3Error("BucketAlreadyOwnedByYou")
    await call.store.add_bucket(name, call.now_ms)
    return Response(200, {"location": f"/{name}"})


async def head_bucket(_call: Call) -> Response:
    """The router has already checked that the bucket exists."""
    return Response(200)


async def list_objects(call: Call) -> Response:
    """ListObjectsV2: one page of keys and common prefixes, in key order."""
    query = call.request.query
    if query.get("list-type") != "2":
        raise S3Error("InvalidArgument", "list-type must be 2.")
    page, limit, more = await _page(call, _start(call))
    return xml_response(document("ListBucketResult", _result(call, page, limit, more=more)))


async def list_objects_v1(call: Call) -> Response:
    """ListObjects: the same, continued by the last name that was seen."""
    query = call.request.query
    marker, delimiter = query.get("marker", "").encode(), query.get("delimiter", "").encode()
    page, limit, more = await _page(call, _after(marker, delimiter, query.get("prefix", "")))
    encoded = query.get("encoding-type") == "url"
    pairs = [("Marker", _shown(marker, encoded=encoded)), *_common(call, limit, more=more)]
    if more and delimiter:
        last = page[-1]
        name = last if isinstance(last, bytes) else last.key
        pairs.append(("NextMarker", _shown(name, encoded=encoded)))
    return xml_response(
        document("ListBucketResult", pairs + [_entry(entry, encoded=encoded) for entry in page])
    )


def _after(marker: bytes, delimiter: bytes, prefix: str) -> bytes:
    """Where to go on after a name; after a common prefix, behind all that it stands for."""
    if not marker:
        return b""
    start = len(prefix.encode())
    cut = marker.find(delimiter, start) if delimiter else -1
    is_common = cut >= 0 and cut + len(delimiter) == len(marker)
    return marker + (_AFTER_ALL if is_common else b"\0")


async def _page(call: Call, start: bytes) -> tuple[list[Entry], int, bool]:
    """Entries from `start` on, how many there may be, and whether more follow."""
    query = call.request.query
    limit = min(number_of(query.get("max-keys", str(_PAGE)), "max-keys", 0, 2**31), _PAGE)
    prefix, delimiter = query.get("prefix", "").encode(), query.get("delimiter", "").encode()
    entries = await call.store.read(
        lambda db: _collect(
            db, call.request.bucket, prefix, delimiter, max(prefix, start), limit + 1
        )
    )
    return entries[:limit], limit, limit > 0 and len(entries) > limit


def _start(call: Call) -> bytes:
    query = call.request.query
    token = query.get("continuation-token")
    if token is not None:
        return _read_token(token)
    after = query.get("start-after")
    return b"" if after is None else after.encode() + b"\0"


def _read_token(token: str) -> bytes:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise S3Error("InvalidArgument", "The continuation token is not valid.") from None


def _collect(
    db: sqlite3.Connection, bucket: str, prefix: bytes, delimiter: bytes, start: bytes, limit: int
) -> list[Entry]:
    entries: list[Entry] = []
    while len(entries) < limit:
        jump = None
        for stored in index.list_objects(db, bucket, start, limit - len(entries)):
            if not stored.key.startswith(prefix):
                return entries
            cut = stored.key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                entries.append(stored)
                start = stored.key + b"\0"
                continue
            common = stored.key[: cut + len(delimiter)]
            jump = common + _AFTER_ALL  # no UTF-8 key sorts above it within the prefix
            if jump > start:
                entries.append(common)
            break
        if jump is None:
            return entries
        start = jump
    return entries


def _common(call: Call, limit: int, *, more: bool) -> list[tuple[str, object]]:
    """What both versions of the listing begin with."""
    query = call.request.query
    encoded = query.get("encoding-type") == "url"
    pairs: list[tuple[str, object]] = [
        ("Name", call.request.bucket),
        ("Prefix", _shown(query.get("prefix", "").encode(), encoded=encoded)),
        ("MaxKeys", limit),
        ("IsTruncated", "true" if more else "false"),
    ]
    if "delimiter" in query:
        pairs.append(("Delimiter", _shown(query["delimiter"].encode(), encoded=encoded)))
    if encoded:
        pairs.append(("EncodingType", "url"))
    return pairs


def _result(call: Call, page: list[Entry], limit: int, *, more: bool) -> list[tuple[str, object]]:
    query = call.request.query
    encoded = query.get("encoding-type") == "url"
    pairs = [*_common(call, limit, more=more), ("KeyCount", len(page))]
    if "start-after" in query:
        pairs.append(("StartAfter", _shown(query["start-after"].encode(), encoded=encoded)))
    if "continuation-token" in query:
        pairs.append(("ContinuationToken", query["continuation-token"]))
    if more:
        pairs.append(("NextContinuationToken", _token(page[-1])))
    return pairs + [_entry(entry, encoded=encoded) for entry in page]


def _token(last: Entry) -> str:
    after = last + _AFTER_ALL if isinstance(last, bytes) else last.key + b"\0"
    return base64.urlsafe_b64encode(after).decode()


def _entry(entry: Entry, *, encoded: bool) -> tuple[str, object]:
    if isinstance(entry, bytes):
        return "CommonPrefixes", [("Prefix", _shown(entry, encoded=encoded))]
    return "Contents", [
        ("Key", _shown(entry.key, encoded=encoded)),
        ("LastModified", iso_time(entry.modified_ms)),
        ("ETag", f'"{entry.etag}"'),
        ("Size", entry.size),
        ("StorageClass", "STANDARD"),
    ]


def _shown(key: bytes, *, encoded: bool) -> str:
    return quote(key, safe="/-_.~*") if encoded else key.decode("utf-8", "replace")


async def list_uploads(call: Call) -> Response:
    """Open multipart uploads by key, then id."""
    query = call.request.query
    if query.get("delimiter"):
        raise S3Error("NotImplemented", "A delimiter is not supported here.")
    limit = number_of(query.get("max-uploads", str(_PAGE)), "max-uploads", 1, _PAGE)
    prefix = query.get("prefix", "").encode()
    marker = query.get("key-marker", "").encode()
    # Without an id marker S3 skips the whole marker key; "g" is above every hex id.
    after = (marker, query.get("upload-id-marker") or "g" * bool(marker))
    after = max(after, (prefix, "")) if prefix else after
    uploads = await call.store.read(
        lambda db: index.list_uploads(
            db, call.request.bucket, after, prefix + _AFTER_ALL, limit + 1
        )
    )
    page, more = uploads[:limit], len(uploads) > limit
    encoded = query.get("encoding-type") == "url"
    pairs: list[tuple[str, object]] = [
        ("Bucket", call.request.bucket),
        ("KeyMarker", _shown(marker, encoded=encoded)),
        ("UploadIdMarker", query.get("upload-id-marker", "")),
        ("MaxUploads", limit),
        ("IsTruncated", "true" if more else "false"),
    ]
    if encoded:
        pairs.append(("EncodingType", "url"))
    if more:
        pairs.append(("NextKeyMarker", _shown(page[-1].key, encoded=encoded)))
        pairs.append(("NextUploadIdMarker", page[-1].id))
    pairs += [("Upload", _upload_pairs(upload, encoded=encoded)) for upload in page]
    return xml_response(document("ListMultipartUploadsResult", pairs))


def _upload_pairs(upload: index.Upload, *, encoded: bool) -> list[tuple[str, object]]:
    return [
        ("Key", _shown(upload.key, encoded=encoded)),
        ("UploadId", upload.id),
        ("StorageClass", "STANDARD"),
        ("Initiated", iso_time(upload.started_ms)),
    ]
