"""The data plane: presigned requests to the object store, over kept-alive connections.

``http.client`` from the standard library, because in CPython it is the fastest at this: for 4 KiB
PUTs 2.3 times urllib3 and 4.5 times httpx, for large ones the same (ADR-0014 has the figures).
A connection belongs to one thread at a time, so threads share nothing but the pool.
"""

import errno
import http.client
import os
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from socket import socket as Socket  # noqa: N812 - a type beside values of that name
from typing import Any, BinaryIO, Protocol, TypeVar
from urllib.parse import urlsplit

from attrs import frozen

from bitvault.client.errors import (
    SourceChanged,
    StoreRefused,
    Unreachable,
    WrongAnswer,
    seconds_of,
)
from bitvault.client.hashing import BLOCK, Section
from bitvault.client.reaching import of_silence, reason_of
from bitvault.client.trust import trusting

T = TypeVar("T")

_MOST_ERROR_BYTES = 64 * 1024
_OK = range(200, 300)
_JOINED = 64 * 1024
"""Bytes of a body that are copied to go with its head in one packet."""
_AT_ONCE = 4 << 20
"""Bytes that the kernel sends between two looks at the progress."""
_OF_THE_FILE = frozenset({errno.EIO, errno.ESTALE})
"""What reading the file says when the kernel sends it; no connection fails like that."""
_ADDRESS = re.compile(r"([^:/?#]+://[^/?#]*)([^#]*)")
_PARTIAL = 206


class Step(Protocol):
    """A presigned request as the server hands it out (``wire`` has the shape)."""

    @property
    def method(self) -> str:
        """PUT or GET."""

    @property
    def url(self) -> str:
        """Where to, signature included."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What must be sent along, because it is signed."""


@frozen
class Origin:
    """Where a connection goes."""

    secure: bool
    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{'https' if self.secure else 'http'}://{host}{port}"


class _Connection(http.client.HTTPConnection):
    """Keeps the head of a request, so that a small body goes with it in one packet."""

    head = b""

    def send(self, data: Any) -> None:
        """Take a head; connect if that is still to be done."""
        if self.sock is None:
            self.connect()
        self.head = data


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    pass


class ObjectStore:
    """Sends and fetches bytes with presigned requests; safe to share between threads.

    Error handling: a connection the store closed while idle is replaced silently; every other
    failure is raised (``Unreachable``, ``StoreRefused``) and retried by the caller, who alone
    knows whether to sign again.
    """

    def __init__(
        self, timeout: float = 60.0, trust: Callable[[], ssl.SSLContext] = trusting
    ) -> None:
        self._timeout, self._trust = timeout, trust
        self._idle: dict[Origin, list[_Connection]] = {}
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            pools, self._idle = list(self._idle.values()), {}
        for connection in (each for pool in pools for each in pool):
            connection.close()

    def send(self, step: Step, body: Iterable[memoryview], size: int) -> None:
        """PUT ``size`` bytes.

        ``body`` is iterated once per try, so it must be re-iterable.
        """
        headers = {"content-length": str(size), **_lower(step.headers)}

        def exchange(connection: _Connection) -> None:
            with _network(unanswered=True):
                _write_head(connection, step, headers)
            _send_body(connection, body)
            response = _answer(connection)
            with _network():
                response.read(_MOST_ERROR_BYTES)
            if not response.isclosed():
                connection.close()

        self._exchange(step, exchange)

    def fetch(
        self, step: Step, sink: Callable[[memoryview], object], section: Section, *, whole: bool
    ) -> None:
        """GET a section, and hand it to ``sink`` block by block; the block is reused afterwards.

        Raises:
            WrongAnswer: what came is not that section, by its head or its length.
        """
        headers = _lower(step.headers)
        if not whole:
            headers["range"] = f"bytes={section.offset}-{section.offset + section.size - 1}"

        def exchange(connection: _Connection) -> None:
            with _network(unanswered=True):
                _write_head(connection, step, headers)
                connection.sock.sendall(connection.head)
            response = _answer(connection)
            if (wrong := _unlike(response, section, whole=whole)) is not None:
                raise WrongAnswer(str(_origin(step.url)), wrong, is_store=True)
            _drain(response, sink, section.size)

        self._exchange(step, exchange)

    def _exchange(self, step: Step, exchange: Callable[[_Connection], T]) -> T:
        """Run one request and its answer; once more when an idle connection turns out dead."""
        origin = _origin(step.url)
        connection = self._take(origin)
        if connection is not None:
            try:
                return self._run(origin, connection, exchange)
            except _Stale:
                pass
        return self._run(origin, self._connect(origin), exchange)

    def _run(
        self,
        origin: Origin,
        connection: _Connection,
        exchange: Callable[[_Connection], T],
    ) -> T:
        fresh = connection.sock is None
        try:
            result = exchange(connection)
        except _Broken as broken:
            connection.close()
            if broken.unanswered and not fresh:
                raise _Stale from broken
            reason = of_silence(str(origin), reason_of(broken)) if fresh else reason_of(broken)
            raise Unreachable(str(origin), reason, is_store=True) from broken
        except StoreRefused as refused:
            connection.close()
            raise refused.at(str(origin)) from None
        except BaseException:
            connection.close()
            raise
        self._give_back(origin, connection)
        return result

    def _take(self, origin: Origin) -> _Connection | None:
        with self._lock:
            pool = self._idle.get(origin)
            return pool.pop() if pool else None

    def _give_back(self, origin: Origin, connection: _Connection) -> None:
        if connection.sock is None:  # the store asked to close
            return
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)

    def _connect(self, origin: Origin) -> _Connection:
        if not origin.secure:
            return _Connection(origin.host, origin.port, timeout=self._timeout)
        self._tls = self._tls or self._trust()
        return _SecureConnection(origin.host, origin.port, timeout=self._timeout, context=self._tls)


class _Broken(Exception):  # noqa: N818 - a state of a connection, never seen outside
    """The connection failed; ``unanswered``: closed by the other side before any answer."""

    def __init__(self, reason: str, *, unanswered: bool) -> None:
        self.unanswered = unanswered
        super().__init__(reason)


class _Stale(Exception):  # noqa: N818 - a state of a connection, never seen outside
    """A kept-alive connection was closed by the other side."""


class FileBody:
    """A section of a local file as blocks to send; each iteration reads it afresh.

    A block is valid until the next one is taken.
    """

    def __init__(
        self, file: BinaryIO, section: Section, sent: Callable[[int], object] | None = None
    ) -> None:
        self._file, self._section, self._sent = file, section, sent

    @property
    def size(self) -> int:
        """Return how many bytes there are."""
        return self._section.size

    def send_by(self, socket: Socket) -> None:
        """Have the kernel send them, without a copy to this process."""
        done = 0
        while done < self._section.size:
            count = min(_AT_ONCE, self._section.size - done)
            got = socket.sendfile(self._file, self._section.offset + done, count)
            if not got:
                raise SourceChanged(str(self._file.name))
            done += got
            if self._sent is not None:
                self._sent(got)

    def __iter__(self) -> Iterator[memoryview]:
        """Read the section block by block; a file that became shorter is ``SourceChanged``."""
        self._file.seek(self._section.offset)
        left = self._section.size
        buffer = memoryview(bytearray(min(BLOCK, left)))
        while left:
            got = self._file.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
            if not got:
                raise SourceChanged(str(self._file.name))
            yield buffer[:got]
            left -= got
            if self._sent is not None:
                self._sent(got)


def _origin(url: str) -> Origin:
    """Return where a URL leads to."""
    match = _ADDRESS.match(url)
    return _origin_of(match[1] if match else url)


@lru_cache(maxsize=64)
def _origin_of(url: str) -> Origin:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongAnswer("the server", f"{url!r} is no address of an object store")
    return Origin(parts.scheme == "https", parts.hostname, parts.port)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower the names; ``host`` is dropped because the connection sends it itself."""
    return {name.lower(): value for name, value in headers.items() if name.lower() != "host"}


def _write_head(connection: _Connection, step: Step, headers: Mapping[str, str]) -> None:
    match = _ADDRESS.match(step.url)
    target = match[2] if match else ""
    target = target if target.startswith("/") else f"/{target}"
    connection.putrequest(step.method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()


@contextmanager
def _network(*, unanswered: bool = False) -> Iterator[None]:
    """Tell failures of the connection from those of local files, which are OSErrors too."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        closed = unanswered and isinstance(error, ConnectionError)
        raise _Broken(str(error) or type(error).__name__, unanswered=closed) from error


def _send_body(connection: _Connection, body: Iterable[memoryview]) -> None:
    """Send head and body; when the store hangs up meanwhile, its answer may say why."""
    socket, head = connection.sock, connection.head
    if isinstance(body, FileBody) and body.size > _JOINED and _can_send_files(socket):
        with _sending(connection):
            socket.sendall(head)
            body.send_by(socket)
        return
    for block in body:
        with _sending(connection):
            if len(block) <= _JOINED:
                socket.sendall(b"".join((head, block)))
            else:
                socket.sendall(head)
                socket.sendall(block)
        head = b""
    if head:
        with _sending(connection):
            socket.sendall(head)


def _can_send_files(socket: Socket) -> bool:
    """Say whether the kernel can, as where nothing has to be encrypted."""
    return hasattr(os, "sendfile") and not isinstance(socket, ssl.SSLSocket)


@contextmanager
def _sending(connection: _Connection) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _OF_THE_FILE:
            raise
        if isinstance(error, ConnectionError):
            _answer(connection)
        raise _Broken(str(error), unanswered=False) from error


def _answer(connection: _Connection) -> http.client.HTTPResponse:
    with _network(unanswered=True):
        response = connection.getresponse()
    if response.status in _OK:
        return response
    with _network():
        text = response.read(_MOST_ERROR_BYTES).decode("utf-8", "replace")
    response.close()
    after = seconds_of(response.getheader("retry-after"))
    message = _element("Message", text)
    if location := response.getheader("location"):
        message = f"it leads elsewhere ({location[:200]}), and a signed request cannot follow"
    raise StoreRefused(response.status, _element("Code", text), message, after)


def _element(name: str, text: str) -> str:
    """Read one element of S3's flat error document."""
    match = re.search(f"<{name}>([^<]{{0,1000}})</{name}>", text)
    return match[1] if match else ""


def _unlike(response: http.client.HTTPResponse, section: Section, *, whole: bool) -> str | None:
    """Say what makes an answer another one than the section that was asked for."""
    if response.length is not None and response.length != section.size:
        return f"{response.length} bytes, where {section.size} were asked for"
    if whole:
        return None
    if response.status != _PARTIAL:
        return "the whole file, where a part was asked for; a proxy may drop the header Range"
    said = response.getheader("content-range", "")
    if not said.startswith(f"bytes {section.offset}-{section.offset + section.size - 1}/"):
        return f"another part than was asked for ({said[:100]})"
    return None


def _drain(
    response: http.client.HTTPResponse, sink: Callable[[memoryview], object], expected: int
) -> None:
    """Hand the body on; an answer that ends early, or does not end, is broken."""
    buffer, total = memoryview(bytearray(min(BLOCK, expected) + 1)), 0
    while True:
        with _network():
            got = response.readinto(buffer)
        if not got:
            break
        total += got
        if total > expected:
            raise _Broken("the answer is longer than the file", unanswered=False)
        sink(buffer[:got])
    if total < expected:
        raise _Broken(f"the answer ended {expected - total} bytes early", unanswered=False)
