"""The store: one data folder, its index and its blob files.

Reads go to a connection behind a lock that also guards the pins: looking up an object and
pinning its content is one step, so the sweeper can never unlink a file under a reader.
"""

import fcntl
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from bitvault.objectd import index
from bitvault.objectd.blobs import BlobFiles
from bitvault.objectd.committer import Committer
from bitvault.objectd.disk import Disk, RealDisk
from bitvault.objectd.errors import StorageError

_SWEEP = 500
_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_STOP_SECONDS = 10

T = TypeVar("T")


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why."""


@attrs.frozen
class Opened:
    """An object with its segments; its content is pinned until `Store.release`."""

    stored: index.StoredObject
    segments: list[index.Segment]


class Store:
    """Objects, uploads and buckets of one data folder.

    Error handling: failing disks surface as `StorageError` per request; the store lives on.
    """

    def __init__(self, data: Path, disk: Disk | None = None) -> None:
        disk = disk or RealDisk()
        self._lock_file = _lock(data)
        self._writer = index.connect(data / "index.sqlite3", disk.connection)
        index.create_schema(self._writer)
        self.files = BlobFiles(data, index.start_run(self._writer), disk)
        self.recovered = self.files.recover(self._knows_blob)
        self._reader = index.connect(data / "index.sqlite3", disk.connection)
        self._lock = threading.Lock()
        self._pins: Counter[int] = Counter()
        self._wake_send, self._wake = trio.open_memory_channel[None](1)
        self.committer = Committer(self._writer, self.files, self._wake_sweeper)
        self.buckets = {name for name, _ in index.run(self._reader, "list_buckets")}

    def _knows_blob(self, blob: int) -> bool:
        return bool(index.run(self._writer, "knows_blob", blob=blob).fetchone()[0])

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the committer and the sweeper; cancelled from outside when all writers are done."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.committer.serve)
            nursery.start_soon(self._sweep_forever)
            self._wake_sweeper()
            task_status.started()

    def close(self) -> None:
        """Close the index; the last connection to close checkpoints it."""
        self._reader.close()
        self._writer.close()
        os.close(self._lock_file)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on one consistent snapshot."""
        return await trio.to_thread.run_sync(self._read, query)

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                index.run(self._reader, "begin_read")
                try:
                    return query(self._reader)
                finally:
                    index.run(self._reader, "rollback")
            except sqlite3.Error as error:
                raise StorageError from error

    async def open_object(self, bucket: str, key: bytes) -> Opened | None:
        """Find an object and pin its content; every result must be released."""

        def query(db: sqlite3.Connection) -> Opened | None:
            stored = index.find_object(db, bucket, key)
            if stored is None:
                return None
            segments = index.list_segments(db, stored.content)
            self._pins[stored.content] += 1
            return Opened(stored, segments)

        return await self.read(query)

    def release(self, opened: Opened) -> None:
        """Let the sweeper have the content if it was deleted meanwhile."""
        content = opened.stored.content
        with self._lock:
            self._pins[content] -= 1
            if not self._pins[content]:
                del self._pins[content]
        self._wake_sweeper()

    def create_bucket_now(self, name: str, now_ms: int) -> None:
        """Create a bucket before `serve` runs; an existing one is kept."""
        index.run(self._writer, "add_bucket", name=name, created_ms=now_ms)
        self.buckets.add(name)

    async def add_bucket(self, name: str, now_ms: int) -> None:
        """Create a bucket; an existing one is kept."""
        await self.committer.run(
            lambda db: index.run(db, "add_bucket", name=name, created_ms=now_ms) and None
        )
        self.buckets.add(name)

    def _wake_sweeper(self) -> None:
        try:
            self._wake_send.send_nowait(None)
        except trio.WouldBlock:
            return  # it is awake already

    async def _sweep_forever(self) -> None:
        async for _ in self._wake:
            await self.tidy()

    async def tidy(self) -> None:
        """Give new files their place, and remove those that nobody names or reads."""
        await trio.to_thread.run_sync(self.files.settle)
        after = 0
        while True:
            page = await self.read(
                lambda db, after=after: index.run(  # type: ignore[misc] # a bound loop value
                    db, "list_garbage", after=after, limit=_SWEEP
                ).fetchall()
            )
            if not page:
                return
            after = page[-1][0]
            await self._sweep(page)

    async def _sweep(self, page: list[tuple[int, int]]) -> None:
        with self._lock:
            victims = [blob for blob, content in page if content not in self._pins]
        if not victims:
            return

        def forget(db: sqlite3.Connection) -> None:
            for blob in victims:
                index.run(db, "delete_garbage", blob=blob)

        try:
            await trio.to_thread.run_sync(self.files.unlink, victims)
            await self.committer.run(forget)
        except (OSError, StorageError):
            return  # the rows stay, so the next wake-up tries again


def _lock(data: Path) -> int:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", _LOCK, 0o600)
    except OSError as error:
        raise DataFolderError(f"data folder {data}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise DataFolderError(f"data folder {data}: in use by another process") from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock
