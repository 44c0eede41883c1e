"""Blob files: numbered, written in `incoming/`, given their place after the commit.

A file may be in `incoming/`, in its place under `blobs/`, or in both; all are looked at. It
leaves `incoming/` only when its name in its place is durable, which nobody waits for. What a
crash leaves in `incoming/` is settled or removed at the next start, so starting costs what was
in flight, not what is stored.
"""

import errno
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bitvault.objectd.disk import Disk

_RUN_BITS = 40
_SETTLED_TOGETHER = 64  # one fsync for all of them; a start settles what was left


class BlobFiles:
    """The files of one data folder. All methods block: call them in a thread."""

    def __init__(self, data: Path, run_number: int, disk: Disk) -> None:
        self.disk = disk
        self._incoming = data / "incoming"
        self._blobs = data / "blobs"
        for folder in (self._incoming, self._blobs):
            disk.make_folder(folder)
        disk.sync_folder(data)
        self._numbers = itertools.count((run_number << _RUN_BITS) + 1)
        self._trusted_from = 0
        self._unsettled = deque[int]()
        self._last_folder: Path | None = None

    def next_number(self) -> int:
        """A blob number never used before, not even by another run."""
        return next(self._numbers)

    def create(self, blob: int) -> int:
        """Open a new file for writing and return its descriptor."""
        return self.disk.create(self._incoming / _name(blob))

    def sync(self, blobs: Iterable[int]) -> None:
        """Make the names of files in `incoming/` durable: one fsync for a whole batch.

        Raises:
            OSError: now, or of an earlier batch while these files were there already: the kernel
                tells of a failed write once, and a later fsync that succeeds says nothing of it.
        """
        if min(blobs) < self._trusted_from:
            raise OSError(errno.EIO, "the folder's names were lost on the way to the disk")
        try:
            self.disk.sync_folder(self._incoming)
        except OSError:
            self._trusted_from = self.next_number()
            raise

    def committed(self, blobs: Iterable[int]) -> bool:
        """Note files that are to be given their place; True when it is worth doing for so many."""
        self._unsettled.extend(blobs)
        return len(self._unsettled) >= _SETTLED_TOGETHER

    def settle(self) -> None:
        """Give committed files their place; one that can't have it stays, and is found."""
        blobs = [self._unsettled.popleft() for _ in range(len(self._unsettled))]
        with suppress(OSError):
            placed = [blob for blob in blobs if self._place_of(blob)]
            for folder in {self._place(blob).parent for blob in placed}:
                self.disk.sync_folder(folder)
            for blob in placed:
                self.disk.unlink(self._incoming / _name(blob))

    def _place_of(self, blob: int) -> bool:
        place = self._place(blob)
        try:
            if place.parent != self._last_folder:
                for folder in (place.parent.parent, place.parent):
                    self.disk.make_folder(folder)
                    self.disk.sync_folder(folder.parent)
                self._last_folder = place.parent
            self.disk.link(self._incoming / _name(blob), place)
        except FileExistsError:
            return True
        except OSError:
            return False
        return True

    def open(self, blob: int) -> int:
        """Open a blob for reading.

        Raises:
            FileNotFoundError: the blob was deleted meanwhile.
        """
        place = self._place(blob)
        for path in (place, self._incoming / _name(blob)):
            try:
                return self.disk.open(path)
            except FileNotFoundError:
                continue
        return self.disk.open(place)  # it moved between the two looks

    def discard(self, blobs: Iterable[int]) -> None:
        """Remove files that nothing came to name; what a failing disk keeps goes at the start."""
        with suppress(OSError):
            for blob in blobs:
                self.disk.unlink(self._incoming / _name(blob))

    def unlink(self, blobs: Iterable[int]) -> None:
        """Remove files durably; those already gone are fine."""
        folders = set()
        for blob in blobs:
            place = self._place(blob)
            self.disk.unlink(place)
            self.disk.unlink(self._incoming / _name(blob))
            folders.add(place.parent)
        for folder in folders:
            with suppress(FileNotFoundError):
                self.disk.sync_folder(folder)

    def recover(self, is_known: Callable[[int], bool]) -> int:
        """Settle or remove what the last run left in `incoming/`; returns how many it removed."""
        blobs = [int(name, 16) for name in self.disk.list_folder(self._incoming)]
        known = [blob for blob in blobs if is_known(blob)]
        self.committed(known)
        self.settle()
        for blob in set(blobs).difference(known):
            self.disk.unlink(self._incoming / _name(blob))
        return len(blobs) - len(known)

    def _place(self, blob: int) -> Path:
        return self._blobs / f"{blob >> 20:x}" / f"{blob >> 10 & 0x3FF:03x}" / _name(blob)


def _name(blob: int) -> str:
    return f"{blob:016x}"
