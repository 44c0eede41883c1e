"""How long a client may take, and a stream that ends every wait for it."""

import math
from contextlib import suppress
from typing import cast

import trio
from attrs import define, field, frozen


@frozen
class Patience:
    """How long a client may take, in seconds."""

    head: float = 10.0
    """From its first byte, or the connection, to the end of a request's head."""
    idle: float = 75.0
    """From an answer to the first byte of the next request."""
    silence: float = 90.0
    """Without a byte, while its request is in work."""
    answer: float = 10.0
    """To take an answer, on top of what its size takes at the least rate."""
    rest: float = 5.0
    """To send the rest of a body that is answered already, or to close after the last answer."""
    least_rate: float = 16 << 10
    """Bytes a second; a client that takes an answer more slowly on the whole is cut off."""

    def for_answer(self, size: int) -> float:
        """Return the seconds in which so many bytes have to be taken, first to last."""
        return self.answer + size / self.least_rate


@define(eq=False)
class PatientStream:
    """A client's stream; a deadline that has passed looks like the client's farewell."""

    stream: trio.abc.Stream
    patience: Patience
    answer_due: float = math.inf
    """When the answer that is being sent has to be taken."""
    is_late: bool = field(default=False, init=False)
    """Whether the client took too long to send."""
    _idle: bool = field(default=True, init=False)
    _in_head: bool = field(default=True, init=False)
    _due: float = field(init=False)
    _is_cut: bool = field(default=False, init=False)
    _is_closing: bool = field(default=False, init=False)
    _reading: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _writing: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _sending: trio.Lock = field(factory=trio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        """Expect the first head soon: a client connects because it has something to ask."""
        self._due = trio.current_time() + self.patience.head

    @property
    def is_secure(self) -> bool:
        """Say whether it is TLS."""
        return isinstance(self.stream, trio.SSLStream)

    @property
    def socket(self) -> trio.socket.SocketType:
        """Return the socket."""
        stream = self.stream
        if isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        return cast("trio.SocketStream", stream).socket

    def mark(self, *, idle: bool) -> None:
        """Note that a head is complete, or that the next may begin."""
        self._idle, self._in_head = idle, False
        self._expect(self.patience.idle if idle else self.patience.silence)

    async def receive_some(self, most: int) -> bytes:
        """Receive bytes; none when the client said goodbye, took too long, or was cut off."""
        while not self._is_cut:
            received = b""
            with (
                trio.CancelScope(deadline=self._due) as self._reading,
                suppress(trio.BrokenResourceError, trio.ClosedResourceError),
            ):
                received = bytes(await self.stream.receive_some(most))
            if not received:
                self.is_late = self._reading.cancelled_caught and not self._is_cut
                break
            if not self._is_closing:
                self._note_progress()
                return received
        return b""

    async def send_all(self, sent: bytes) -> None:
        """Send all of it, after the bytes of other tasks; only a deadline or `cut` ends it sooner.

        Half a frame would spoil the connection, so nothing else cancels it.

        Raises:
            trio.BrokenResourceError: The client does not take them, or was cut off.
        """
        if self._sending.locked():
            with trio.CancelScope(shield=True):
                await self._sending.acquire()
        else:  # an uncontended lock that is acquired in the other way costs a step of the scheduler
            self._sending.acquire_nowait()
        try:
            await self._send(sent)
        finally:
            self._sending.release()

    async def _send(self, sent: bytes) -> None:
        due = trio.current_time() + self.patience.for_answer(len(sent))
        if not self._is_cut:
            deadline = min(due, self.answer_due)
            with trio.CancelScope(deadline=deadline, shield=True) as self._writing:
                await self.stream.send_all(sent)
        if self._is_cut or self._writing.cancelled_caught:
            raise trio.BrokenResourceError("the client does not read its answer")

    def cut(self) -> None:
        """End every wait for the client, a write that is shielded from cancellation too."""
        self._is_cut = True
        self._reading.cancel()
        self._writing.cancel()

    async def say_goodbye(self) -> None:
        """Say that nothing more comes once all is sent; drop what the client sends for a while.

        Closed at once, a client that still sends would lose the last answer to a reset. TLS cannot
        be closed one way, so there the client has to see the end in the answer.
        """
        self._is_closing = True
        async with self._sending:
            if isinstance(self.stream, trio.abc.HalfCloseableStream):
                self._expect(self.patience.rest)
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await self.stream.send_eof()
            else:
                self._expect(0)

    async def aclose(self) -> None:
        """Close the stream; TLS waits for nobody to take its own goodbye."""
        with trio.move_on_after(0 if self._is_cut else self.patience.rest):
            await self.stream.aclose()

    def _note_progress(self) -> None:
        if not self._idle:
            self._expect(self.patience.silence)
        elif not self._in_head:
            self._in_head = True
            self._expect(self.patience.head)

    def _expect(self, seconds: float) -> None:
        self._due = self._reading.deadline = trio.current_time() + seconds
