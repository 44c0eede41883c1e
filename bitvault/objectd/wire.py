"""A client's socket: what is read and written, and how long the client may take for it."""

import fcntl
import os
import socket
import struct
import termios

import h11
import trio

from bitvault.objectd.pace import Pace

_READ = 64 * 1024
_HEAD_SECONDS = 10  # from a head's first byte to its last
_STRETCH_SECONDS = 60
_LEAST = 64 * 1024  # bytes of an answer that the client takes in each stretch
_LINGER_SECONDS = 10
_LULL_SECONDS = 2
_SENDFILE = 8 * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """One connection's bytes.

    Error handling: a client that is too slow gets `trio.TooSlowError`, and what is unsent is
    dropped with the connection.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self.socket = stream.socket
        self.leftover = bytearray()
        self.began = False
        self._stream = stream
        self._waiting: trio.CancelScope | None = None
        self._sent = 0
        self.pace = self.new_pace()

    def new_pace(self) -> Pace:
        """Start to measure how fast an answer is taken."""
        self.pace = Pace(_STRETCH_SECONDS, _LEAST, trio.current_time(), self._delivered())
        return self.pace

    def stop_waiting(self) -> None:
        """End the wait for a next request, if there is one."""
        if self._waiting is not None:
            self._waiting.cancel()

    async def read_head(self, protocol: h11.Connection, idle_seconds: float) -> h11.Request | None:
        """Read one head; None when there is none, and `began` says whether some of it came.

        Raises:
            h11.RemoteProtocolError: it is not HTTP, or too large.
        """
        self.began = bool(self.leftover)
        if self.leftover:
            protocol.receive_data(bytes(self.leftover))
            self.leftover.clear()
        event = protocol.next_event()
        with trio.move_on_after(_HEAD_SECONDS if self.began else idle_seconds) as self._waiting:
            while event is h11.NEED_DATA:
                data = await self.socket.recv(_READ)
                if not self.began:
                    self.began = bool(data)
                    self._waiting.deadline = trio.current_time() + _HEAD_SECONDS
                protocol.receive_data(data)
                event = protocol.next_event()
        self._waiting = None
        if not isinstance(event, h11.Request):
            return None
        self.leftover += protocol.trailing_data[0]
        return event

    async def send(self, data: bytes | memoryview) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            with trio.move_on_at(self.pace.resume(trio.current_time())) as late:
                sent = await self.socket.send(rest)
                self._sent += sent
                rest = rest[sent:]
            self._judge(late)

    async def send_file(self, file: int, offset: int, stop: int) -> None:
        """Send that much of a file, without the bytes passing through here."""
        while offset < stop:
            try:
                # In a thread, because a page that is not cached blocks.
                sent = await trio.to_thread.run_sync(
                    os.sendfile, self.socket.fileno(), file, offset, min(stop - offset, _SENDFILE)
                )
            except BlockingIOError:
                await self._wait_writable()
                continue
            if not sent:
                raise trio.BrokenResourceError("a blob is shorter than its row says")
            self._sent += sent
            offset += sent

    async def _wait_writable(self) -> None:
        with trio.move_on_at(self.pace.resume(trio.current_time())) as late:
            await trio.lowlevel.wait_writable(self.socket)
        self._judge(late)

    def _judge(self, late: trio.CancelScope) -> None:
        """Count what the client has taken: the kernel may still hold megabytes of the rest."""
        enough = self.pace.pause(self._delivered(), trio.current_time())
        if late.cancelled_caught and not enough:
            self.reset()
            raise trio.TooSlowError

    def _delivered(self) -> int:
        queued = fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, bytes(4))
        return self._sent - int.from_bytes(queued, "little")

    def reset(self) -> None:
        """Let closing drop what is unsent, instead of the kernel holding it on."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    async def linger(self) -> None:
        """Let the client read the answer before unread bytes reset the connection."""
        await self._stream.send_eof()
        end = trio.current_time() + _LINGER_SECONDS
        with trio.move_on_after(_LULL_SECONDS) as lull:
            while await self.socket.recv(_READ):
                lull.deadline = min(trio.current_time() + _LULL_SECONDS, end)
