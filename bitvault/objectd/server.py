"""The listener: bounded connections, readiness, polite stop with a deadline."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial

import attrs
import trio

from bitvault.objectd.connection import Connection, Service
from bitvault.objectd.places import Network, Places, Room, parse, subscriber

_REFUSING = 64  # refused connections that may take a moment to read why; more close at once


@attrs.frozen
class ServerOptions:
    """How to listen.

    Attributes:
        max_connections: in all; `places` says who goes when there are more.
        stop_seconds: how long requests in flight may take to finish after SIGTERM.
        proxies: many clients come through these, so no address of theirs is held to a share.
    """

    host: str
    port: int
    max_connections: int = 512
    stop_seconds: float = 10.0
    proxies: tuple[Network, ...] = ()


class Server:
    """Accepts connections until asked to stop."""

    def __init__(self, service: Service, options: ServerOptions) -> None:
        self._service = service
        self._options = options
        self._open: dict[Connection, None] = {}
        self._places = Places(Room.of(options.max_connections))
        self._refusing = 0

    async def run(self, on_listening: Callable[[str], None]) -> None:
        """Listen until SIGTERM or SIGINT, then drain.

        Args:
            on_listening: told `host:port` once connections are accepted.

        Raises:
            OSError: the address cannot be bound.
        """
        store = self._service.store
        listeners = await trio.open_tcp_listeners(self._options.port, host=self._options.host)
        async with trio.open_nursery() as nursery:
            await nursery.start(store.serve)
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                await self._accept(listeners, signals, on_listening)
            nursery.cancel_scope.cancel()

    async def _accept(
        self,
        listeners: list[trio.SocketListener],
        signals: AsyncIterator[int],
        on_listening: Callable[[str], None],
    ) -> None:
        async with trio.open_nursery() as handlers, trio.open_nursery() as acceptors:
            serve = partial(trio.serve_listeners, handler_nursery=handlers)
            acceptors.start_soon(serve, self._handle, listeners)
            host, port = listeners[0].socket.getsockname()[:2]
            on_listening(f"{host}:{port}")
            async for _ in signals:
                break
            acceptors.cancel_scope.cancel()
            handlers.cancel_scope.deadline = trio.current_time() + self._options.stop_seconds
            for connection in list(self._open):
                connection.drain()

    async def _handle(self, stream: trio.SocketStream) -> None:
        with suppress(OSError):  # a client may be gone before it is looked at
            address = parse(stream.socket.getpeername()[0])
            is_proxy = any(address in network for network in self._options.proxies)
            connection = Connection(stream, self._service, subscriber(address), is_proxy=is_proxy)
            if self._places.enter(connection.place):
                await self._serve(connection)
            else:
                await self._refuse(connection)
        with trio.move_on_after(1, shield=True):
            await stream.aclose()

    async def _serve(self, connection: Connection) -> None:
        self._open[connection] = None
        try:
            await connection.serve()
        finally:
            del self._open[connection]
            self._places.leave(connection.place)

    async def _refuse(self, connection: Connection) -> None:
        self._refusing += 1
        try:
            await connection.refuse(linger=self._refusing <= _REFUSING)
        finally:
            self._refusing -= 1
