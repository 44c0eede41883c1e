"""Blob files: numbered, written in `incoming/`, moved to their place after the commit.

A file may be in `incoming/` or in its place under `blobs/`; both are looked at, so the move
needs no fsync. What a crash leaves in `incoming/` is settled or removed at the next start, so
starting costs what was in flight, not what is stored.
"""

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path

_RUN_BITS = 40
_MODE = 0o600


class BlobFiles:
    """The files of one data folder. All methods block: call them in a thread."""

    def __init__(self, data: Path, run_number: int) -> None:
        self._incoming = data / "incoming"
        self._blobs = data / "blobs"
        for folder in (self._incoming, self._blobs):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._numbers = itertools.count((run_number << _RUN_BITS) + 1)

    def next_number(self) -> int:
        """A blob number never used before, not even by another run."""
        return next(self._numbers)

    def create(self, blob: int) -> int:
        """Open a new file for writing and return its descriptor."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return os.open(self._incoming / _name(blob), flags, _MODE)

    def sync(self) -> None:
        """Make the names of files in `incoming/` durable: one fsync for a whole batch."""
        folder = os.open(self._incoming, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def settle(self, blob: int) -> None:
        """Move a committed file to its place; where it can't move it stays, and is found."""
        place = self._place(blob)
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._incoming / _name(blob)).rename(place)
        except OSError:
            return

    def open(self, blob: int) -> int:
        """Open a blob for reading.

        Raises:
            FileNotFoundError: the blob was deleted meanwhile.
        """
        place = self._place(blob)
        for path in (place, self._incoming / _name(blob)):
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
        return os.open(place, os.O_RDONLY | os.O_CLOEXEC)  # it moved between the two looks

    def unlink(self, blobs: Iterable[int]) -> None:
        """Remove files; those already gone are fine."""
        for blob in blobs:
            self._place(blob).unlink(missing_ok=True)
            (self._incoming / _name(blob)).unlink(missing_ok=True)

    def recover(self, is_known: Callable[[int], bool]) -> int:
        """Settle or remove what the last run left in `incoming/`; returns how many it removed."""
        removed = 0
        for path in sorted(self._incoming.iterdir()):
            blob = int(path.name, 16)
            if is_known(blob):
                self.settle(blob)
            else:
                path.unlink()
                removed += 1
        return removed

    def _place(self, blob: int) -> Path:
        return self._blobs / f"{blob >> 20:x}" / f"{blob >> 10 & 0x3FF:03x}" / _name(blob)


def _name(blob: int) -> str:
    return f"{blob:016x}"
