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
from bitvault.objectd.body import Body
from bitvault.objectd.credentials import Keyring
from bitvault.objectd.effects import http_date, random_id
from bitvault.objectd.errors import S3Error, StorageError, from_storage
from bitvault.objectd.index import Segment
from bitvault.objectd.operation import Call, Content, Limits, Response
from bitvault.objectd.places import Phase, Place
from bitvault.objectd.request import Request, parse_request
from bitvault.objectd.store import Store
from bitvault.objectd.wire import Wire
from bitvault.objectd.xmlform import document

MAX_HEAD = 32 * 1024
_FIRST_SECONDS = 10  # until the first byte of a connection that has not signed anything
_IDLE_SECONDS = 60
_FAREWELL_SECONDS = 1
_FULL = S3Error("SlowDown", headers={"retry-after": "1"})

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

    def __init__(
        self, stream: trio.SocketStream, service: Service, address: str, *, is_proxy: bool = False
    ) -> None:
        self._wire = Wire(stream)
        self._service = service
        self._scope = trio.CancelScope()
        self._draining = False
        self._answering = False
        now = trio.current_time()
        self.place = Place(address, now, self._scope.cancel, is_exempt=is_proxy)

    def drain(self) -> None:
        """Finish the request in flight, then close; close at once when idle."""
        self._draining = True
        self._wire.stop_waiting()

    async def serve(self) -> None:
        """Run the connection to its end."""
        try:
            with self._scope:
                while not self._draining and await self._serve_one():
                    pass
            if self._scope.cancelled_caught:
                await self._make_room()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError):
            return  # the client is gone; nobody is left to tell

    async def refuse(self, *, linger: bool) -> None:
        """Answer that there is no room, without reading anything, and close."""
        try:
            await self._refuse(h11.Connection(h11.SERVER), _FULL, linger=linger)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError, OSError):
            return

    async def _make_room(self) -> None:
        if self.place.phase is Phase.SIGNED:
            self._wire.reset()
        if self.place.phase is not Phase.STRANGER or self._answering:
            return
        with trio.move_on_after(_FAREWELL_SECONDS):
            await self._refuse(h11.Connection(h11.SERVER), _FULL, linger=False)

    async def _refuse(self, protocol: h11.Connection, error: S3Error, *, linger: bool) -> None:
        await self._send_head(protocol, self._error(error, None), close=True)
        if linger:
            await self._wire.linger()

    async def _serve_one(self) -> bool:
        protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._answering = False
        known = self.place.phase is not Phase.STRANGER
        try:
            head = await self._wire.read_head(protocol, _IDLE_SECONDS if known else _FIRST_SECONDS)
        except h11.RemoteProtocolError as error:
            too_large = error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            code = "RequestHeaderSectionTooLarge" if too_large else "InvalidRequest"
            await self._refuse(protocol, S3Error(code), linger=True)
            return False
        if head is None:
            if self._wire.began and not self._draining:
                await self._refuse(protocol, S3Error("RequestTimeout"), linger=False)
            return False
        return await self._serve_request(protocol, head)

    async def _serve_request(self, protocol: h11.Connection, head: h11.Request) -> bool:
        body = self._body(protocol, head)
        response = await self._answer(head, body)
        try:
            self.place.pace, self._answering = self._wire.new_pace(), True
            close = self._draining or _ends(head, response) or not body.skip_buffered()
            await self._send(protocol, head, response, close=close)
        finally:
            if isinstance(response.body, Content):
                self._service.store.release(response.body.opened)
        self.place.rest(trio.current_time())
        if close:
            await self._wire.linger()
        return not close

    def _body(self, protocol: h11.Connection, head: h11.Request) -> Body:
        lengths = [int(value) for name, value in head.headers if name == b"content-length"]
        on_first_read = None
        if protocol.they_are_waiting_for_100_continue:
            on_first_read = self._send_continue(protocol)
        socket = self._wire.socket
        return Body(
            sum(lengths), self._wire.leftover, socket.recv_into, on_first_read, socket.fileno()
        )

    def _send_continue(self, protocol: h11.Connection) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            event = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            await self._wire.send(protocol.send(event) or b"")

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
            both = "content-length" in request.headers
            raise S3Error("InvalidRequest" if both else "MissingContentLength")
        self.place.phase = Phase.STRANGER
        if request.method == "OPTIONS":
            return Response(200, cors.preflight(request.headers, service.origins))
        claim = sigv4.verify(request, service.keyring.secrets, service.region, service.now())
        key = service.keyring.keys[claim.access_key]
        operation = router.route(request)
        router.authorize(request, operation, key)
        self.place.sign(body.pace)
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
        reason = HTTPStatus(response.status).phrase.encode()
        event = h11.Response(status_code=response.status, headers=pairs, reason=reason)
        data = protocol.send(event) or b""
        await self._wire.send(data if bodiless else data + body)

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
            await self._wire.send(memoryview(segment.data)[low:high])
            return
        file = await trio.to_thread.run_sync(self._service.store.files.open, segment.blob)
        try:
            await self._wire.send_file(file, low, high)
        finally:
            os.close(file)


def _ends(head: h11.Request, response: Response) -> bool:
    """Whether nothing that follows may be read as a request (RFC 9112 §6.1 and §9.6).

    A transfer coding is refused unread, and who is refused a PUT or a POST that says no length may
    have sent a body all the same.
    """
    names = {name for name, _ in head.headers}
    unframed = head.method in (b"PUT", b"POST") and b"content-length" not in names
    if head.http_version < b"1.1" or b"transfer-encoding" in names:
        return True
    if unframed and response.status >= HTTPStatus.BAD_REQUEST:
        return True
    return any(name == b"connection" and b"close" in value.lower() for name, value in head.headers)
