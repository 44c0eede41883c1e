"""An object store in memory, for the simulator: every precondition, and switches to lie.

``honours`` says which promises it keeps; the conformance suite runs the same stories over it and
over real stores, so that it cannot drift from them. Clients reach it through ``send``, which checks
signatures, lengths and checksums as a store does. Multipart ids are counted, not drawn, so that a
simulated run is the same each time.
"""

import hashlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import trio
from attrs import evolve, field, frozen, mutable

from bitvault.drivers.objects.port import (
    Capabilities,
    MultipartGone,
    MultipartInvalid,
    ObjectInfo,
    PartInfo,
    Signed,
)
from bitvault.drivers.objects.probe import Answer
from bitvault.drivers.objects.signing import PROVEN, TransferSigner
from bitvault.drivers.objects.sigv4 import AccessKey, Presigner
from bitvault.kernel.clock import Clock

_MIN_PART = 5 << 20
_PRESIGNER = Presigner("http://objects.test", "memory", "bitvault", AccessKey("memory", "memory"))


@frozen
class _Stored:
    info: ObjectInfo
    data: bytes = field(repr=False)


@mutable
class _Multipart:
    key: str
    parts: dict[int, tuple[PartInfo, bytes]] = field(factory=dict)


@mutable(slots=False)
class MemoryObjectStore:
    """An ``ObjectStore``; ``capabilities`` may be set to what a probe found."""

    clock: Clock
    honours: Capabilities = PROVEN
    min_part: int = _MIN_PART
    capabilities: Capabilities = PROVEN
    _objects: dict[str, _Stored] = field(factory=dict, init=False)
    _multiparts: dict[str, _Multipart] = field(factory=dict, init=False)
    _opened: int = field(default=0, init=False)

    @property
    def _signer(self) -> TransferSigner:
        return TransferSigner(_PRESIGNER, _PRESIGNER, self.clock)

    def sign_put(self, key: str, size: int, sha256: bytes | None, ttl: float) -> Signed:
        """Sign one PUT."""
        return self._signer.put(key, size, sha256, ttl, self.capabilities)

    def sign_part(
        self, key: str, multipart_id: str, number: int, size: int, sha256: bytes | None, ttl: float
    ) -> Signed:
        """Sign one part."""
        can = self.capabilities
        return self._signer.part(key, multipart_id, number, size, sha256, ttl, can)

    def sign_get(self, key: str, ttl: float, content_type: str, disposition: str) -> Signed:
        """Sign a GET."""
        return self._signer.get(key, ttl, content_type, disposition)

    async def head(self, key: str) -> ObjectInfo | None:
        """Return what is held under ``key``."""
        await trio.lowlevel.checkpoint()
        stored = self._objects.get(key)
        return stored.info if stored else None

    async def list_prefix(self, prefix: str, limit: int) -> Sequence[ObjectInfo]:
        """Return the first objects below ``prefix``."""
        await trio.lowlevel.checkpoint()
        keys = sorted(key for key in self._objects if key.startswith(prefix))[:limit]
        return [evolve(self._objects[key].info, sha256=None) for key in keys]

    async def create_multipart(self, key: str) -> str:
        """Open a multipart upload."""
        await trio.lowlevel.checkpoint()
        self._opened += 1
        multipart_id = f"multipart-{self._opened}"
        self._multiparts[multipart_id] = _Multipart(key)
        return multipart_id

    async def list_multiparts(self, key: str) -> Sequence[str]:
        """Return the unfinished uploads to this key."""
        await trio.lowlevel.checkpoint()
        return [each for each, held in self._multiparts.items() if held.key == key]

    async def list_parts(self, key: str, multipart_id: str) -> Sequence[PartInfo]:
        """Return the parts in order."""
        await trio.lowlevel.checkpoint()
        parts = self._multipart(key, multipart_id).parts
        return [parts[number][0] for number in sorted(parts)]

    async def complete_multipart(
        self, key: str, multipart_id: str, parts: Sequence[PartInfo]
    ) -> None:
        """Join the parts, if they are the ones held."""
        await trio.lowlevel.checkpoint()
        held = self._multipart(key, multipart_id).parts
        chosen = [held.get(part.number) for part in parts]
        data, digests = b"", b""
        for index, (part, have) in enumerate(zip(parts, chosen, strict=True)):
            small = index < len(parts) - 1 and part.size < self.min_part
            if have is None or have[0].etag != part.etag or small:
                raise MultipartInvalid
            data += have[1]
            digests += hashlib.sha256(have[1]).digest()
        if not chosen:
            raise MultipartInvalid
        sha256 = hashlib.sha256(digests).digest() if self.honours.composite_checksum else None
        etag = f'{_etag(data)[:-1]}-{len(parts)}"'
        info = ObjectInfo(key, len(data), etag, sha256, len(parts))
        self._objects[key] = _Stored(info, data)
        del self._multiparts[multipart_id]

    async def abort_multipart(self, key: str, multipart_id: str) -> None:
        """Drop an unfinished upload."""
        await trio.lowlevel.checkpoint()
        if multipart_id in self._multiparts and self._multiparts[multipart_id].key == key:
            del self._multiparts[multipart_id]

    async def sha256_of(self, key: str, part_size: int | None) -> bytes | None:
        """Hash the bytes held."""
        await trio.lowlevel.checkpoint()
        stored = self._objects.get(key)
        if stored is None:
            return None
        if part_size is None:
            return hashlib.sha256(stored.data).digest()
        starts = range(0, len(stored.data), part_size)
        digests = [hashlib.sha256(stored.data[at : at + part_size]).digest() for at in starts]
        return hashlib.sha256(b"".join(digests)).digest()

    async def copy(self, source: str, target: str, etag: str) -> bool:
        """Copy if the source still has ``etag``."""
        await trio.lowlevel.checkpoint()
        stored = self._objects.get(source)
        if stored is None or stored.info.etag != etag:
            return False
        self._objects[target] = _Stored(evolve(stored.info, key=target), stored.data)
        return True

    async def delete(self, key: str) -> None:
        """Forget an object."""
        await trio.lowlevel.checkpoint()
        self._objects.pop(key, None)

    def _multipart(self, key: str, multipart_id: str) -> _Multipart:
        held = self._multiparts.get(multipart_id)
        if held is None or held.key != key:
            raise MultipartGone
        return held

    # What a client sees

    async def send(self, signed: Signed, body: bytes = b"") -> Answer:
        """Serve a presigned request the way a store would."""
        await trio.lowlevel.checkpoint()
        if not self._authentic(signed, body):
            return Answer(403)
        parts = urlsplit(signed.url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        key = unquote(parts.path).removeprefix("/bitvault/")
        if signed.method == "GET":
            stored = self._objects.get(key)
            return Answer(200, stored.info.etag, stored.data) if stored else Answer(404)
        if "uploadId" in query:
            return self._put_part(key, query, signed.headers, body)
        return self._put(key, signed.headers, body)

    def _authentic(self, signed: Signed, body: bytes) -> bool:
        """Sign the request as it came, with its own date, and compare."""
        parts = urlsplit(signed.url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        stamp = query.get("X-Amz-Date", "")
        if not stamp:
            return False
        when = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ttl = int(query["X-Amz-Expires"])
        headers = dict(signed.headers)
        if "content-length" in headers and self.honours.signed_length:
            headers["content-length"] = str(len(body))
        ours = _PRESIGNER.sign(
            signed.method,
            unquote(parts.path).removeprefix("/bitvault/"),
            now=when,
            ttl=ttl,
            query=[pair for pair in query.items() if not pair[0].startswith("X-Amz-")],
            headers=headers,
        )
        genuine = ours.url == signed.url or not self.honours.forged_signature_refused
        return genuine and self.clock.now() < ours.expires_at

    def _put(self, key: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.honours.write_once and "if-none-match" in headers and key in self._objects:
            return Answer(412)
        if self.honours.signed_checksum and not _checksum_holds(headers, body):
            return Answer(400)
        sha256 = hashlib.sha256(body).digest() if "x-amz-checksum-sha256" in headers else None
        self._objects[key] = _Stored(ObjectInfo(key, len(body), _etag(body), sha256), body)
        return Answer(200, _etag(body))

    def _put_part(
        self, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        held = self._multiparts.get(query["uploadId"])
        if held is None or held.key != key:
            return Answer(404)
        if self.honours.part_checksum and not _checksum_holds(headers, body):
            return Answer(400)
        number = int(query["partNumber"])
        digest = hashlib.sha256(body).digest()
        held.parts[number] = (PartInfo(number, len(body), _etag(body), digest), body)
        return Answer(200, _etag(body))


def _etag(data: bytes) -> str:
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return f'"{digest}"'


def _checksum_holds(headers: Mapping[str, str], body: bytes) -> bool:
    claimed = headers.get("x-amz-checksum-sha256")
    return claimed is None or b64decode(claimed) == hashlib.sha256(body).digest()
