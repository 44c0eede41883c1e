"""The listener: bounded connections, readiness, polite stop with a deadline."""

import signal
from collections.abc import AsyncIterator, Callable
from functools import partial

import attrs
import trio

from bitvault.objectd.connection import Connection, Service
from bitvault.objectd.errors import S3Error


@attrs.frozen
class ServerOptions:
    """How to listen.

    Attributes:
        max_connections: more are answered 503 SlowDown and closed.
        stop_seconds: how long requests in flight may take to finish after SIGTERM.
    """

    host: str
    port: int
    max_connections: int = 512
    stop_seconds: float = 10.0


class Server:
    """Accepts connections until asked to stop."""

    def __init__(self, service: Service, options: ServerOptions) -> None:
        self._service = service
        self._options = options
        self._open: dict[Connection, None] = {}

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
        connection = Connection(stream, self._service)
        if len(self._open) >= self._options.max_connections:
            await connection.refuse(S3Error("SlowDown", headers={"retry-after": "1"}))
            await stream.aclose()
            return
        self._open[connection] = None
        try:
            await connection.serve()
        finally:
            del self._open[connection]
            with trio.move_on_after(1, shield=True):
                await stream.aclose()
