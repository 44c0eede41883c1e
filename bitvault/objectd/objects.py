"""PutObject, GetObject, HeadObject, DeleteObject and CopyObject."""

import sqlite3
from collections.abc import Mapping
from urllib.parse import unquote

import attrs

from bitvault.objectd import index
from bitvault.objectd.body import Body
from bitvault.objectd.conditions import check_read, check_write, part_range, read_range
from bitvault.objectd.digests import Digests, etag_of
from bitvault.objectd.effects import http_date, iso_time
from bitvault.objectd.errors import S3Error
from bitvault.objectd.operation import MAX_PARTS, MAX_PUT, Call, Content, Response, xml_response
from bitvault.objectd.receive import INLINE_BYTES, receive
from bitvault.objectd.request import Request, parse_request
from bitvault.objectd.store import Opened
from bitvault.objectd.xmlform import document

_KEPT = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_META = "x-amz-meta-"
_MAX_META = 2048
_MAX_DIGITS = 12
_USER_CONTENT = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
}


async def put_object(call: Call) -> Response:
    """Store a body under a key, atomically, if every claim about it holds."""
    request = call.request
    check_body_length(call.body)
    digests = Digests(request.headers, call.claim.payload)
    headers = kept_headers(request.headers)
    if call.body.length > INLINE_BYTES:
        await call.store.read(lambda db: check_target(db, call))  # before a large body, and again
    received = await receive(call.body, digests, call.store.files)
    stored = index.StoredObject(
        bucket=request.bucket,
        key=request.key,
        content=received.blob,
        size=received.size,
        etag=etag_of(received.checksums["sha256"]),
        checksums=received.checksums,
        headers=headers,
        modified_ms=call.now_ms,
    )

    def commit(db: sqlite3.Connection) -> None:
        check_target(db, call)
        received.keep_inline(db)
        index.add_segments(db, stored.content, [(received.blob, received.size)])
        index.put_object(db, stored)

    await call.store.committer.run(commit, received.pending_files)
    return Response(200, {"etag": f'"{stored.etag}"'} | checksum_headers(stored.checksums))


def check_body_length(body: Body) -> None:
    """S3's limit for one PUT."""
    if body.length > MAX_PUT:
        raise S3Error("EntityTooLarge")


