"""Bytes on their way to disk: digests, temp file, fsync."""

import contextlib
import errno
import functools
import itertools
import os
import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence

import attrs
import trio

from bitvault.objectd import index
from bitvault.objectd.blobs import BlobFiles
from bitvault.objectd.body import BLOCK, STRETCH, Body
from bitvault.objectd.digests import Digests
from bitvault.objectd.disk import Disk
from bitvault.objectd.errors import S3Error, StorageError
from bitvault.objectd.index import Segment

INLINE_BYTES = 32 * 1024
_WRITE_BEHIND = 32 * BLOCK


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
    if size <= INLINE_BYTES:
        data = await body.read_all(INLINE_BYTES)
        digests.update(data)
        return Received(blob, size, data, digests.check())
    await _receive_file(body, digests, files, blob)
    return Received(blob, size, None, digests.check())


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
    stretch = list(itertools.islice(blocks, STRETCH // BLOCK))
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
