"""A request body on its way to disk: exact length, digests, temp file, fsync."""

import contextlib
import errno
import functools
import itertools
import os
import select
import sqlite3
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence

import attrs
import trio

from bitvault.objectd import index
from bitvault.objectd.blobs import BlobFiles
from bitvault.objectd.digests import Digests
from bitvault.objectd.disk import Disk
from bitvault.objectd.errors import S3Error, StorageError
from bitvault.objectd.index import Segment
from bitvault.objectd.pace import Pace

INLINE_BYTES = 32 * 1024
BLOCK = 1024 * 1024
_WRITE_BEHIND = 32 * BLOCK
_STRETCH_SECONDS = 30
_LEAST = 64 * 1024  # bytes in each stretch, or the rest of a shorter body
_STRETCH = 8 * BLOCK
_LULL_MILLISECONDS = 5
_PUMP_SECONDS = 0.05  # whoever drips gets no thread for longer
_PUMPING = 8
_PUMPS: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("pumps")
_PATIENCE_SECONDS = 60
_SLOWEST = 16 * 1024  # bytes per second over a whole body, or it is a slowloris


class Body:
    """The bytes after a request's head; never reads past its length.

    Args:
        length: what Content-Length says.
        leftover: bytes that came with the head; what belongs to the next request stays in it.
        recv_into: reads from the socket.
        on_first_read: sends `100 Continue` where it was asked for.
        fileno: the socket itself, for `pump`; -1 where there is none.

    Attributes:
        pace: the least rate at which the bytes must come.
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
        self.pace = Pace(_STRETCH_SECONDS, _LEAST, trio.current_time(), over=not length)

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
            deadline = self.pace.resume(trio.current_time())
            with trio.move_on_at(deadline) as late, contextlib.suppress(ConnectionError):
                got = await self._recv_into(view[have:want])
            if late.cancelled_caught:
                raise S3Error("RequestTimeout")
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

    def _came(self, size: int) -> None:
        self.remaining -= size
        self.pace.pause(self.length - self.remaining, trio.current_time())
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
        with trio.move_on_at(self.pace.resume(trio.current_time())) as late:
            await trio.lowlevel.wait_readable(self._fileno)
        if late.cancelled_caught:
            raise S3Error("RequestTimeout")
        most = min(self.remaining, _STRETCH)
        got = await trio.to_thread.run_sync(_pump, self._fileno, most, take, limiter=_pumps())
        if got < 0:
            raise S3Error("IncompleteBody")
        self._came(got)

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
class Received:
    """Bytes that are safe to commit.

    Attributes:
        data: the bytes themselves when small; else they are in the fsynced file `blob`.
        checksums: proven ones, algorithm → base64.
    """

    blob: int
    size: int
    data: bytes | None
    checksums: dict[str, str]

    @property
    def pending_files(self) -> tuple[int, ...]:
        """The file a commit makes visible, if there is one."""
        return () if self.data is not None else (self.blob,)

    def keep_inline(self, db: sqlite3.Connection) -> None:
        """Write small bytes into the index, in the transaction that names them."""
        if self.data is not None:
            index.run(db, "add_inline", blob=self.blob, bytes=self.data)


async def receive(body: Body, digests: Digests, files: BlobFiles) -> Received:
    """Take a body in and prove its digests.

    Raises:
        S3Error: the bytes are not what was claimed; nothing is kept.
        StorageError: nothing is kept.
    """
    size, blob = body.length, files.next_number()
    with trio.move_on_after(_PATIENCE_SECONDS + size / _SLOWEST) as patience:
        if size <= INLINE_BYTES:
            data = await body.read_all(INLINE_BYTES)
            digests.update(data)
            return Received(blob, size, data, digests.check())
        await _receive_file(body, digests, files, blob)
        return Received(blob, size, None, digests.check())
    assert patience.cancelled_caught  # noqa: S101 - the block returns or raises otherwise
    raise S3Error("RequestTimeout")


async def copy(
    segments: Sequence[Segment], span: range, digests: Digests, files: BlobFiles
) -> Received:
    """Take in what another object's segments hold in a range.

    Raises:
        StorageError: nothing is kept.
    """
    size, blob = len(span), files.next_number()
    with contextlib.closing(_blocks(segments, span, files)) as blocks:
        if size <= INLINE_BYTES:
            try:
                data = await trio.to_thread.run_sync(b"".join, blocks)
            except OSError as error:
                raise StorageError from error
            digests.update(data)
            return Received(blob, size, data, digests.check())

        async def write(sink: Sink) -> None:
            while await trio.to_thread.run_sync(_take_some, sink, blocks, digests):
                pass

        await _write_file(write, files, blob)
    return Received(blob, size, None, digests.check())


def _take_some(sink: "Sink", blocks: Iterator[memoryview], digests: Digests) -> bool:
    """Copy a stretch, no longer than a thread should be taken; whether there was one."""
    stretch = list(itertools.islice(blocks, _STRETCH // BLOCK))
    for block in stretch:
        sink.take(block, digests)
    return bool(stretch)


def _blocks(
    segments: Sequence[Segment], span: range, files: BlobFiles
) -> Generator[memoryview, None, None]:
    position = 0
    for segment in segments:
        low = max(span.start - position, 0)
        high = min(span.stop - position, segment.size)
        position += segment.size
        if low >= high:
            continue
        if segment.data is not None:
            yield memoryview(segment.data)[low:high]
            continue
        with os.fdopen(files.open(segment.blob), "rb", buffering=0) as file:
            file.seek(low)
            while low < high:
                block = file.read(min(high - low, BLOCK))
                if not block:
                    raise OSError(errno.EIO, "a blob is shorter than its row says")
                low += len(block)
                yield memoryview(block)


async def _receive_file(body: Body, digests: Digests, files: BlobFiles, blob: int) -> None:
    async def write(sink: Sink) -> None:
        await _write_body(body, digests, sink)
        digests.check()

    await _write_file(write, files, blob)


async def _write_file(
    write: Callable[["Sink"], Awaitable[None]], files: BlobFiles, blob: int
) -> None:
    """Have a new file written, and its bytes made durable; else there is none."""
    file = -1
    try:
        file = await trio.to_thread.run_sync(files.create, blob)
        await write(Sink(files.disk, file))
        await trio.to_thread.run_sync(files.disk.sync, file)
    except BaseException as error:
        files.discard([blob])
        if isinstance(error, OSError):
            raise StorageError from error  # noqa: ASYNC104 - an OSError, never Cancelled
        raise
    finally:
        if file >= 0:
            os.close(file)


@attrs.frozen
class Sink:
    """A file that is being written."""

    disk: Disk
    file: int

    def take(self, block: memoryview, digests: Digests) -> None:
        """Write a block and hash it."""
        digests.update(block)
        while block:
            block = block[self.disk.write(self.file, block) :]

    def flush(self) -> None:
        """Start the disk early."""
        self.disk.flush(self.file)


async def _write_body(body: Body, digests: Digests, sink: Sink) -> None:
    """Write block after block while an earlier stretch is already on its way to the disk."""
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        write_behind = _WriteBehind(sink, nursery)
        buffer = memoryview(bytearray(min(BLOCK, body.length)))
        try:
            while body.remaining:
                if body.pumpable:
                    before = body.remaining
                    await body.pump(functools.partial(sink.take, digests=digests))
                    write_behind.wrote(before - body.remaining)
                    continue
                block = buffer[: await body.fill(buffer)]
                await trio.to_thread.run_sync(sink.take, block, digests)
                write_behind.wrote(len(block))
        except (S3Error, OSError) as error:
            failure = error  # raised below, where no nursery wraps it in a group
    failure = failure or write_behind.failure
    if failure is not None:
        raise failure


def _pump(fileno: int, most: int, take: Callable[[memoryview], None]) -> int:
    """Read up to `most` bytes while they keep coming; -1 at the end of the stream."""
    buffer = memoryview(bytearray(min(BLOCK, most)))
    arrival = select.poll()
    arrival.register(fileno, select.POLLIN)
    done = filled = 0
    ended = False
    end = time.monotonic() + _PUMP_SECONDS
    while done + filled < most and time.monotonic() < end:
        want = buffer[filled : filled + most - done - filled]
        try:
            got = os.readv(fileno, [want])
        except BlockingIOError:
            if not arrival.poll(_LULL_MILLISECONDS):
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
    return -1 if ended else done + filled


def _pumps() -> trio.CapacityLimiter:
    """Threads for pumping, apart from those that do short work on the disk; one set per run."""
    try:
        return _PUMPS.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_PUMPING)
        _PUMPS.set(limiter)
        return limiter


class _WriteBehind:
    """Starts the disk early, so that the last fsync has little left to do."""

    def __init__(self, sink: Sink, nursery: trio.Nursery) -> None:
        self.failure: OSError | None = None
        self._sink = sink
        self._nursery = nursery
        self._dirty = 0
        self._busy = False

    def wrote(self, size: int) -> None:
        self._dirty += size
        if self._dirty >= _WRITE_BEHIND and not self._busy:
            self._dirty, self._busy = 0, True
            self._nursery.start_soon(self._flush)

    async def _flush(self) -> None:
        try:
            await trio.to_thread.run_sync(self._sink.flush)
        except OSError as error:
            self.failure = error
        self._busy = False
