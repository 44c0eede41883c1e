"""A request body: exact length, a least rate, and threads that read where bytes keep coming."""

import contextlib
import os
import select
import time
from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio

from bitvault.objectd.errors import S3Error
from bitvault.objectd.pace import Pace

BLOCK = 1024 * 1024
STRETCH = 8 * BLOCK
"""As much as a thread should be taken for."""
_STRETCH_SECONDS = 30
_LEAST = 64 * 1024  # bytes in each stretch, or the rest of a shorter body
_LULL_MILLISECONDS = 5
_PUMP_SECONDS = 0.05  # a sender that drips gets no thread for longer
_PUMPING = 8
_PUMPS: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("pumps")
_PATIENCE_SECONDS = 60
_SLOWEST = 16 * 1024  # bytes per second over a whole body, beside the seconds above


class Body:
    """The bytes after a request's head; never reads past its length.

    Args:
        length: what Content-Length says.
        leftover: bytes that came with the head; what belongs to the next request stays in it.
        recv_into: reads from the socket.
        on_first_read: sends `100 Continue` where it was asked for.
        fileno: the socket itself, for `pump`; -1 where there is none.

    Attributes:
        pace: the least rate at which the bytes must come; `whole` is the same for all of them.
    """

    def __init__(
        self,
        length: int,
        leftover: bytearray,
        recv_into: Callable[[memoryview], Awaitable[int]],
        on_first_read: Callable[[], Awaitable[None]] | None,
        fileno: int = -1,
    ) -> None:
        self.remaining = length
        self.length = length
        self.started = on_first_read is None
        self._leftover = leftover
        self._recv_into = recv_into
        self._on_first_read = on_first_read
        self._fileno = fileno
        now = trio.current_time()
        self.pace = Pace(_STRETCH_SECONDS, _LEAST, now, over=not length)
        self.whole = Pace(_PATIENCE_SECONDS + length / _SLOWEST, length, now)

    def skip_buffered(self) -> bool:
        """Pass over what came with the head; whether that was all there was left."""
        self._take_leftover(self.remaining)
        return not self.remaining

    async def fill(self, view: memoryview) -> int:
        """Fill the view, or less at the body's end; returns how many bytes.

        Raises:
            S3Error: IncompleteBody or RequestTimeout.
        """
        await self._begin()
        want = min(len(view), self.remaining)
        early = self._take_leftover(want)
        have = len(early)
        view[:have] = early
        while have < want:
            got = 0
            with self._patience(), contextlib.suppress(ConnectionError):
                got = await self._recv_into(view[have:want])
            if not got:
                raise S3Error("IncompleteBody")
            have += got
            self._came(got)
        return have

    def _take_leftover(self, most: int) -> bytes:
        early = bytes(self._leftover[:most])
        del self._leftover[:most]
        self._came(len(early))
        return early

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """Wait for the sender in the block.

        Raises:
            S3Error: RequestTimeout.
        """
        with trio.move_on_at(self._resume(trio.current_time())) as late:
            yield
        if late.cancelled_caught:
            raise S3Error("RequestTimeout")

    def _resume(self, since: float) -> float:
        return min(self.pace.resume(since), self.whole.resume(since))

    def _came(self, size: int) -> None:
        self.remaining -= size
        for pace in (self.pace, self.whole):
            pace.pause(self.length - self.remaining, trio.current_time())
        self.pace.over = not self.remaining

    async def _begin(self) -> None:
        if not self.started and self._on_first_read is not None:
            self.started = True
            await self._on_first_read()

    @property
    def pumpable(self) -> bool:
        """Whether the rest is all in the socket, and enough to be worth a thread's while."""
        return self._fileno >= 0 and not self._leftover and self.remaining >= BLOCK

    async def pump(self, take: Callable[[memoryview], None]) -> None:
        """Let a thread read from the socket and take blocks for as long as bytes keep coming.

        One step per stretch instead of one per segment. A thread never waits for a slow sender:
        when nothing comes for a moment it ends, and the wait is Trio's again.

        Raises:
            S3Error: IncompleteBody or RequestTimeout.
        """
        await self._begin()
        with self._patience():
            await trio.lowlevel.wait_readable(self._fileno)
        self._came(0)  # what the thread waits for, beside the sender, is our own
        most = min(self.remaining, STRETCH)
        pumped = await trio.to_thread.run_sync(_pump, self._fileno, most, take, limiter=_pumps())
        if pumped.ended:
            raise S3Error("IncompleteBody")
        self._resume(trio.current_time() - pumped.waited)
        self._came(pumped.size)

    async def read_all(self, limit: int) -> bytes:
        """The whole body when it is small.

        Raises:
            S3Error: MaxMessageLengthExceeded above the limit.
        """
        if self.remaining > limit:
            raise S3Error("MaxMessageLengthExceeded")
        data = bytearray(self.remaining)
        await self.fill(memoryview(data))
        return bytes(data)


@attrs.frozen
class _Pumped:
    """What a thread has read.

    Attributes:
        waited: seconds for which it waited for the sender.
        ended: the stream is at its end.
    """

    size: int
    waited: float
    ended: bool


def _pump(fileno: int, most: int, take: Callable[[memoryview], None]) -> _Pumped:
    """Read up to `most` bytes while they keep coming."""
    buffer = memoryview(bytearray(min(BLOCK, most)))
    arrival = select.poll()
    arrival.register(fileno, select.POLLIN)
    done = filled = 0
    waited, ended = 0.0, False
    end = time.monotonic() + _PUMP_SECONDS
    while done + filled < most and time.monotonic() < end:
        want = buffer[filled : filled + most - done - filled]
        try:
            got = os.readv(fileno, [want])
        except BlockingIOError:
            since = time.monotonic()
            more = arrival.poll(_LULL_MILLISECONDS)
            waited += time.monotonic() - since
            if not more:
                break
            continue
        except ConnectionError:
            got = 0
        ended = not got
        if ended:
            break
        filled += got
        if filled == len(buffer):
            take(buffer)
            done, filled = done + filled, 0
    if filled:
        take(buffer[:filled])
    return _Pumped(done + filled, waited, ended)


def _pumps() -> trio.CapacityLimiter:
    """Threads for pumping, apart from those that do short work on the disk; one set per run."""
    try:
        return _PUMPS.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_PUMPING)
        _PUMPS.set(limiter)
        return limiter
