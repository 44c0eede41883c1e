"""One client connection: heads through h11, bodies raw, objects by sendfile.

h11 parses each head in a fresh state, so its framing rules hold; a body's bytes then pass it by
in large blocks, counted by Content-Length. Chunked request bodies are refused: S3 wants a length.
"""

import os
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import attrs
import h11
import structlog
import trio

from bitvault.objectd import cors, router, sigv4
from bitvault.objectd.credentials import Keyring
from bitvault.objectd.effects import http_date, random_id
from bitvault.objectd.errors import S3Error, StorageError, from_storage
from bitvault.objectd.index import Segment
from bitvault.objectd.operation import Call, Content, Limits, Response
from bitvault.objectd.receive import Body
from bitvault.objectd.request import Request, parse_request
from bitvault.objectd.store import Store
from bitvault.objectd.xmlform import document

MAX_HEAD = 32 * 1024
_HEAD_SECONDS = 30
_IDLE_SECONDS = 60
_SEND_SECONDS = 60
_LINGER_SECONDS = 2
_DRAIN = 1024 * 1024
_SENDFILE = 8 * 1024 * 1024
_READ = 64 * 1024

log = structlog.get_logger()


@attrs.frozen
class Service:
    """What every connection of a server shares."""

    store: Store
    keyring: Keyring
    region: str
    origins: tuple[str, ...]
    limits: Limits
    now: Callable[[], float]


