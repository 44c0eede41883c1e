"""One table: what a request asks for, who may, and which parameters it understands.

A parameter, a subresource or an `x-amz-*` header the store does not understand is refused, never
ignored: an ignored constraint is a broken promise.
"""

from collections.abc import Awaitable, Callable, Mapping

import attrs

from bitvault.objectd import listing, multipart, objects
from bitvault.objectd.credentials import Key
from bitvault.objectd.errors import S3Error
from bitvault.objectd.operation import Call, Response
from bitvault.objectd.request import Request
from bitvault.objectd.sigv4 import AUTH_PARAMETERS

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
_IGNORED = AUTH_PARAMETERS | {"x-id"}
_RESPONSE = frozenset(
    f"response-{name}"
    for name in (
        "content-type",
        "content-disposition",
        "content-encoding",
        "content-language",
        "cache-control",
        "expires",
    )
)
_READING = _RESPONSE | {"partNumber"}
_PAGING = frozenset({"prefix", "delimiter", "encoding-type"})
_HEADERS = frozenset(
    {
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-checksum-algorithm",
        "x-amz-checksum-mode",
        "x-amz-checksum-type",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-copy-source",
        "x-amz-copy-source-range",
        "x-amz-copy-source-if-match",
        "x-amz-copy-source-if-none-match",
        "x-amz-copy-source-if-modified-since",
        "x-amz-copy-source-if-unmodified-since",
        "x-amz-metadata-directive",
        "x-amz-mp-object-size",
        "x-amz-user-agent",
    }
)
_ONLY_VALUE = {
    "x-amz-acl": "private",
    "x-amz-storage-class": "STANDARD",
    "x-amz-bucket-object-lock-enabled": "false",
}
_OPEN_HEADERS = ("x-amz-meta-", "x-amz-checksum-")


@attrs.frozen
class Operation:
    """An S3 operation.

    Attributes:
        permission: what the key must hold for the bucket and key (or listed prefix).
        required: parameters that select it, beside method and resource.
        optional: further parameters it understands.
        has_body: whether Content-Length is mandatory.
    """

    handler: Callable[[Call], Awaitable[Response]]
    permission: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    has_body: bool = False


def _operation(
    handler: Callable[[Call], Awaitable[Response]],
    permission: str,
    required: str = "",
    optional: frozenset[str] = frozenset(),
    *,
    has_body: bool = False,
) -> Operation:
    return Operation(handler, permission, frozenset(required.split()), optional, has_body)


_UPLOADS = _PAGING | {"max-uploads", "key-marker", "upload-id-marker"}
_OBJECTS = _PAGING | {"max-keys"}
_OBJECTS_V2 = _OBJECTS | {"continuation-token", "start-after", "fetch-owner"}
_PARTS = frozenset({"max-parts", "part-number-marker", "encoding-type"})

# (method, resource) → candidates, the most specific first.
OPERATIONS: Mapping[tuple[str, str], tuple[Operation, ...]] = {
    ("GET", "service"): (_operation(listing.list_buckets, "admin"),),
    ("PUT", "bucket"): (_operation(listing.create_bucket, "admin"),),
    ("HEAD", "bucket"): (_operation(listing.head_bucket, "admin"),),
    ("GET", "bucket"): (
        _operation(listing.list_uploads, "admin", "uploads", _UPLOADS),
        _operation(listing.list_objects, "admin", "list-type", _OBJECTS_V2),
        _operation(listing.list_objects_v1, "admin", "", _OBJECTS | {"marker"}),
    ),
    ("PUT", "object"): (
        _operation(multipart.upload_part, "write", "partNumber uploadId", has_body=True),
        _operation(objects.put_object, "write", has_body=True),
    ),
    ("POST", "object"): (
        _operation(multipart.create_upload, "admin", "uploads"),
        _operation(multipart.complete_upload, "admin", "uploadId", has_body=True),
    ),
    ("GET", "object"): (
        _operation(multipart.list_parts, "admin", "uploadId", _PARTS),
        _operation(objects.get_object, "read", "", _READING),
    ),
    ("HEAD", "object"): (_operation(objects.get_object, "read", "", _READING),),
    ("DELETE", "object"): (
        _operation(multipart.abort_upload, "admin", "uploadId"),
        _operation(objects.delete_object, "admin"),
    ),
}
# With x-amz-copy-source, what has a body otherwise takes it from another object.
COPIES: Mapping[Callable[[Call], Awaitable[Response]], Operation] = {
    objects.put_object: _operation(objects.copy_object, "write"),
    multipart.upload_part: _operation(multipart.copy_part, "write"),
}


def route(request: Request) -> Operation:
    """Find the operation.

    Raises:
        S3Error: MethodNotAllowed, NotImplemented or MissingContentLength.
    """
    _check_headers(request.headers)
    resource = "object" if request.key else "bucket" if request.bucket else "service"
    candidates = OPERATIONS.get((request.method, resource))
    if candidates is None:
        raise S3Error("NotImplemented" if request.method in _METHODS else "MethodNotAllowed")
    asked = request.query.keys() - _IGNORED
    for operation in candidates:
        if operation.required <= asked <= operation.required | operation.optional:
            return _with_body(request, operation)
    raise S3Error("NotImplemented")


def _with_body(request: Request, operation: Operation) -> Operation:
    if "x-amz-copy-source" in request.headers:
        if operation.handler not in COPIES:
            raise S3Error("NotImplemented", "Only objects and parts are copied.")
        return COPIES[operation.handler]
    if operation.has_body and request.content_length is None:
        raise S3Error("MissingContentLength")
    return operation


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not name.startswith("x-amz-") or name in _HEADERS or name.startswith(_OPEN_HEADERS):
            continue
        if _ONLY_VALUE.get(name) != value:
            raise S3Error("NotImplemented", f"The header {name} is not supported.")


def authorize(request: Request, operation: Operation, key: Key) -> None:
    """Check the key's permission on what the request names.

    Raises:
        S3Error: AccessDenied.
    """
    name = request.key or request.query.get("prefix", "").encode()
    if not key.allows(operation.permission, request.bucket, name):
        raise S3Error("AccessDenied")
