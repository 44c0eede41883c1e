"""Connections: Hypercorn's protocol on a socket of ours, and an end to every wait for a client.

Hypercorn bounds the wait for the next bytes and for the next request, but not for a whole head that
comes byte by byte (Slowloris), nor for a client that does not read its answer: that one would even
keep a stop waiting. So each connection gets a stream that knows both deadlines.

And a body that is answered before it has arrived (too large, no token) would leave the connection
half closed: the end of the application cancels the task that closes it. So closing is shielded, and
comes after the rest of the body, which is received and dropped for a while: closed at once, the
client would lose the answer to a reset.
"""

import math
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import trio
from attrs import define, field, frozen
from hypercorn.config import Config
from hypercorn.events import Event, RawData, Updated
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, LifespanState
from hypercorn.utils import wrap_app

from bitvault.http.app import Application
from bitvault.http.serving import BODY_WANTED, SMALL_BODY
from bitvault.http.tls import Certificate, shake_hands

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@frozen
class Patience:
    """How long a client may take, in seconds."""

    head: float = 10.0
    """From its first byte, or the connection, to the end of a request's head."""
    answer: float = 60.0
    """To take what was sent to it, one write at a time."""
    rest: float = 5.0
    """To send the rest of a body that is answered already."""


@define(eq=False)
class PatientStream:
    """A client's stream; a deadline that has passed looks like the client's farewell."""

    stream: trio.abc.Stream
    patience: Patience
    _idle: bool = field(default=True, init=False)
    _head_due: float = field(init=False)
    _writing: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    def __attrs_post_init__(self) -> None:
        """Expect the first head soon: who connects has something to ask."""
        self._head_due = trio.current_time() + self.patience.head

    @property
    def socket(self) -> trio.socket.SocketType:
        """Return the socket, as Hypercorn asks for it."""
        stream: Any = self.stream
        if isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        return cast("trio.SocketStream", stream).socket

    def mark(self, *, idle: bool) -> None:
        """Note that a head is complete, or that the next may begin whenever it likes."""
        self._idle, self._head_due = idle, math.inf

    async def receive_some(self, most: int) -> bytes:
        """Receive bytes; none when the client said goodbye, or took too long for a head."""
        with trio.move_on_at(self._head_due):
            received = await self.stream.receive_some(most)
            if self._idle and self._head_due == math.inf:
                self._head_due = trio.current_time() + self.patience.head
            return bytes(received)
        return b""

    async def send_all(self, sent: bytes) -> None:
        """Send bytes.

        Raises:
            trio.BrokenResourceError: The client does not take them, or the server has to stop.
        """
        deadline = trio.current_time() + self.patience.answer
        with trio.CancelScope(deadline=deadline) as self._writing:
            await self.stream.send_all(sent)
        if self._writing.cancelled_caught:
            raise trio.BrokenResourceError("the client does not read its answer")

    def cut(self) -> None:
        """End a write that waits for the client; Hypercorn shields it from cancellation."""
        self._writing.cancel()

    async def send_eof(self) -> None:
        """Say that nothing more comes; TLS says so when it closes."""
        if isinstance(self.stream, trio.abc.HalfCloseableStream):
            await self.stream.send_eof()

    async def aclose(self) -> None:
        """Close the stream."""
        await self.stream.aclose()


@frozen
class Unhurried:
    """The application; the end of an answer waits for the end of the request's body."""

    application: Application
    patience: Patience

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        arrived, wanted, answered = trio.Event(), trio.Event(), False
        if _is_small(scope):
            wanted.set()

        async def receiving() -> Any:
            # Nothing of a large body is taken from the socket before somebody wants it.
            await wanted.wait()
            event = await receive()
            if not event.get("more_body"):
                arrived.set()
            return {**event, "body": b""} if answered and "body" in event else event

        async def sending(message: Any) -> None:
            nonlocal answered
            if _is_last(message) and not arrived.is_set():
                answered = True
                wanted.set()
                await send({**message, "more_body": True})
                with trio.move_on_after(self.patience.rest):
                    # Quart goes on receiving what it has no use for until the answer ends.
                    await arrived.wait()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        given: Any = {**scope, BODY_WANTED: wanted}
        await self.application(given, receiving, sending)


def _is_small(scope: Any) -> bool:
    """Say whether a body has no need to be waited with: it fits into what is buffered anyway."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    return b"transfer-encoding" not in headers and length.isdigit() and int(length) <= SMALL_BODY


def _is_last(message: Any) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)


class Connection(TCPServer):
    """One client, served by Hypercorn; tells the stream where in a request it is."""

    async def protocol_send(self, event: Event) -> None:
        """Pass on what the protocol sends."""
        if isinstance(event, Updated):
            cast("PatientStream", self.stream).mark(idle=event.idle)
        with trio.CancelScope(shield=not isinstance(event, RawData)):
            await super().protocol_send(event)

    async def _read_data(self) -> None:
        await super()._read_data()
        # Hypercorn would keep the socket of a client that left until the next request is overdue.
        await self.idle_task.stop()


@define(eq=False)
class Listener:
    """Answers requests on a bound socket. The application needs no lifespan: it starts nothing."""

    application: Application
    config: Config
    bound: socket.socket
    patience: Patience = Patience()
    certificate: Certificate | None = None
    _streams: set[PatientStream] = field(factory=set, init=False)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None), init=False)

    async def serve(  # noqa: ASYNC128 - handed on to what listens, which calls it
        self,
        stopping: trio.Event,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until asked to stop; requests under way then have ``graceful_timeout``."""
        async with trio.open_nursery() as last:
            async with trio.open_nursery() as connections:
                try:
                    await self._accept(connections, stopping, task_status)
                    await self._context.terminated.set()
                except trio.Cancelled:
                    self._cut()
                    raise
                deadline = trio.current_time() + self.config.graceful_timeout
                connections.cancel_scope.deadline = deadline
                last.start_soon(self._cut_at, deadline)
            last.cancel_scope.cancel()

    async def _accept(
        self,
        connections: trio.Nursery,
        stopping: trio.Event,
        task_status: trio.TaskStatus[None],
    ) -> None:
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(self.bound))
        async with trio.open_nursery() as accepting:
            accept = partial(trio.serve_listeners, handler_nursery=connections)
            await accepting.start(accept, self._attend, [listener])
            task_status.started()
            await stopping.wait()
            accepting.cancel_scope.cancel()

    async def _cut_at(self, deadline: float) -> None:
        await trio.sleep_until(deadline)
        self._cut()

    def _cut(self) -> None:
        for stream in self._streams:
            stream.cut()

    async def _attend(self, plain: trio.SocketStream) -> None:
        stream: trio.abc.Stream | None = plain
        if self.certificate is not None:
            stream = await shake_hands(plain, self.certificate, self.patience.head)
        if stream is not None:
            await self._converse(stream)

    async def _converse(self, stream: trio.abc.Stream) -> None:
        patient = PatientStream(stream, self.patience)
        self._streams.add(patient)
        unhurried: Any = Unhurried(self.application, self.patience)
        app = wrap_app(unhurried, self.config.wsgi_max_body_size, "asgi")
        state = ConnectionState(LifespanState({}))
        try:
            # Hypercorn asks for nothing that a PatientStream has not.
            await Connection(app, self.config, self._context, state, cast("Any", patient)).run()
        finally:
            self._streams.discard(patient)
