"""HEAD of objects on connections that are kept, without the pipeline of botocore (ADR-0039).

A request is tried twice at most, each try within a time of its own. That a connection was closed
while nobody used it is no try. What is not read to its end in order is closed, not kept.
"""

import select
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import h11
import trio
from attrs import define, field, frozen

from bitvault.drivers.objects.answers import object_info
from bitvault.drivers.objects.port import ObjectInfo
from bitvault.drivers.objects.sigv4 import Presigner
from bitvault.kernel.clock import Clock

_TRIES = 2
_IDLE_SECONDS = 12.0
"""As aiobotocore keeps its own; the stores at hand hold theirs for longer."""
_MOST_BYTES = 64 * 1024
"""Of an answer with all that comes before it."""
_CHUNK = 16 * 1024
_WITH_CHECKSUM = {"x-amz-checksum-mode": "ENABLED"}
_SKEW = timedelta(seconds=60)
_TTL = 300.0
_PORTS = {"http": 80, "https": 443}


class NoAnswer(Exception):  # noqa: N818 - a state of the store
    """The store gave none that is in order and in time; ``nothing``: not a byte of one."""

    def __init__(self, reason: str, *, nothing: bool = False) -> None:
        self.nothing = nothing
        super().__init__(reason)


@frozen
class Answer:
    """The head of an answer; names of headers are lower-case."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_missing(self) -> bool:
        """Whether there is no such object."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def describes(self) -> bool:
        """Whether it says of an object what is asked for."""
        size = self.headers.get("content-length", "")
        return self.status == HTTPStatus.OK and size.isdecimal() and "etag" in self.headers

    def info(self, key: str) -> ObjectInfo:
        """Read what it describes."""
        size, etag = int(self.headers["content-length"]), self.headers["etag"]
        return object_info(key, size, etag, self.headers.get("x-amz-checksum-sha256", ""))


@define(eq=False)
class _Connection:
    stream: trio.abc.Stream
    socket: trio.socket.SocketType
    protocol: h11.Connection = field(
        factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=_CHUNK)
    )
    used_at: float = 0.0
    received: int = 0

    async def exchange(self, request: h11.Request) -> Answer:
        """Send a request without a body, and read its answer to the end."""
        self.received = 0
        await self.stream.send_all(
            (self.protocol.send(request) or b"") + (self.protocol.send(h11.EndOfMessage()) or b"")
        )
        answer = None
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in event.headers}
                answer = Answer(event.status_code, headers)
        if answer is None:
            raise h11.RemoteProtocolError("the connection was closed before an answer")
        return answer

    async def _next(self) -> object:
        while (event := self.protocol.next_event()) is h11.NEED_DATA:
            chunk = await self.stream.receive_some(_CHUNK)
            self.received += len(chunk)
            if self.received > _MOST_BYTES:
                raise h11.RemoteProtocolError("the answer does not end")
            self.protocol.receive_data(bytes(chunk))
        if isinstance(event, h11.ConnectionClosed):
            raise h11.RemoteProtocolError("the connection was closed before an answer")
        return event

    def is_good_for_more(self) -> bool:
        """Say whether both sides are done, and take it to the next request."""
        done = self.protocol.our_state is h11.DONE and self.protocol.their_state is h11.DONE
        if done and not self.protocol.trailing_data[0]:
            self.protocol.start_next_cycle()
            return True
        return False

    def is_silent(self) -> bool:
        """Say whether nothing came unasked: a second answer, or the end."""
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLIN)
        return not poll.poll(0)


@define(eq=False)
class Heads:
    """Asks for objects of one bucket, at most ``connections`` at a time."""

    presigner: Presigner
    clock: Clock
    connections: int
    connect_timeout: float
    read_timeout: float
    """Seconds for the whole of an answer."""
    trust: Callable[[], ssl.SSLContext]
    """Asked at the first connection by TLS."""
    _idle: list[_Connection] = field(factory=list, init=False)
    _tls: ssl.SSLContext | None = field(default=None, init=False)
    _is_closed: bool = field(default=False, init=False)
    _gate: trio.CapacityLimiter = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._gate = trio.CapacityLimiter(self.connections)

    async def ask(self, key: str) -> Answer:
        """Ask for an object and its checksum.

        Raises:
            NoAnswer: there is none, tried twice.
        """
        request = self._request(key)
        async with self._gate:
            left = _TRIES
            if (kept := self._take()) is not None:
                try:
                    return await self._try(kept, request)
                except NoAnswer as failed:
                    left -= not failed.nothing
            while True:
                left -= 1
                try:
                    return await self._try(await self._connect(), request)
                except NoAnswer:
                    if not left:
                        raise

    def close(self) -> None:
        """Close what is kept, and keep nothing from now on."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().socket.close()

    def _request(self, key: str) -> h11.Request:
        # Dated a minute back: a store whose clock lags refuses a signature of the future.
        signed = self.presigner.sign(
            "HEAD", key, now=self.clock.now() - _SKEW, ttl=_TTL, headers=_WITH_CHECKSUM
        )
        _, _, host, target = signed.url.split("/", 3)
        headers = [("host", host), *signed.headers.items()]
        return h11.Request(method="HEAD", target=f"/{target}", headers=headers)

    async def _try(self, connection: _Connection, request: h11.Request) -> Answer:
        is_kept = False
        try:
            with trio.fail_after(self.read_timeout):
                answer = await connection.exchange(request)
            is_kept = self._keep(connection)
        except trio.TooSlowError as error:
            raise NoAnswer(f"no answer within {self.read_timeout:g} seconds") from error
        except (trio.BrokenResourceError, h11.RemoteProtocolError) as error:
            raise NoAnswer(repr(error), nothing=not connection.received) from error
        finally:
            if not is_kept:
                connection.socket.close()
        return answer

    def _take(self) -> _Connection | None:
        """Take the connection that was used last, if it is still good."""
        oldest = trio.current_time() - _IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.used_at > oldest and connection.is_silent():
                return connection
            connection.socket.close()
        return None

    def _keep(self, connection: _Connection) -> bool:
        """Keep a connection that is good for more, and none that has been idle for long."""
        if self._is_closed or not connection.is_good_for_more():
            return False
        connection.used_at = trio.current_time()
        while self._idle and self._idle[0].used_at <= connection.used_at - _IDLE_SECONDS:
            self._idle.pop(0).socket.close()
        self._idle.append(connection)
        return True

    async def _connect(self) -> _Connection:
        place = urlsplit(self.presigner.endpoint)
        host, port = place.hostname or "", place.port or _PORTS[place.scheme]
        try:
            with trio.fail_after(self.connect_timeout):
                stream = await trio.open_tcp_stream(host, port)
                if place.scheme == "http":
                    return _Connection(stream, stream.socket)
                return _Connection(await self._secured(stream, host), stream.socket)
        except trio.TooSlowError as error:
            raise NoAnswer(f"no connection within {self.connect_timeout:g} seconds") from error
        except (OSError, trio.BrokenResourceError) as error:
            raise NoAnswer(repr(error.__cause__ or error)) from error

    async def _secured(self, stream: trio.SocketStream, host: str) -> trio.abc.Stream:
        self._tls = self._tls or self.trust()
        secured = trio.SSLStream(stream, self._tls, server_hostname=host, https_compatible=True)
        try:
            await secured.do_handshake()
        except BaseException:
            stream.socket.close()
            raise
        return secured
