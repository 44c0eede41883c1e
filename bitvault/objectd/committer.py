"""Group commit: many writers, one SQLite transaction, one fsync.

Each writer hands in a function over the connection; a batch of them runs in one transaction,
each behind its savepoint, so a refused one takes nothing with it. They run one after the other,
which is what makes a conditional write have exactly one winner.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import trio

from bitvault.objectd.blobs import BlobFiles
from bitvault.objectd.errors import S3Error, StorageError
from bitvault.objectd.index import run

MAX_BATCH = 256
_QUEUE = 4096

T = TypeVar("T")


@attrs.define
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    files: tuple[int, ...]
    done: trio.Event = attrs.Factory(trio.Event)
    result: Any = None
    error: Exception | None = None


class Committer:
    """The only writer of the index.

    Error handling: a refusal (`S3Error`) goes to its own writer; a disk or SQLite error fails
    the whole batch as `StorageError` and the committer lives on; anything else is a bug and
    crashes the process.
    """

    def __init__(
        self, db: sqlite3.Connection, files: BlobFiles, on_work: Callable[[], None]
    ) -> None:
        self._db = db
        self._files = files
        self._on_work = on_work
        self._send, self._receive = trio.open_memory_channel[_Job](_QUEUE)

    async def run(self, work: Callable[[sqlite3.Connection], T], files: tuple[int, ...] = ()) -> T:
        """Run work in a durable transaction.

        Args:
            work: called in a thread with the connection; may raise S3Error to refuse.
            files: blob files, already fsynced, that the work makes visible.

        Raises:
            S3Error: the work refused.
            StorageError: nothing of the batch was kept.
        """
        job = _Job(work, files)
        with trio.CancelScope(shield=True):  # from here on the files are the committer's
            await self._send.send(job)
        await job.done.wait()
        if isinstance(job.error, S3Error):
            raise job.error
        if job.error is not None:
            raise StorageError from job.error
        result: T = job.result
        return result

    async def serve(self) -> None:
        """Commit batches until `close`."""
        async for job in self._receive:
            batch = [job]
            while len(batch) < MAX_BATCH:
                try:
                    batch.append(self._receive.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
            if await trio.to_thread.run_sync(self._commit, batch):
                self._on_work()
            for each in batch:
                each.done.set()

    def close(self) -> None:
        """Let `serve` end after what is queued."""
        self._send.close()

    def _commit(self, batch: list[_Job]) -> bool:
        """Commit, and say whether that left work for later."""
        db, committing = self._db, False
        try:
            run(db, "begin")
            for job in batch:
                self._apply(job)
            work = run(db, "any_garbage").fetchone() is not None
            files = [blob for job in batch if job.error is None for blob in job.files]
            if files:
                self._files.sync(files)
            committing = True
            run(db, "commit")
        except (sqlite3.Error, OSError) as error:
            self._fail(batch, error, keep_files=committing)
            return False
        for job in batch:
            if job.error is not None:
                self._files.discard(job.files)
        return self._files.committed(files) or work

    def _apply(self, job: _Job) -> None:
        run(self._db, "savepoint")
        try:
            job.result = job.work(self._db)
        except S3Error as refusal:
            job.error = refusal
            run(self._db, "rollback_job")
        run(self._db, "release")

    def _fail(self, batch: list[_Job], error: Exception, *, keep_files: bool) -> None:
        """Nothing of the batch is told done.

        A commit that failed may be on the disk all the same, so the files it names are left for
        the next start to judge.
        """
        if self._db.in_transaction:
            run(self._db, "rollback")
        for job in batch:
            job.error = error
            if not keep_files:
                self._files.discard(job.files)
