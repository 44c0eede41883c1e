"""The object store over S3, by aiobotocore; HEAD by connections of its own.

The server's own key signs only what the server sends itself to ``endpoint``; presigned URLs name
``public_endpoint`` and bear the least-privilege keys (ADR-0011).

Error handling: a request is tried twice at most, within bounded times. No connection, a timeout
and 5xx are ``DependencyDown``. So is what means that a setting is wrong (403, no such bucket): the
daemon does not start with one, but a key may be revoked later, and come back. Any other answer that
was not expected is a bug.
"""

import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any
from urllib.parse import quote

import aiohttp
import trio
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from attrs import evolve, frozen
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.httpsession import get_cert_path

from bitvault.drivers import aio
from bitvault.drivers.objects.answers import completed, object_info, part_info
from bitvault.drivers.objects.heads import Heads, NoAnswer
from bitvault.drivers.objects.port import (
    Capabilities,
    MultipartGone,
    MultipartInvalid,
    ObjectInfo,
    PartInfo,
    Signed,
)
from bitvault.drivers.objects.probe import StoreUnfit, http_sender, probe
from bitvault.drivers.objects.signing import PROVEN, TransferSigner
from bitvault.drivers.objects.sigv4 import AccessKey, Presigner
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.kernel.refusal import DependencyDown

SYSTEM = "object store"
_CHUNK = 1 << 20
_PAGE = 1000
_SERVER_ERROR = 500
_CLOSE_SECONDS = 5.0
_INVALID = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest"})
_NOT_OFFERED = frozenset({"NotImplemented", "MethodNotAllowed", "AccessDenied"})
_THROTTLED = frozenset({"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"})


@frozen
class S3Options:
    """Where the store is, and the three identities BitVault uses it with."""

    endpoint: str
    public_endpoint: str
    region: str
    bucket: str
    server_key: AccessKey
    read_key: AccessKey
    write_key: AccessKey
    connect_timeout: float = 3.0
    read_timeout: float = 20.0
    connections: int = 32


@asynccontextmanager
async def open_objects(
    options: S3Options, clock: Clock, ids: Ids
) -> AsyncIterator["S3ObjectStore"]:
    """Connect, probe, and yield a store that knows what its server keeps.

    Raises:
        StoreUnfit: the store accepts forged signatures, or refuses honest uploads; a setting is
            named where one is to blame.
        DependencyDown: it does not answer.
    """
    async with _opened(options) as client:
        private = evolve(options, public_endpoint=options.endpoint)
        with closing(_heads(options, clock)) as heads:
            found = await _found_out(S3ObjectStore(client, heads, private, clock, PROVEN), ids)
            yield S3ObjectStore(client, heads, options, clock, found)


@asynccontextmanager
async def _opened(options: S3Options, attempts: int = 2) -> AsyncIterator[Any]:
    """Yield a client, closed in the end for a bounded time.

    Raises:
        StoreUnfit: naming the setting that cannot be one.
    """
    opening = get_session().create_client("s3", **_client_arguments(options, attempts))
    try:
        client = await aio.call(opening.__aenter__)
    except ValueError as error:  # botocore's own for a host or a region that cannot be one
        name = "region" if "region" in str(error).lower() else "endpoint"
        raise StoreUnfit(f"objects.{name}: {error}") from error
    try:
        yield client
    finally:
        with trio.move_on_after(_CLOSE_SECONDS, shield=True):
            await aio.call(opening.__aexit__, None, None, None)


async def _found_out(store: "S3ObjectStore", ids: Ids) -> Capabilities:
    """Probe the store; what it refuses to the server's own key is a setting that is wrong."""
    prefix = f"blobs/probe-{ids.secret(12).hex()}"
    try:
        await store.list_prefix(prefix, 1)
        async with http_sender() as send:
            return await probe(store, send, prefix)
    except ClientError as error:
        raise StoreUnfit(_refused("endpoint", error)) from error
    except DependencyDown as error:
        cause = error.__cause__
        if isinstance(cause, ParamValidationError):
            raise StoreUnfit("objects.bucket: this is no name for a bucket") from error
        if isinstance(cause, ClientError) and (setting := _wrong_setting(cause)):
            raise StoreUnfit(_refused(setting, cause)) from error
        raise


_SETTING_OF = {
    "NoSuchBucket": "bucket",
    "InvalidBucketName": "bucket",
    "AuthorizationHeaderMalformed": "region",
    "IllegalLocationConstraintException": "region",
    "PermanentRedirect": "region",
    "301": "region",
}
_NOT_LET_IN = frozenset({401, 403})


