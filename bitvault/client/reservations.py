"""The room that uploads hold at the server until they are committed, and giving it back.

What a process has begun and no later one goes on with is noted in a file that it holds a lock on.
So the next process finds what one that was killed has left, and gives that up.
"""

import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from bitvault.client.errors import Stopped

if sys.platform != "win32":
    import fcntl

LAST_SECONDS = 15.0
"""How long an interrupted process goes on giving up; what is left the next one does."""
_SUFFIX = ".open"
_AT_ONCE = 500
"""Uploads that one request gives up; few enough to be answered within its time."""
_LINE = re.compile(r"[+-][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What a full disk or a kill left of another one would have the server refuse the rest."""

GiveUp = Callable[[Sequence[str]], Iterable[str]]
"""Answers those that are over; what is not is tried again by the next process."""


class Reservations:
    """The uploads that are to be committed or given up; safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        server: str,
        give_up: GiveUp,
        losing: Callable[[], AbstractContextManager[None]] = lambda: suppress(OSError),
    ) -> None:
        self._folder, self._server, self._give_up = folder, server, give_up
        self._losing = losing
        self._changed = threading.Condition()
        self._held: set[str] = set()
        self._beginning = 0
        self._ended = False
        self._journal: Journal | None = None

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Begin uploads in the block, and ``hold`` them there: they may be before it ends.

        Raises:
            Stopped: ``end`` was called.
        """
        with self._changed:
            self.check()
            self._beginning += 1
        try:
            yield
        finally:
            with self._changed:
                self._beginning -= 1
                self._changed.notify_all()

    def check(self) -> None:
        """Stop a thread that is at work after ``end``.

        Raises:
            Stopped: it was called.
        """
        if self._ended:
            raise Stopped

    def hold(self, upload_ids: Iterable[object]) -> None:
        """Note uploads that were begun."""
        added = {str(one) for one in upload_ids}
        with self._changed:
            self._held |= added
            self._note(added, "+")

    def free(self, upload_ids: Iterable[object]) -> None:
        """Drop uploads that were committed."""
        gone = {str(one) for one in upload_ids}
        with self._changed:
            self._held -= gone
            self._note(gone, "-")
            if not self._held and self._journal is not None:
                with self._losing():
                    self._journal.remove()
                self._journal = None

    def give_up(self, upload_ids: Iterable[object]) -> None:
        """Give up what is of no use any more."""
        self.free(self._give_up_until([str(one) for one in upload_ids], math.inf))

    def end(self, seconds: float = LAST_SECONDS) -> None:
        """Give up all there is, and whatever threads begin meanwhile; stop these threads."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._ended = True
            self._changed.wait_for(lambda: not self._beginning, seconds)
            left = sorted(self._held)
        self.free(self._give_up_until(left, deadline))
        self.leave()

    def leave(self) -> None:
        """Let go of what could not be given up, for the next process to find."""
        with self._changed:
            if self._journal is not None:
                with self._losing():
                    self._journal.close()
                self._journal = None

    def recover(self) -> None:
        """Give up what processes have left that ended without a chance to.

        It is waited for for a while, as it may be this room that is needed; then it goes on beside.
        """
        thread = threading.Thread(target=self._recover, daemon=True)
        thread.start()
        thread.join(LAST_SECONDS)

    def _recover(self) -> None:
        journals: list[Path] = []
        with self._losing():
            journals = sorted(self._folder.glob(f"*{_SUFFIX}"))
        for path in journals:
            with _abandoned(path, self._server) as left:
                if left is not None and left <= {*self._give_up_until(sorted(left), math.inf)}:
                    with self._losing():
                        path.unlink(missing_ok=True)

    def _give_up_until(self, upload_ids: Sequence[str], deadline: float) -> list[str]:
        over: list[str] = []
        for start in range(0, len(upload_ids), _AT_ONCE):
            if time.monotonic() < deadline:
                over += self._give_up(upload_ids[start : start + _AT_ONCE])
        return over

    def _note(self, upload_ids: set[str], sign: str) -> None:
        """Write it down; where that cannot be, the process has to end in order."""
        with self._losing():
            if self._journal is None and sign == "+" and upload_ids:
                self._journal = Journal(self._folder, self._server)
            if self._journal is not None:
                self._journal.write(f"{sign}{one}" for one in upload_ids)


class Journal:
    """A file of this process with the uploads that are under way, under a lock while it lives."""

    def __init__(self, folder: Path, server: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{uuid4()}{_SUFFIX}"
        # It gets its name under the lock: without one it would be taken for abandoned.
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            self.write([server])
            draft.rename(self._path)
        except BaseException:
            draft.unlink(missing_ok=True)
            # What is buffered cannot be written now either.
            with suppress(OSError):
                self._file.close()
            raise

    def write(self, lines: Iterable[str]) -> None:
        """Add lines."""
        self._file.writelines(f"{line}\n" for line in lines)
        self._file.flush()

    def remove(self) -> None:
        """Forget it: nothing is under way."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of it, and of the lock."""
        self._file.close()


@contextmanager
def _abandoned(path: Path, server: str) -> Iterator[set[str] | None]:
    """Yield what a process left that is no more; None of one that lives, or of another server."""
    try:
        file = path.open(encoding="utf-8")
    except OSError:
        yield None
        return
    with file:
        try:
            if sys.platform != "win32":
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            server_noted, *lines = file.read().splitlines()
        except (OSError, ValueError):
            server_noted, lines = "", []
        if sys.platform == "win32" or server_noted != server:
            yield None
            return
        lines = [line for line in lines if _LINE.fullmatch(line)]
        left = {line[1:] for line in lines if line.startswith("+")}
        yield left - {line[1:] for line in lines if line.startswith("-")}
