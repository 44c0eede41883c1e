"""The capability probe: at start, try to cheat the store, and believe only what it refused.

A positive test proves nothing: ``rclone serve s3`` takes any bytes for a signed checksum and echoes
the claimed one in HEAD. So each promise is tested by breaking it (ADR-0011). Everything written is
below a fresh prefix and deleted at the end.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import httpx
import trio
from attrs import evolve, field, frozen

from bitvault.drivers.objects.port import (
    Capabilities,
    MultipartGone,
    MultipartInvalid,
    ObjectStore,
    Signed,
)
from bitvault.kernel.refusal import DependencyDown

_GOOD, _BAD, _LONG = b"bitvault probe", b"bitvault pr0be", b"bitvault probe and more"
_DIGEST = hashlib.sha256(_GOOD).digest()
_TTL = 120.0
_CLEANUP_SECONDS = 10.0


class StoreUnfit(Exception):  # noqa: N818 - a state of the store
    """The store must not be used; the message says which promise it broke, or which setting is."""


@frozen
class Answer:
    """What the store said to one presigned request."""

    status: int
    etag: str = ""
    body: bytes = field(default=b"", repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the request had its way."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's class of success


Send = Callable[[Signed, bytes], Awaitable[Answer]]
"""Sends a presigned request with a body; the length sent is the body's own."""


@asynccontextmanager
async def http_sender() -> AsyncIterator[Send]:
    """Open a small HTTP client that sends presigned requests as a client of ours would."""
    async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:

        async def send(signed: Signed, body: bytes) -> Answer:
            headers = {k: v for k, v in signed.headers.items() if k != "content-length"}
            try:
                reply = await client.request(
                    signed.method, signed.url, headers=headers, content=body or None
                )
            except httpx.TransportError as error:
                raise DependencyDown("object store", repr(error)) from error
            return Answer(reply.status_code, reply.headers.get("etag", ""), reply.content)

        yield send


async def probe(store: ObjectStore, send: Send, prefix: str) -> Capabilities:
    """Find out what ``store`` enforces; ``store`` must sign as if it kept every promise.

    Raises:
        StoreUnfit: a forged signature was accepted, or an honest upload was refused.
        DependencyDown: the store does not answer.
    """
    trial = _Trial(store, send, prefix)
    try:
        found = await trial.run()
    except BaseException:
        # A store that is not used anyway need not delete either: what it did first is told.
        with trio.move_on_after(_CLEANUP_SECONDS, shield=True), suppress(Exception):
            await trial.clean_up()
        raise
    with trio.move_on_after(_CLEANUP_SECONDS, shield=True):
        await trial.clean_up()
    return found


@frozen
class _Trial:
    store: ObjectStore
    send: Send
    prefix: str
    keys: list[str] = field(factory=list)
    multiparts: list[tuple[str, str]] = field(factory=list)

    def key(self, name: str) -> str:
        self.keys.append(f"{self.prefix}/{name}")
        return self.keys[-1]

    def put(self, key: str) -> Signed:
        return self.store.sign_put(key, len(_GOOD), _DIGEST, _TTL)

    async def run(self) -> Capabilities:
        """Try everything; nothing is believed before an honest upload has worked."""
        await self.honest_put()
        forged = await self.forged_refused()
        part, composite = await self.multipart()
        return Capabilities(
            signed_length=await self.length_refused(),
            signed_checksum=await self.bytes_refused(),
            write_once=await self.second_put_refused(),
            part_checksum=part,
            composite_checksum=composite,
            forged_signature_refused=forged,
        )

    async def honest_put(self) -> None:
        """Write and read back: without this every refusal below would mean nothing."""
        key = self.key("honest")
        answer = await self.send(self.put(key), _GOOD)
        if not answer.accepted:
            raise StoreUnfit(f"{_setting(answer)}refuses an honest upload: HTTP {answer.status}")
        get = self.store.sign_get(key, _TTL, "application/octet-stream", "attachment")
        read = await self.send(get, b"")
        if read.body != _GOOD:
            raise StoreUnfit(f"{_setting(read)}does not give bytes back: HTTP {read.status}")
        for thief in (_forge(get), _unsigned(get)):
            if (await self.send(thief, b"")).accepted:
                raise StoreUnfit("the object store serves objects without a valid signature")

    async def forged_refused(self) -> bool:
        key = self.key("forged")
        for number, forged in enumerate((_forge(self.put(key)), _unsigned(self.put(key)))):
            answer = await self.send(forged, _GOOD)
            if answer.accepted or await self.store.head(key) is not None:
                how = ("a forged", "no")[number]
                raise StoreUnfit(f"the object store accepts uploads with {how} signature")
        return True

    async def length_refused(self) -> bool:
        key = self.key("length")
        signed = self.store.sign_put(key, len(_GOOD), None, _TTL)
        return await self._refused(key, signed, _LONG)

    async def bytes_refused(self) -> bool:
        key = self.key("bytes")
        return await self._refused(key, self.put(key), _BAD)

    async def second_put_refused(self) -> bool:
        """Put twice without a checksum, so that nothing but the precondition can refuse."""
        key = self.key("twice")
        signed = self.store.sign_put(key, len(_GOOD), None, _TTL)
        if not (await self.send(signed, _GOOD)).accepted:
            return False
        before = await self.store.head(key)
        second = await self.send(signed, _BAD)
        return not second.accepted and await self.store.head(key) == before

    async def multipart(self) -> tuple[bool, bool]:
        """Return whether wrong part bytes are refused, and whether HEAD has the composite."""
        key = self.key("parts")
        try:
            multipart_id = await self.store.create_multipart(key)
            self.multiparts.append((key, multipart_id))
            signed = self.store.sign_part(key, multipart_id, 1, len(_GOOD), _DIGEST, _TTL)
            wrong = await self.send(signed, _BAD)
            left = await self.store.list_parts(key, multipart_id)
            refused = not wrong.accepted and not left
            await self.send(signed, _GOOD)
            parts = await self.store.list_parts(key, multipart_id)
            await self.store.complete_multipart(key, multipart_id, parts)
        except (MultipartGone, MultipartInvalid) as error:
            raise StoreUnfit("the object store cannot complete a multipart upload") from error
        info = await self.store.head(key)
        composite = hashlib.sha256(_DIGEST).digest()
        return refused, info is not None and (info.sha256, info.parts) == (composite, 1)

    async def clean_up(self) -> None:
        for key in self.keys:
            await self.store.delete(key)
        for key, multipart_id in self.multiparts:
            await self.store.abort_multipart(key, multipart_id)

    async def _refused(self, key: str, signed: Signed, body: bytes) -> bool:
        answer = await self.send(signed, body)
        return not answer.accepted and await self.store.head(key) is None


def _setting(answer: Answer) -> str:
    """Name the setting to blame: a key that may not, or a place that is no store."""
    name = "credentials_file" if answer.status == HTTPStatus.FORBIDDEN else "endpoint"
    return f"objects.{name}: the object store "


def _forge(signed: Signed) -> Signed:
    """Flip the last digit of the signature."""
    digit = format(int(signed.url[-1], 16) ^ 1, "x")
    return evolve(signed, url=signed.url[:-1] + digit)


def _unsigned(signed: Signed) -> Signed:
    return evolve(signed, url=signed.url.partition("?")[0])
