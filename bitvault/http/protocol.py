"""Hypercorn's protocols on a connection of ours: all that leans on what it does not promise.

What is changed in them: the framing of HTTP/1.1 is judged more strictly, nothing is upgraded,
CONNECT is a method like any other, a refused head is answered as the application would, and a
status line says its reason.
"""

import math
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import attrs
import h2.connection
import h2.errors
import h2.events
import h2.settings
import h11
import priority
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body, EndBody, Request, Response
from hypercorn.protocol.h2 import H2Protocol, StreamBuffer
from hypercorn.protocol.h11 import H2ProtocolAssumedError, H11Protocol
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, LifespanState
from hypercorn.utils import filter_pseudo_headers, parse_socket_addr

from bitvault.edge.places import Place
from bitvault.http.heads import framing_fault, raw_fault
from bitvault.http.patience import PatientStream

_LOG = structlog.stdlib.get_logger("bitvault.http")
_RECEIVE = 64 << 10
_RESETS = 100
"""Streams that a client may give up on one connection, beside a tenth of all its streams."""

Refuse = Callable[[int, str, str], tuple[list[tuple[bytes, bytes]], bytes]]
"""Makes the answer to a head that cannot be served, from its status, the reason, and the peer."""


class StrictConnection(h11.Connection):
    """HTTP/1.1 in which nothing can be read in two ways."""

    http2: bool = False
    largest_head: int = 0
    fault: str = ""
    """What was wrong with the last head, for the answer."""
    is_late: bool = False
    """Whether what is missing did not come in time."""

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        """Return False: a client that asks before sending a body is answered once it is wanted."""
        return False

    def next_event(self) -> Any:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: The request cannot be read, or can be read in two ways.
        """
        if self.their_state is h11.IDLE:
            raw = raw_fault(self.trailing_data[0], self.largest_head)
            if raw is not None:
                raise self._faulty(*raw)
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            if self.is_late:
                raise self._faulty(408, "it did not arrive in time") from error
            raise self._faulty(error.error_status_hint, str(error)) from error
        if not isinstance(event, h11.Request):
            return event
        if event.method == b"PRI" and event.http_version == b"2.0" and self.http2:
            return event
        headers = list(event.headers)
        if (doubt := framing_fault(event.http_version, headers)) is not None:
            raise self._faulty(*doubt)
        kept = [(name, value) for name, value in headers if name != b"upgrade"]
        if len(kept) == len(headers):
            return event
        return h11.Request(
            method=event.method, target=event.target, headers=kept, http_version=event.http_version
        )

    def _faulty(self, status: int, fault: str) -> h11.RemoteProtocolError:
        self.fault = fault
        return h11.RemoteProtocolError(fault, error_status_hint=status)


class Http11(H11Protocol):
    """HTTP/1.1."""

    connection: StrictConnection

    def __init__(self, *arguments: Any, refuse: Refuse, http2: bool) -> None:
        super().__init__(*arguments)
        self._refuse = refuse
        largest = self.config.h11_max_incomplete_size
        self.connection = StrictConnection(h11.SERVER, max_incomplete_event_size=largest)
        self.connection.http2, self.connection.largest_head = http2, largest
        self._head = b""

    async def stream_send(self, event: Any) -> None:
        """Send an event of the answer; its head waits for what comes next, to travel with it."""
        if isinstance(event, Response):
            await self._send_h11_event(self._response(event.status_code, event.headers))
            return
        await super().stream_send(event)

    def _response(self, status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
        """Make a head; some clients lose an answer without a reason phrase."""
        every = [*headers, *self.config.response_headers("h11")]
        if self.keep_alive_requests >= self.config.keep_alive_max_requests:
            every.append((b"connection", b"close"))
        reason = HTTPStatus(status).phrase.encode()
        return h11.Response(status_code=status, headers=every, reason=reason)

    async def _send_h11_event(self, event: Any) -> None:
        try:
            data = self._head + self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return
        self._head = data if isinstance(event, h11.Response) else b""
        if data and not self._head:
            await self.send(RawData(data))

    async def proceed(self) -> None:
        """Tell a client that asked before sending its body to send it."""
        if self.connection.client_is_waiting_for_100_continue:
            event = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            await self.send(RawData(self.connection.send(event)))

    async def end(self, *, is_late: bool) -> None:
        """Take it that no more comes; half a head is answered."""
        self.connection.is_late = is_late
        await self.handle(RawData(b""))

    async def _send_error_response(self, status_code: int) -> None:
        peer = self.client[0] if self.client else ""
        headers, body = self._refuse(status_code, self.connection.fault, peer)
        answer = (
            self._response(status_code, [*headers, (b"connection", b"close")]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        await self.send(RawData(b"".join(self.connection.send(event) for event in answer)))


class _Streams(dict[int, Any]):
    """The streams of a connection; what still comes for one that has ended is dropped."""

    def __missing__(self, _stream_id: int) -> "_Ended":
        return _Ended()


class _Ended:
    async def handle(self, event: Any) -> None:
        """Drop what came too late."""


class Http2(H2Protocol):
    """HTTP/2, with few streams at once."""

    def __init__(self, *arguments: Any, refuse: Refuse) -> None:
        super().__init__(*arguments)
        self._refuse = refuse
        self._resets = 0
        self.streams = _Streams()
        self.connection.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: (
                    self.config.h2_max_concurrent_streams
                ),
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: self.config.h2_max_header_list_size,
            },
        )

    async def _handle_events(self, events: list[Any]) -> None:
        self._resets += sum(isinstance(event, h2.events.StreamReset) for event in events)
        if self._resets > _RESETS + self.keep_alive_requests // 10:
            self.connection.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            await self._flush()
            await self.send(Closed())
            return
        await super()._handle_events(events)

    async def _create_stream(self, request: Any) -> None:
        """Begin a request, CONNECT as any other: Hypercorn would take that for a WebSocket."""
        stream_id, pseudo = request.stream_id, dict(request.headers)
        self.stream_buffers[stream_id] = StreamBuffer(self.context.event_class)
        try:
            self.priority.insert_stream(stream_id)
        except priority.priority.DuplicateStreamError:
            pass
        else:
            self.priority.block(stream_id)
        target = pseudo.get(b":path") or pseudo.get(b":authority") or b""
        stream = HTTPStream(
            self.app, self.config, self.context, self.task_group, self.ssl,
            self.client, self.server, self.stream_send, stream_id,
        )  # fmt: skip
        self.streams[stream_id] = stream
        self.keep_alive_requests += 1
        if not target.isascii() or not pseudo[b":method"].isascii():
            await self._refuse_stream(stream_id)
            return
        await stream.handle(
            Request(
                stream_id=stream_id,
                headers=filter_pseudo_headers(request.headers),
                http_version="2",
                method=pseudo[b":method"].decode("ascii").upper(),
                raw_path=target,
                state=self.connection_state,
            )
        )

    async def _refuse_stream(self, stream_id: int) -> None:
        peer = self.client[0] if self.client else ""
        headers, body = self._refuse(400, "the target is not ASCII", peer)
        self.streams.pop(stream_id)
        self.task_group.spawn(partial(self._answer, stream_id, headers, body))

    async def _answer(self, stream_id: int, headers: list[Any], body: bytes) -> None:
        await self.stream_send(Response(stream_id=stream_id, headers=headers, status_code=400))
        await self.stream_send(Body(stream_id=stream_id, data=body))
        await self.stream_send(EndBody(stream_id=stream_id))


@attrs.define(eq=False)
class Connection:
    """One client: reads what it sends into the protocol, and writes what the protocol sends."""

    stream: PatientStream
    place: Place
    config: Config
    context: WorkerContext
    refuse: Refuse
    http2: bool = False
    app: AppWrapper | None = None
    unsent: int = 0
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _dues: dict[object, float] = attrs.field(factory=dict, init=False)
    _waits: dict[object, float] = attrs.field(factory=dict, init=False)
    """Since when each request waits for its body; ``inf`` for one in work."""
    _idle_since: float = attrs.field(factory=trio.current_time, init=False)
    """Since when there is no request; ``inf`` while there is one."""
    _protocol: Any = attrs.field(default=None, init=False)
    _is_over: bool = attrs.field(default=False, init=False)

    async def run(self) -> None:
        """Serve the client until either leaves; a fault of the protocol ends this one alone."""
        try:
            with self._scope:
                async with TaskGroup() as group:
                    self._protocol = self._speaking(Http11, group, http2=self.http2)
                    await self._read(group)
                    self._scope.cancel()
        except OSError:
            pass
        except Exception as error:  # noqa: BLE001 - a client must not be able to end the edge
            _LOG.warning("connection failed", peer=self.place.address, reason=repr(error))
        finally:
            await self.stream.aclose()

    def due(self, exchange: object, when: float) -> None:
        """Cut the connection at an instant, unless the exchange sets another one before."""
        self._dues[exchange] = when
        if when == float("inf"):
            del self._dues[exchange]
        first = min(self._dues.values(), default=float("inf"))
        self._scope.deadline = self.stream.answer_due = first

    def waits(self, exchange: object, since: float) -> None:
        """Note since when an exchange waits for its body; ``inf`` while it does not."""
        self._waits[exchange] = since
        self._judge_place()

    def forget(self, exchange: object) -> None:
        """Note that an exchange is over."""
        self._waits.pop(exchange, None)
        self._judge_place()

    def cut(self) -> None:
        """Cut the connection now."""
        self._scope.cancel()
        self.stream.cut()

    def retire(self) -> None:
        """End the connection if it is between two requests; one in work ends with its answer."""
        if self._idle_since < math.inf:
            self.cut()

    async def proceed(self) -> None:
        """Tell a client that asked before sending its body to send it."""
        if isinstance(self._protocol, Http11):
            await self._protocol.proceed()

    def has_request(self) -> bool:
        """Whether all of a request of HTTP/1.1 has been read."""
        protocol = self._protocol
        return isinstance(protocol, Http11) and protocol.connection.their_state is h11.DONE

    def _speaking(self, kind: Any, group: TaskGroup, **more: Any) -> Any:
        socket = self.stream.socket
        peer, here = socket.getpeername(), socket.getsockname()
        return kind(
            self.app, self.config, self.context, group, ConnectionState(LifespanState({})),
            self.stream.is_secure,
            parse_socket_addr(socket.family, peer), parse_socket_addr(socket.family, here),
            self._send, refuse=self.refuse, **more,
        )  # fmt: skip

    async def _read(self, group: TaskGroup) -> None:
        while data := await self.stream.receive_some(_RECEIVE):
            try:
                await self._protocol.handle(RawData(data))
            except H2ProtocolAssumedError as error:
                self._protocol = self._speaking(Http2, group)
                await self._protocol.initiate()
                await self._protocol.handle(RawData(error.data))
        if isinstance(self._protocol, Http11):
            await self._protocol.end(is_late=self.stream.is_late)
        while await self.stream.receive_some(_RECEIVE):
            """The client hears the last answer, and what it still sends is dropped."""
        if not self._is_over:
            await self._protocol.handle(Closed())

    async def _send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed):
            await self._close()
        elif isinstance(event, Updated):
            self.stream.mark(idle=event.idle)
            self._note_idle(idle=event.idle)
            if event.idle and self.context.terminated.is_set():
                await self._close()

    async def _write(self, data: bytes) -> None:
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.cut()

    def _note_idle(self, *, idle: bool) -> None:
        self._idle_since = trio.current_time() if idle else math.inf
        self._judge_place()

    def _judge_place(self) -> None:
        """Offer the place to a newcomer while everything here waits for the client."""
        waits = self._waits.values()
        longest = math.inf if math.inf in waits else min(waits, default=math.inf)
        self.place.since = min(self._idle_since, longest)
        self.place.may_end = self.place.since < math.inf

    async def _close(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._note_idle(idle=True)
        if self.context.terminated.is_set():
            self.cut()
            return
        with trio.CancelScope(shield=True):  # the end of the application cancels its task
            await self.stream.say_goodbye()
        await self._protocol.handle(Closed())
