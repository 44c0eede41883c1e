"""S3's error codes: one table, one exception.

An `S3Error` is a refusal on its way to the client; anything else that escapes a handler is a
bug or a failing disk. Source: Amazon S3 API reference, "Error responses".
"""

import errno
import sqlite3
from collections.abc import Mapping

CODES: Mapping[str, tuple[int, str]] = {
    "AccessDenied": (403, "Access Denied"),
    "AccessForbidden": (403, "CORSResponse: this origin, method or header is not allowed."),
    "AuthorizationHeaderMalformed": (400, "The authorization header is malformed."),
    "AuthorizationQueryParametersError": (400, "The query-string authentication is malformed."),
    "BadDigest": (400, "The checksum you specified did not match what we received."),
    "BucketAlreadyOwnedByYou": (409, "The bucket already exists and you own it."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size."),
    "EntityTooSmall": (400, "A part other than the last is smaller than the minimum part size."),
    "IncompleteBody": (400, "You did not provide the number of bytes of Content-Length."),
    "InsufficientStorage": (507, "The store's disk is full; nothing was written."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidAccessKeyId": (403, "The access key id you provided does not exist."),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidBucketName": (400, "The specified bucket is not valid."),
    "InvalidDigest": (400, "The Content-MD5 or checksum value is not valid."),
    "InvalidPart": (400, "A part was not found, or its ETag or checksum does not match."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidPartNumber": (416, "The requested partnumber is not satisfiable"),
    "InvalidRange": (416, "The requested range cannot be satisfied."),
    "InvalidRequest": (400, "The request is not valid."),
    "InvalidURI": (400, "Could not parse the specified URI."),
    "KeyTooLongError": (400, "Your key is too long: at most 1024 bytes."),
    "MalformedXML": (400, "The XML you provided was not well-formed or not of the schema."),
    "MaxMessageLengthExceeded": (400, "Your request was too big."),
    "MetadataTooLarge": (400, "Your metadata headers exceed 2048 bytes."),
    "MethodNotAllowed": (405, "The method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchUpload": (404, "The upload does not exist: it may be aborted or completed."),
    "NotImplemented": (501, "This store does not implement what the request asks for."),
    "PreconditionFailed": (412, "At least one of the preconditions did not hold."),
    "RequestHeaderSectionTooLarge": (431, "The request head is too large."),
    "RequestTimeTooSkewed": (403, "The request time and the server's differ too much."),
    "RequestTimeout": (408, "The request was not read within the timeout period."),
    "SignatureDoesNotMatch": (403, "The signature we calculated does not match yours."),
    "SlowDown": (503, "Please reduce your request rate."),
    "XAmzContentSHA256Mismatch": (400, "x-amz-content-sha256 does not match what we received."),
}

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class S3Error(Exception):
    """A refusal in S3's words.

    Attributes:
        code: one of `CODES`.
        status: the HTTP status that belongs to it.
        message: for people; never holds paths or secrets.
        headers: extra response headers, such as Content-Range of a 416.
    """

    def __init__(
        self, code: str, message: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.code = code
        self.status, default = CODES[code]
        self.message = message or default
        self.headers = dict(headers or {})
        super().__init__(code, self.message)


class StorageError(Exception):
    """The disk or the index refused an effect; the cause is chained."""


def from_storage(error: BaseException) -> S3Error:
    """Full disk is 507 (clients must not hammer it with retries), the rest is a plain 500."""
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return S3Error("InsufficientStorage")
    if isinstance(cause, sqlite3.Error) and _primary_code(cause) == sqlite3.SQLITE_FULL:
        return S3Error("InsufficientStorage")
    return S3Error("InternalError")


def _primary_code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF
