"""The socket of a session: read and written by the Trio task that asks, without asyncio's loop.

asyncpg's coroutines wait for nothing but the future of an answer, and its protocol is fed with
bytes by whoever has them. So a statement needs no asyncio task: it runs in the Trio task of its
caller, which waits for the socket (ADR-0036, with the figures and all that this leans on).

What is rare stays with the loop: connecting, closing, TLS, and the end of a statement whose caller
was cancelled, since asyncpg then asks the server on another connection to stop it.
"""

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar, cast

import asyncpg
import trio
from attrs import frozen

from bitvault.drivers import aio

T = TypeVar("T")

_NOTHING = memoryview(b"")
_MOST_READ = 128 * 1024
_HEAD = 5
"""A message of PostgreSQL's is its kind, one byte, and its length, four that count themselves."""
_ERROR, _COMMAND_COMPLETE, _READY = b"ECZ"
_UNASKED = b"SNA"
"""ParameterStatus, NoticeResponse, NotificationResponse: they may come at any time."""


@frozen
class Ahead:
    """Statements that travel in front of another one, in the same packet.

    Their answer is over with the last of ``count`` messages of the kind ``end``.
    """

    message: bytes
    end: int
    count: int


def ahead_in_one(statements: tuple[str, ...]) -> Ahead:
    """Put statements before another one that the server runs only if all of them succeed.

    The extended protocol without Sync: after an error the server skips what follows.
    """
    message = b"".join(
        _message(b"P", b"\0" + sql.encode() + b"\0\0\0")  # Parse: unnamed, without parameters
        + _message(b"B", b"\0\0" + bytes(6))  # Bind: unnamed, nothing to bind
        + _message(b"E", b"\0" + bytes(4))  # Execute: every row
        for sql in statements
    )
    return Ahead(message, _COMMAND_COMPLETE, len(statements))


def ahead_of_its_own(statements: tuple[str, ...]) -> Ahead:
    """Put statements before another one that stay in force even if that one fails."""
    return Ahead(_message(b"Q", "; ".join(statements).encode() + b"\0"), _READY, 1)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


class Wire(asyncio.Protocol):
    """Stands between asyncpg's protocol and asyncio's transport, in both directions.

    Attributes:
        connection: Whose socket it is.
        in_force: What was sent ahead last has been done.
        refused: What was sent ahead has failed: the session is of no use any more.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Take the place of the protocol; the connection must be idle."""
        transport: Any = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001 - no other way to it
        self.connection = connection
        self.in_force = self.refused = False
        self._loop = cast("aio.DrainingLoop", asyncio.get_running_loop())
        self._transport: asyncio.Transport = transport
        self._protocol = cast("asyncio.Protocol", transport.get_protocol())
        self._file: int = transport.get_extra_info("socket").fileno()
        self._is_plain = transport.get_extra_info("ssl_object") is None
        self._is_direct = self._is_closed = False
        self._unsent = _NOTHING
        self._ahead: Ahead | None = None
        self._awaited: Ahead | None = None
        self._left = 0
        self._held = b""
        self._send, self._abort = transport.write, transport.abort
        transport.write, transport.abort = self._write, self._end
        transport.set_protocol(self)
        self._take_from_loop()

    async def run(
        self, ahead: Ahead | None, function: Callable[..., Awaitable[T]], /, *args: Any
    ) -> T:
        """Call a coroutine function of the connection's; ``ahead`` goes before what it sends.

        Cancelled, the server is asked to stop, and the loop sees to the end of it.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._ahead, self.in_force = ahead, False
        if self._is_direct:
            return await self._drive(cast("Coroutine[Any, None, T]", function(*args)))
        result = await aio.call(function, *args)
        self._take_from_loop()
        return result

    def catch_up(self) -> None:
        """Take in what the server said unasked, above all that it has gone."""
        while self._is_direct and not self._is_closed and self._read():
            pass

    def leave_to_loop(self) -> None:
        """Let asyncio's transport read and write from now on."""
        if self._is_direct and not self._is_closed:
            self._is_direct = False
            unsent, self._unsent = self._unsent, _NOTHING
            self._send(unsent)
            self._transport.resume_reading()

    def _take_from_loop(self) -> None:
        if self._is_plain and not self._is_closed and not self._transport.get_write_buffer_size():
            self._transport.pause_reading()
            self._is_direct = True

    async def _drive(self, coroutine: Coroutine[Any, None, T]) -> T:
        try:
            while True:
                answer = self._step(coroutine)
                try:
                    while not answer.done():
                        await self._wait(answer)
                except BaseException:
                    self._give_up(coroutine, answer)
                    raise
        except StopIteration as end:
            return cast("T", end.value)

    def _step(self, coroutine: Coroutine[Any, None, T]) -> "asyncio.Future[Any]":
        self._loop.is_driven = True
        try:
            return cast("asyncio.Future[Any]", coroutine.send(None))
        finally:
            self._loop.is_driven = False

    async def _wait(self, answer: "asyncio.Future[Any]") -> None:
        """Send more of the statement, or receive more of the answer."""
        try:
            if self._unsent:
                await trio.lowlevel.wait_writable(self._file)
                self._flush()
            else:
                await trio.lowlevel.wait_readable(self._file)
                self._read()
        except trio.ClosedResourceError:
            if not answer.done():  # asyncpg fails what is under way when it closes a connection
                raise

    def _give_up(self, coroutine: Coroutine[Any, None, T], answer: "asyncio.Future[Any]") -> None:
        """Unwind a statement as asyncio would: asyncpg asks the server to stop, on the loop."""
        self.leave_to_loop()
        answer.cancel()
        with suppress(asyncio.CancelledError, Exception):  # why it is given up is raised already
            coroutine.send(None)
        coroutine.close()

    # Towards the server.

    def _write(self, data: bytes | memoryview) -> None:
        if self._ahead is not None:
            data = self._ahead.message + bytes(data)
            self._awaited, self._left, self._ahead = self._ahead, self._ahead.count, None
        if not self._is_direct:
            self._send(data)
        elif self._unsent:
            self._unsent = memoryview(bytes(self._unsent) + bytes(data))
        else:
            self._unsent = memoryview(data)
            self._flush()

    def _flush(self) -> None:
        if self._is_closed:
            return
        try:
            sent = os.write(self._file, self._unsent)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._unsent)  # the connection is lost, and reading says so too, and why
        self._unsent = self._unsent[sent:] or _NOTHING  # an empty rest would keep all of it

    def _end(self) -> None:
        """Abort the transport; who waits for the socket learns of it."""
        if self._is_direct and not self._is_closed:
            trio.lowlevel.notify_closing(self._file)
        self._is_closed = True
        self._abort()

    # From the server.

    def _read(self) -> bool:
        """Return whether there was something."""
        try:
            data = os.read(self._file, _MOST_READ)
            self.data_received(data)
        except BlockingIOError:
            return False
        except Exception as error:  # noqa: BLE001 - asyncpg's caller gets it as the cause, as by asyncio
            self.connection_lost(error)
            return False
        if not data:
            self.connection_lost(None)
        return bool(data)

    def data_received(self, data: bytes) -> None:
        """Pass on what the server says, but for the answer to what was sent ahead."""
        if self._awaited is not None:
            data = self._without_awaited(self._awaited, self._held + data)
        elif self.refused:
            return  # asyncpg has had its answer, and the session ends
        if data:
            self._protocol.data_received(data)

    def _without_awaited(self, ahead: Ahead, data: bytes) -> bytes:
        """Drop an answer; one that says no is passed on, as if it were the statement's."""
        at, passed = 0, b""
        while self._left and len(data) - at >= _HEAD:
            kind, end = data[at], at + 1 + int.from_bytes(data[at + 1 : at + _HEAD], "big")
            if end > len(data):
                break
            if kind == _ERROR:
                self.refused, self._left = True, 1
            elif kind == (_READY if self.refused else ahead.end):
                self._left -= 1
            if self.refused or kind in _UNASKED:
                passed += data[at:end]
            at = end
        if self._left:
            self._held = data[at:]
            return passed
        self._awaited, self._held, self.in_force = None, b"", not self.refused
        return passed if self.refused else passed + data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell asyncpg, and close the socket."""
        self._protocol.connection_lost(exc)
        self._end()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._protocol.resume_writing()
