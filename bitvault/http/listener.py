"""Connections: so many at once, a share of them for each address, each served by Hypercorn.

Hypercorn bounds the wait for the next bytes and for the next request, but neither how many clients
there are, nor how long one may take for a whole head, nor that one reads its answer. So it runs on
connections of ours, and each holds a place.
"""

import os
import socket
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, cast

import structlog
import trio
from attrs import define, field
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.utils import wrap_app
from werkzeug.datastructures import Headers

from bitvault.edge.places import Place
from bitvault.http.app import Application
from bitvault.http.exchange import Answers, Unhurried
from bitvault.http.patience import Patience, PatientStream
from bitvault.http.protocol import Connection
from bitvault.http.tls import Certificate, shake_hands
from bitvault.http.turns import Turns
from bitvault.kernel.addresses import parse, subscriber

_LOG = structlog.stdlib.get_logger("bitvault.http")
_ONE_CONNECTION = 16
"""No connection may hold more than one part in so many of the room for unsent answers."""
_NO_PLACE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n"
)


@define(eq=False)
class Listener:
    """Answers requests on a bound socket. The application needs no lifespan: it starts nothing."""

    application: Application
    config: Config
    bound: socket.socket
    patience: Patience = field(factory=Patience)
    certificate: Certificate | None = None
    http2: bool = False
    turns: Turns = field(factory=Turns)
    _connections: set[Connection] = field(factory=set, init=False)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None), init=False)

    async def serve(  # noqa: ASYNC128 - handed on to what listens, which calls it
        self,
        stopping: trio.Event,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until asked to stop; requests under way then have ``graceful_timeout``."""
        # Every task that begins in here has the application's context, and no request makes one.
        async with self.application.app_context(), trio.open_nursery() as last:
            async with trio.open_nursery() as connections:
                try:
                    await self._accept(connections, stopping, task_status)
                    await self._context.terminated.set()
                except trio.Cancelled:
                    self._cut()
                    raise
                for connection in self._connections:
                    connection.retire()
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
        for connection in self._connections:
            connection.cut()

    async def _attend(self, plain: trio.SocketStream) -> None:
        try:
            with trio.CancelScope() as scope:
                await self._serve_one(plain, scope)
        except Exception as error:  # noqa: BLE001 - one client must not be able to end the edge
            _LOG.warning("connection failed", peer=_peer(plain), reason=repr(error))

    async def _serve_one(self, plain: trio.SocketStream, scope: trio.CancelScope) -> None:
        place = self._admit(plain, scope)
        if place is None:
            await self._turn_away(plain)
            return
        try:
            await self._converse(plain, place)
        finally:
            self.application.edge.capacity.connections.leave(place)
            await trio.aclose_forcefully(plain)

    def _admit(self, plain: trio.SocketStream, scope: trio.CancelScope) -> Place | None:
        """Give a connection a place; those of trusted proxies are held to no share."""
        peer = _peer(plain)
        address = parse(peer)
        is_proxy = address is not None and self.application.proxies.trusts(address)
        places = self.application.edge.capacity.connections
        return places.enter(subscriber(peer), scope.cancel, is_exempt=is_proxy)

    async def _turn_away(self, plain: trio.SocketStream) -> None:
        if self.certificate is None:
            with suppress(OSError, trio.BrokenResourceError):  # it may have left already
                os.write(plain.socket.fileno(), _NO_PLACE)  # to a fresh socket: cannot block
                await plain.send_eof()
        await plain.aclose()

    async def _converse(self, plain: trio.SocketStream, place: Place) -> None:
        stream: trio.abc.Stream | None = plain
        if self.certificate is not None:
            stream = await shake_hands(plain, self.certificate, self.patience.head)
        if stream is None:
            return
        connection = self._connection(PatientStream(stream, self.patience), place)
        place.give_up = connection.cut
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    def _connection(self, stream: PatientStream, place: Place) -> Connection:
        http2 = self.http2 and not stream.is_secure
        refuse = self.application.refuse_head
        connection = Connection(stream, place, self.config, self._context, refuse, http2)
        room = self.application.edge.capacity.answers
        answers = Answers(room, room.most // _ONE_CONNECTION)
        application = cast("Any", self.application)
        unhurried: Any = Unhurried(application, self.patience, connection, answers, self._turn)
        connection.app = wrap_app(unhurried, self.config.wsgi_max_body_size, "asgi")
        return connection

    def _turn(self, scope: Any) -> AbstractAsyncContextManager[None]:
        """Wait for a turn of the client's address: behind a trusted proxy, of whom it names."""
        peer = scope["client"][0] if scope["client"] else ""
        proxies = self.application.proxies
        if proxies.trusted:
            fields = [(name.decode("latin-1"), text.decode("latin-1"))
                      for name, text in scope["headers"]]  # fmt: skip
            peer = proxies.client(peer, Headers(fields))
        return self.turns.of(subscriber(peer))


def _peer(plain: trio.SocketStream) -> str:
    try:
        return str(plain.socket.getpeername()[0])
    except OSError:  # it has left already
        return ""
