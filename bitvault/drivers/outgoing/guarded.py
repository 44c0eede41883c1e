"""Outgoing HTTP: the name is looked up once, every address checked, and a checked one dialled."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from ssl import SSLContext
from typing import Any

import httpcore
import httpx
import trio
from attrs import define, field

from bitvault.drivers.outgoing.guard import Allowed, Target, check_address, target
from bitvault.drivers.outgoing.port import Blocked, Parcel, Received, Unreachable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host's addresses, as text."""

_AT_ONCE = 32
_HEADERS = {"user-agent": "BitVault", "accept-encoding": "identity"}


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@cache
def _trusted() -> SSLContext:
    """Read the authorities that are trusted once; there are hundreds."""
    return httpx.create_ssl_context()


@define(eq=False)
class GuardedOutgoing:
    """Sends requests where they may go. Each has a connection of its own: nothing is reused."""

    allowed: Allowed = field(factory=Allowed)
    resolve: Resolve = look_up
    tls: SSLContext = field(factory=_trusted)
    _gate: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(_AT_ONCE), init=False)

    def check(self, url: str) -> None:
        """Judge a URL by its form."""
        target(url, self.allowed)

    async def send(self, parcel: Parcel) -> Received:
        """Send a request and read the answer, all of it before the deadline."""
        where = target(parcel.url, self.allowed)
        try:
            with trio.fail_after(parcel.deadline):
                async with self._gate:
                    return await self._exchange(parcel, where)
        except trio.TooSlowError as error:
            raise Unreachable(f"no answer within {parcel.deadline:g} seconds") from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise Unreachable(_why(error)) from error

    async def _exchange(self, parcel: Parcel, where: Target) -> Received:
        request = httpcore.Request(
            parcel.method,
            httpcore.URL(
                scheme=where.scheme.encode(),
                host=where.host.encode(),
                port=where.port,
                target=where.path.encode(),
            ),
            headers=_headers(parcel, where),
            content=parcel.body or None,
        )
        dialler = _Dialler(self.allowed, self.resolve)
        async with httpcore.AsyncConnectionPool(
            self.tls, max_connections=1, network_backend=dialler
        ) as pool:
            answer = await pool.handle_async_request(request)
            try:
                return await _received(answer, parcel.most_answer, dialler)
            finally:
                await answer.aclose()


async def _received(answer: httpcore.Response, most: int, dialler: "_Dialler") -> Received:
    body, failure = bytearray(), None
    try:
        async for part in answer.aiter_stream():
            body += part
            if failure is None and len(body) > most:
                failure = Unreachable(f"the answer has more than {most} bytes")
                # Hang up and read to that end: httpcore's generators clean up in no other way.
                await dialler.hang_up()
    except httpcore.NetworkError:
        if failure is None:
            raise
    if failure is not None:
        raise failure
    headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in answer.headers}
    return Received(answer.status, headers, bytes(body))


def _headers(parcel: Parcel, where: Target) -> list[tuple[str, str]]:
    host = f"[{where.host}]" if ":" in where.host else where.host
    standard = {"https": 443, "http": 80}[where.scheme]
    told = host if where.port == standard else f"{host}:{where.port}"
    length = {"content-length": str(len(parcel.body))} if parcel.body else {}
    return [("host", told), *{**_HEADERS, **parcel.headers, **length}.items()]


def _why(error: Exception) -> str:
    words = {
        httpcore.ConnectError: "the server cannot be reached, or its certificate is not for it",
        httpcore.ProtocolError: "the server does not speak HTTP as it should",
    }
    known = (word for kind, word in words.items() if isinstance(error, kind))
    return next(known, "the connection was lost")


@define(eq=False)
class _Dialler(httpcore.AsyncNetworkBackend):
    """Dials addresses that were checked, whatever the name means a moment later (X52)."""

    allowed: Allowed
    resolve: Resolve
    _dial: httpcore.AsyncNetworkBackend = field(factory=httpcore.TrioBackend, init=False)
    _stream: httpcore.AsyncNetworkStream | None = field(default=None, init=False)

    async def hang_up(self) -> None:
        """Close the connection without a farewell."""
        if self._stream is not None:
            await self._stream.aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the host up once; connect to the first of its addresses that answers."""
        is_known = host in self.allowed.hosts
        addresses = await self._addresses(host, port)
        for address in addresses:
            check_address(address, self.allowed, is_known=is_known)
        failure: Exception = Unreachable("the host has no address")
        for address in addresses:
            try:
                stream = await self._dial.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return await self._checked(stream, address, is_known=is_known)
        raise failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            return list(dict.fromkeys(await self.resolve(host, port)))
        except (OSError, UnicodeError) as error:
            raise Unreachable("the host has no address") from error

    async def _checked(
        self, stream: httpcore.AsyncNetworkStream, address: str, *, is_known: bool
    ) -> httpcore.AsyncNetworkStream:
        """Look at who is at the other end, before anything is said: nor may it be this machine."""
        ours, theirs = (stream.get_extra_info(name) for name in ("client_addr", "server_addr"))
        open_to = is_known or self.allowed.has_host(address)
        if theirs[0] != address or (ours[0] == theirs[0] and not open_to):
            await stream.aclose()
            raise Blocked("the host has an address that is not public")
        self._stream = stream
        return stream
