"""The disk as the store uses it: every effect that a power cut can undo goes through here.

What is promised, and all that is: bytes of a file are durable once `sync` has returned, a name in
a folder once `sync_folder` has, a commit of the index once it has returned.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Disk(Protocol):
    """File operations; each blocks, and raises OSError."""

    @property
    def connection(self) -> type[sqlite3.Connection]:
        """What the index is opened with."""

    def make_folder(self, path: Path) -> bool:
        """Make a folder; False when it was there."""

    def list_folder(self, path: Path) -> Sequence[str]:
        """The names in a folder, in order."""

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""

    def create(self, path: Path) -> int:
        """Open a new file for writing."""

    def write(self, file: int, data: memoryview) -> int:
        """Append; returns how much was taken."""

    def sync(self, file: int) -> None:
        """Make a file's bytes durable."""

    def flush(self, file: int) -> None:
        """Start on that early; it promises nothing."""

    def open(self, path: Path) -> int:
        """Open a file for reading."""

    def link(self, path: Path, name: Path) -> None:
        """Give a file a second name."""

    def unlink(self, path: Path) -> None:
        """Take a name away; one that is gone is fine."""


class RealDisk:
    """The operating system's."""

    connection = sqlite3.Connection

    def make_folder(self, path: Path) -> bool:
        """Make a folder; False when it was there."""
        try:
            path.mkdir(mode=_FOLDER_MODE)
        except FileExistsError:
            return False
        return True

    def list_folder(self, path: Path) -> Sequence[str]:
        """The names in a folder, in order."""
        return sorted(each.name for each in path.iterdir())

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        folder = os.open(path, _FOLDER)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def create(self, path: Path) -> int:
        """Open a new file for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)

    def write(self, file: int, data: memoryview) -> int:
        """Append; returns how much was taken."""
        return os.write(file, data)

    def sync(self, file: int) -> None:
        """Make a file's bytes durable."""
        os.fsync(file)

    def flush(self, file: int) -> None:
        """Start on that early; it promises nothing."""
        os.fdatasync(file)

    def open(self, path: Path) -> int:
        """Open a file for reading."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def link(self, path: Path, name: Path) -> None:
        """Give a file a second name."""
        os.link(path, name)

    def unlink(self, path: Path) -> None:
        """Take a name away; one that is gone is fine."""
        path.unlink(missing_ok=True)