class Connection:
    """Serves requests one after the other until either side is done.

    Error handling: a refusal is answered; a failing disk is answered 500 or 507 and the
    connection lives on; a client that stalls or vanishes ends only this connection.
    """

    def __init__(self, stream: trio.SocketStream, service: Service) -> None:
        self._socket = stream.socket
        self._stream = stream
        self._service = service
        self._leftover = bytearray()
        self._idle: trio.CancelScope | None = None
        self._draining = False

    def drain(self) -> None:
        """Finish the request in flight, then close; close at once when idle."""
        self._draining = True
        if self._idle is not None:
            self._idle.cancel()

    async def serve(self) -> None:
        """Run the connection to its end."""
        try:
            while not self._draining and await self._serve_one():
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError):
            return  # the client is gone; nobody is left to tell

    async def refuse(self, error: S3Error) -> None:
        """Answer without reading anything, and close."""
        protocol = h11.Connection(h11.SERVER)
        await self._send_head(protocol, self._error(error, None), close=True)

    async def _serve_one(self) -> bool:
        protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        try:
            head = await self._read_head(protocol)
        except h11.RemoteProtocolError as error:
            too_large = error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            code = "RequestHeaderSectionTooLarge" if too_large else "InvalidRequest"
            await self._send_head(protocol, self._error(S3Error(code), None), close=True)
            return False
        if head is None:
            return False
        body = self._body(protocol, head)
        response = await self._answer(head, body)
        try:
            close = self._draining or _wants_close(head) or not await self._drained(body)
            await self._send(protocol, head, response, close=close)
        finally:
            if isinstance(response.body, Content):
                self._service.store.release(response.body.opened)
        if close:
            await self._linger()
        return not close

    async def _read_head(self, protocol: h11.Connection) -> h11.Request | None:
        if self._leftover:
            protocol.receive_data(bytes(self._leftover))
            self._leftover.clear()
        event = protocol.next_event()
        with trio.CancelScope() as self._idle:
            self._idle.deadline = trio.current_time() + _IDLE_SECONDS
            started = False
            while event is h11.NEED_DATA:
                data = await self._socket.recv(_READ)
                if not started:
                    started = True
                    self._idle.deadline = trio.current_time() + _HEAD_SECONDS
                protocol.receive_data(data)
                event = protocol.next_event()
        self._idle = None
        if not isinstance(event, h11.Request):
            return None
        self._leftover += protocol.trailing_data[0]
        return event

    def _body(self, protocol: h11.Connection, head: h11.Request) -> Body:
        lengths = [int(value) for name, value in head.headers if name == b"content-length"]
        on_first_read = None
        if protocol.they_are_waiting_for_100_continue:
            on_first_read = self._send_continue(protocol)
        return Body(
            sum(lengths),
            self._leftover,
            self._socket.recv_into,
            on_first_read,
            self._socket.fileno(),
        )

    def _send_continue(self, protocol: h11.Connection) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            data = protocol.send(h11.InformationalResponse(status_code=100, headers=[]))
            await self._stream.send_all(data or b"")

        return send

    async def _answer(self, head: h11.Request, body: Body) -> Response:
        request = None
        try:
            target = head.target.decode("ascii")
            request = parse_request(head.method.decode("ascii"), target, head.headers)
            response = await self._dispatch(request, body)
        except S3Error as refusal:
            response = self._error(refusal, request)
        except StorageError as error:
            log.exception("storage_failed")
            response = self._error(from_storage(error), request)
        if request is None:
            return response
        origin = cors.cors_headers(request.headers, self._service.origins)
        return attrs.evolve(response, headers=response.headers | origin)

    async def _dispatch(self, request: Request, body: Body) -> Response:
        service = self._service
        if "transfer-encoding" in request.headers:
            raise S3Error("MissingContentLength")
        if request.method == "OPTIONS":
            return Response(200, cors.preflight(request.headers, service.origins))
        claim = sigv4.verify(request, service.keyring.secrets, service.region, service.now())
        key = service.keyring.keys[claim.access_key]
        operation = router.route(request)
        router.authorize(request, operation, key)
        creates = request.method == "PUT" and not request.key
        if request.bucket and not creates and request.bucket not in service.store.buckets:
            raise S3Error("NoSuchBucket")
        call = Call(request, body, claim, key, service.store, service.limits, service.now)
        return await operation.handler(call)

    def _error(self, error: S3Error, request: Request | None) -> Response:
        pairs = [("Code", error.code), ("Message", error.message)]
        if request is not None:
            pairs.append(("Resource", request.path.decode("utf-8", "replace")))
        body = document("Error", pairs, plain=True)
        return Response(error.status, {"content-type": "application/xml"} | error.headers, body)

    async def _drained(self, body: Body) -> bool:
        """Skip a small unread body so that the connection can be kept."""
        if not body.remaining:
            return True
        if body.remaining > _DRAIN or not body.started:
            return False
        try:
            await body.read_all(_DRAIN)
        except S3Error:
            return False
        return True

    async def _send(
        self, protocol: h11.Connection, head: h11.Request, response: Response, *, close: bool
    ) -> None:
        content = response.body
        if isinstance(content, bytes):
            await self._send_head(protocol, response, close=close, bodiless=head.method == b"HEAD")
            return
        await self._send_head(protocol, response, close=close)
        await self._send_content(content)

    async def _send_head(
        self,
        protocol: h11.Connection,
        response: Response,
        *,
        close: bool,
        bodiless: bool = False,
    ) -> None:
        now = self._service.now()
        headers = {"date": http_date(now), "server": "objectd", "x-amz-request-id": random_id()}
        headers |= response.headers
        body = response.body if isinstance(response.body, bytes) else b""
        if response.status not in (204, 304):
            headers.setdefault("content-length", str(len(body)))
        if close:
            headers["connection"] = "close"
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        event = h11.Response(status_code=response.status, headers=pairs)
        data = protocol.send(event) or b""
        with trio.fail_after(_SEND_SECONDS):
            await self._stream.send_all(data if bodiless else data + body)

    async def _send_content(self, content: Content) -> None:
        start, stop = content.span.start, content.span.stop
        position = 0
        for segment in content.opened.segments:
            low, high = max(start - position, 0), min(stop - position, segment.size)
            position += segment.size
            if low < high:
                await self._send_segment(segment, low, high)

    async def _send_segment(self, segment: Segment, low: int, high: int) -> None:
        if segment.data is not None:
            with trio.fail_after(_SEND_SECONDS):
                await self._stream.send_all(memoryview(segment.data)[low:high])
            return
        file = await trio.to_thread.run_sync(self._service.store.files.open, segment.blob)
        try:
            while low < high:
                low += await self._sendfile(file, low, high - low)
        finally:
            os.close(file)

    async def _sendfile(self, file: int, offset: int, count: int) -> int:
        # In a thread, because a page that is not cached blocks.
        out = self._socket.fileno()
        try:
            sent = await trio.to_thread.run_sync(
                os.sendfile, out, file, offset, min(count, _SENDFILE)
            )
        except BlockingIOError:
            with trio.fail_after(_SEND_SECONDS):
                await trio.lowlevel.wait_writable(self._socket)
            return 0
        if not sent:
            raise trio.BrokenResourceError("a blob is shorter than its row says")
        return sent

    async def _linger(self) -> None:
        """Let the client read the answer before unread bytes reset the connection."""
        with trio.move_on_after(_LINGER_SECONDS):
            await self._stream.send_eof()
            while await self._socket.recv(_READ):
                pass


def _wants_close(head: h11.Request) -> bool:
    options = [value.lower() for name, value in head.headers if name == b"connection"]
    return head.http_version < b"1.1" or any(b"close" in option for option in options)