def _wrong_setting(error: ClientError) -> str:
    """Name the setting that the store does not take; empty: it is something else."""
    of_the_key = "credentials_file" if _status(error) in _NOT_LET_IN else ""
    return _SETTING_OF.get(_code(error), of_the_key)


def _refused(setting: str, error: ClientError) -> str:
    code = _code(error) or "no reason given"
    return f"objects.{setting}: the object store refuses it ({code}, HTTP {_status(error)})"


@asynccontextmanager
async def open_look(options: S3Options) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Yield what asks the store whether it serves us, on a connection beside the driver's."""
    quick = evolve(options, connect_timeout=1.0, read_timeout=2.0, connections=1)
    async with _opened(quick, attempts=1) as client:

        async def look() -> None:
            await _guarded(client.head_bucket, Bucket=quick.bucket)

        yield look


def _client_arguments(options: S3Options, attempts: int = 2) -> Mapping[str, Any]:
    config = AioConfig(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        max_pool_connections=options.connections,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return {
        "endpoint_url": options.endpoint,
        "region_name": options.region,
        "aws_access_key_id": options.server_key.key_id,
        "aws_secret_access_key": options.server_key.secret,
        "config": config,
    }


def _heads(options: S3Options, clock: Clock) -> Heads:
    place = (options.endpoint, options.region, options.bucket)
    return Heads(
        Presigner(*place, options.server_key),
        clock,
        options.connections,
        options.connect_timeout,
        options.read_timeout,
        _trusted,
    )


def _trusted() -> ssl.SSLContext:
    """Trust whom botocore trusts: AWS_CA_BUNDLE, or else the authorities that come with it."""
    named = get_session().get_config_variable("ca_bundle")
    return ssl.create_default_context(cafile=get_cert_path(named or True))


class S3ObjectStore:
    """An ``ObjectStore`` over one bucket; made by ``open_objects``."""

    def __init__(
        self,
        client: Any,
        heads: Heads,
        options: S3Options,
        clock: Clock,
        capabilities: Capabilities,
    ) -> None:
        self._client, self._heads = client, heads
        self._bucket = options.bucket
        self._capabilities = capabilities
        place = (options.public_endpoint or options.endpoint, options.region, options.bucket)
        self._signer = TransferSigner(
            Presigner(*place, options.write_key), Presigner(*place, options.read_key), clock
        )

    @property
    def capabilities(self) -> Capabilities:
        """Return what the probe proved."""
        return self._capabilities

    def sign_put(self, key: str, size: int, sha256: bytes | None, ttl: float) -> Signed:
        """Sign one PUT with the write key."""
        return self._signer.put(key, size, sha256, ttl, self._capabilities)

    def sign_part(
        self, key: str, multipart_id: str, number: int, size: int, sha256: bytes | None, ttl: float
    ) -> Signed:
        """Sign one part with the write key."""
        can = self._capabilities
        return self._signer.part(key, multipart_id, number, size, sha256, ttl, can)

    def sign_get(self, key: str, ttl: float, content_type: str, disposition: str) -> Signed:
        """Sign a GET with the read key."""
        return self._signer.get(key, ttl, content_type, disposition)

    async def head(self, key: str) -> ObjectInfo | None:
        """HeadObject with its checksums; what is neither yes nor no is asked again by botocore."""
        try:
            answer = await self._heads.ask(key)
        except NoAnswer as error:
            raise DependencyDown(SYSTEM, repr(error), unknown=True) from error
        if answer.is_missing:
            return None
        if answer.describes:
            return answer.info(key)
        found = await self._call_or_none("head_object", Key=key, ChecksumMode="ENABLED")
        if found is None:
            return None
        checksum = str(found.get("ChecksumSHA256", ""))
        return object_info(key, found["ContentLength"], found["ETag"], checksum)

    async def list_prefix(self, prefix: str, limit: int) -> Sequence[ObjectInfo]:
        """ListObjectsV2, page by page."""
        found: list[ObjectInfo] = []
        more: dict[str, str] = {}
        while len(found) < limit:
            count = min(_PAGE, limit - len(found))
            page = await self._call("list_objects_v2", Prefix=prefix, MaxKeys=count, **more)
            found += [
                ObjectInfo(item["Key"], item["Size"], item["ETag"])
                for item in page.get("Contents", ())
            ]
            if not page.get("IsTruncated"):
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
        return found

    async def create_multipart(self, key: str) -> str:
        """CreateMultipartUpload with SHA-256 checksums."""
        opened = await self._call("create_multipart_upload", Key=key, ChecksumAlgorithm="SHA256")
        return str(opened["UploadId"])

    async def list_multiparts(self, key: str) -> Sequence[str]:
        """ListMultipartUploads of one key; none where the store does not offer or allow it."""
        try:
            page = await self._call("list_multipart_uploads", Prefix=key, MaxUploads=_PAGE)
        except (ClientError, DependencyDown) as error:
            if _is_not_offered(error):
                return ()
            raise
        return [str(one["UploadId"]) for one in page.get("Uploads", ()) if one["Key"] == key]

    async def list_parts(self, key: str, multipart_id: str) -> Sequence[PartInfo]:
        """ListParts, page by page."""
        found: list[PartInfo] = []
        more: dict[str, int] = {}
        while True:
            page = await self._call(
                "list_parts", Key=key, UploadId=multipart_id, MaxParts=_PAGE, **more
            )
            found += [part_info(item) for item in page.get("Parts", ())]
            if not page.get("IsTruncated"):
                return found
            more = {"PartNumberMarker": int(page["NextPartNumberMarker"])}

    async def complete_multipart(
        self, key: str, multipart_id: str, parts: Sequence[PartInfo]
    ) -> None:
        """CompleteMultipartUpload; botocore turns a 200 with an error inside into an error."""
        listed = {"Parts": [completed(part) for part in parts]}
        await self._call(
            "complete_multipart_upload", Key=key, UploadId=multipart_id, MultipartUpload=listed
        )

    async def abort_multipart(self, key: str, multipart_id: str) -> None:
        """AbortMultipartUpload."""
        try:
            await self._call("abort_multipart_upload", Key=key, UploadId=multipart_id)
        except MultipartGone:
            return

    async def sha256_of(self, key: str, part_size: int | None) -> bytes | None:
        """Read the whole object through this process and hash it."""
        found = await self._call_or_none("get_object", Key=key)
        if found is None:
            return None
        digest: bytes = await _guarded(_hash_stream, found["Body"], part_size)
        return digest

    async def copy(self, source: str, target: str, etag: str) -> bool:
        """CopyObject if the source is unchanged; up to 5 GiB (S3's bound)."""
        origin = f"{self._bucket}/{quote(source)}"
        copied = await self._call_or_none(
            "copy_object", Key=target, CopySource=origin, CopySourceIfMatch=etag
        )
        return copied is not None

    async def delete(self, key: str) -> None:
        """DeleteObject."""
        await self._call("delete_object", Key=key)

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return await _guarded(getattr(self._client, operation), Bucket=self._bucket, **arguments)

    async def _call_or_none(self, operation: str, **arguments: Any) -> Any | None:
        """Call; None when the object is not there or is not the one meant."""
        try:
            return await self._call(operation, **arguments)
        except ClientError as error:
            if _code(error) in {"NoSuchKey", "404", "NotFound", "PreconditionFailed", "412"}:
                return None
            raise


async def _guarded(function: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
    """Call across the border, and name what the store says in the port's terms."""
    try:
        return await aio.call(function, *args, **options)
    except ClientError as error:
        raise _meaning(error) from error
    except (TimeoutError, BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise DependencyDown(SYSTEM, repr(error), unknown=True) from error


def _meaning(error: ClientError) -> Exception:
    code, status = _code(error), _status(error)
    if code == "NoSuchUpload":
        return MultipartGone()
    if code in _INVALID:
        return MultipartInvalid(code)
    if status >= _SERVER_ERROR or code in _THROTTLED:
        return DependencyDown(SYSTEM, f"{code} (HTTP {status})", unknown=True)
    if setting := _wrong_setting(error):
        return DependencyDown(SYSTEM, _refused(setting, error))
    refused: Exception = error
    return refused


def _is_not_offered(error: Exception) -> bool:
    """Tell "I don't do that" from "I am down": it may come as 501."""
    said = error if isinstance(error, ClientError) else error.__cause__
    return isinstance(said, ClientError) and _code(said) in _NOT_OFFERED


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))


async def _hash_stream(body: Any, part_size: int | None) -> bytes:
    whole, part, left = hashlib.sha256(), hashlib.sha256(), part_size or 0
    async with body:
        while chunk := await body.read(min(_CHUNK, left) if part_size else _CHUNK):
            part.update(chunk)
            left -= len(chunk)
            if part_size and left == 0:
                whole.update(part.digest())
                part, left = hashlib.sha256(), part_size
    if not part_size:
        return part.digest()
    if left < part_size:
        whole.update(part.digest())
    return whole.digest()