def check_target(db: sqlite3.Connection, call: Call) -> None:
    """Evaluate write conditions in the transaction that will write."""
    current = index.find_object(db, call.request.bucket, call.request.key)
    check_write(call.request.headers, None if current is None else current.etag)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The request headers an object answers with later."""
    encoding = headers.get("content-encoding", "")
    if "aws-chunked" in encoding:
        raise S3Error("NotImplemented", "aws-chunked bodies are not supported.")
    meta = {name: value for name, value in headers.items() if name.startswith(_META)}
    if sum(len(name) - len(_META) + len(value) for name, value in meta.items()) > _MAX_META:
        raise S3Error("MetadataTooLarge")
    return {name: headers[name] for name in _KEPT if name in headers} | meta


def checksum_headers(checksums: Mapping[str, str]) -> dict[str, str]:
    """`x-amz-checksum-*` of proven checksums, and their type."""
    kind = "COMPOSITE" if "-" in checksums.get("sha256", "") else "FULL_OBJECT"
    return {f"x-amz-checksum-{name}": value for name, value in checksums.items()} | {
        "x-amz-checksum-type": kind
    }


async def get_object(call: Call) -> Response:
    """Answer an object or one range of it; HEAD is the same without the bytes."""
    request = call.request
    opened = await call.store.open_object(request.bucket, request.key)
    if opened is None:
        raise S3Error("NoSuchKey")
    try:
        response = _answer(call, opened)
    except BaseException:
        call.store.release(opened)
        raise
    span = response[1]
    if span is None or request.method == "HEAD":
        call.store.release(opened)
        return response[0]
    return attrs.evolve(response[0], body=Content(opened, span))


def _answer(call: Call, opened: Opened) -> tuple[Response, range | None]:
    request, stored = call.request, opened.stored
    modified = stored.modified_ms // 1000
    headers = {"etag": f'"{stored.etag}"', "last-modified": http_date(modified)}
    if not check_read(request.headers, stored.etag, modified):
        return Response(304, headers), None
    span = _part(request, opened, headers)
    if span is None:
        span = read_range(request.headers, stored.size, stored.etag, modified)
    headers |= {"accept-ranges": "bytes", "content-type": "binary/octet-stream"}
    headers |= _USER_CONTENT | dict(stored.headers) | _overrides(request.query)
    if span:
        headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{stored.size}"
    elif request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers |= checksum_headers(stored.checksums)
    body = span or range(stored.size)
    headers["content-length"] = str(len(body))
    return Response(206 if span else 200, headers), body


def _part(request: Request, opened: Opened, headers: dict[str, str]) -> range | None:
    """The bytes of the part that is asked for; an object put in one piece is its own part 1."""
    if "partNumber" not in request.query:
        return None
    if "range" in request.headers:
        raise S3Error("InvalidRequest", "Range and partNumber exclude each other.")
    number = number_of(request.query["partNumber"], "partNumber", 1, MAX_PARTS)
    sizes = [segment.size for segment in opened.segments]
    if "-" in opened.stored.etag:
        headers["x-amz-mp-parts-count"] = str(len(sizes))
    return part_range(number, sizes)


def _overrides(query: Mapping[str, str]) -> dict[str, str]:
    headers = {
        n.removeprefix("response-"): v for n, v in query.items() if n.startswith("response-")
    }
    for value in headers.values():
        if not value.isprintable() or not value.isascii():
            raise S3Error("InvalidArgument", "response-* values must be printable ASCII.")
    return headers


async def delete_object(call: Call) -> Response:
    """Remove a key; a missing one is no error."""
    request = call.request

    def commit(db: sqlite3.Connection) -> None:
        if index.find_object(db, request.bucket, request.key) is None:
            return  # whatever If-Match says: the key is gone, which is what was asked for
        if "if-match" in request.headers:
            check_target(db, call)
        index.delete_object(db, request.bucket, request.key)

    await call.store.committer.run(commit)
    return Response(204)


async def copy_object(call: Call) -> Response:
    """Make a key share another's content: no byte moves, whatever the size."""
    bucket, key = copy_source(call)
    directive = call.request.headers.get("x-amz-metadata-directive", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise S3Error("InvalidArgument", "x-amz-metadata-directive must be COPY or REPLACE.")
    if (bucket, key, directive) == (call.request.bucket, call.request.key, "COPY"):
        raise S3Error("InvalidRequest", "A copy onto itself must replace something.")
    replacement = kept_headers(call.request.headers) if directive == "REPLACE" else None

    def commit(db: sqlite3.Connection) -> index.StoredObject:
        source = index.find_object(db, bucket, key)
        if source is None:
            raise S3Error("NoSuchKey")
        check_copy_source(call, source)
        check_target(db, call)
        copied = attrs.evolve(
            source,
            bucket=call.request.bucket,
            key=call.request.key,
            headers=source.headers if replacement is None else replacement,
            modified_ms=call.now_ms,
        )
        index.put_object(db, copied)
        return copied

    copied = await call.store.committer.run(commit)
    result = [("LastModified", iso_time(copied.modified_ms)), ("ETag", f'"{copied.etag}"')]
    result += checksum_pairs(copied.checksums)
    return xml_response(document("CopyObjectResult", result))


def checksum_pairs(checksums: Mapping[str, str]) -> list[tuple[str, str]]:
    """XML elements `ChecksumSHA256`, … of proven checksums."""
    return [(f"Checksum{name.upper()}", value) for name, value in checksums.items()]


def check_copy_source(call: Call, source: index.StoredObject) -> None:
    """Evaluate the conditions on the source; what would be 304 for a read is 412 for a copy."""
    modified = source.modified_ms // 1000
    if not check_read(call.request.headers, source.etag, modified, "x-amz-copy-source-"):
        raise S3Error("PreconditionFailed")


def number_of(text: str, name: str, lowest: int, highest: int) -> int:
    """A bounded decimal parameter.

    Raises:
        S3Error: InvalidArgument.
    """
    valid = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not valid or not lowest <= int(text) <= highest:
        raise S3Error("InvalidArgument", f"{name} must be between {lowest} and {highest}.")
    return int(text)


def copy_source(call: Call) -> tuple[str, bytes]:
    """The bucket and key that a copy reads; the caller's key must be allowed to.

    Raises:
        S3Error: it names nothing, or nothing that may be read.
    """
    raw = call.request.headers["x-amz-copy-source"]
    if "?" in raw:
        raise S3Error("NotImplemented", "Versions are not supported.")
    source = parse_request("GET", raw if raw.startswith("/") else "/" + raw, [])
    bucket = unquote(source.bucket)
    if not source.key or bucket not in call.store.buckets:
        raise S3Error("NoSuchBucket" if source.key else "InvalidArgument")
    if not call.key.allows("read", bucket, source.key):
        raise S3Error("AccessDenied")
    return bucket, source.key
