"""A disk that remembers what was synced, and what a power cut may make of the rest.

SQLite's own writes are not modelled one by one: a commit counts as durable when the connection is
in the mode in which SQLite says so (`synchronous` FULL or EXTRA), and may be lost when it is not.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import attrs

from bitvault.objectd.disk import RealDisk

_FULL = 2
_INDEX = ("index.sqlite3", "index.sqlite3-wal")
Image = dict[str, bytes]


@attrs.frozen
class Step:
    """One effect on the disk, or a note of the test's between two.

    Attributes:
        what: the operation's name.
        path: relative to the data folder; of a commit and of a file's bytes empty.
        file: which file's bytes.
        value: bytes written, a commit's image, or what the note says.
        durable: of a commit: whether it outlives a cut right after it.
    """

    what: str
    path: Path = Path()
    file: int = 0
    value: Any = None
    durable: bool = False


class NotingDisk(RealDisk):
    """The real disk below a folder, and a note of each effect."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.steps: list[Step] = []
        self.fails: Callable[[Step], bool] = lambda _step: False
        self._numbers = count(1)
        self._files: dict[int, int] = {}
        self._names: dict[Path, int] = {}
        self.connection = self._connection_type()

    def _note(self, step: Step) -> None:
        if self.fails(step):
            raise OSError(5, "Input/output error")
        self.steps.append(step)

    def make_folder(self, path: Path) -> bool:
        """Make it, and note the name."""
        made = super().make_folder(path)
        if made:
            self._note(Step("folder", path.relative_to(self.data)))
        return made

    def sync_folder(self, path: Path) -> None:
        """Only note it: what it promises is the model's."""
        self._note(Step("sync_folder", path.relative_to(self.data)))

    def create(self, path: Path) -> int:
        """Make it, and note the name."""
        descriptor = super().create(path)
        self._files[descriptor] = self._names[path] = next(self._numbers)
        self._note(Step("name", path.relative_to(self.data), self._names[path]))
        return descriptor

    def write(self, file: int, data: memoryview) -> int:
        """Take half of it, so that there is a moment between."""
        half = data[: max(len(data) // 2, 1)]
        self._note(Step("write", file=self._files[file], value=bytes(half)))
        return super().write(file, half)

    def sync(self, file: int) -> None:
        """Only note it."""
        self._note(Step("sync", file=self._files[file]))

    def flush(self, file: int) -> None:
        """Do nothing: it promises nothing."""

    def link(self, path: Path, name: Path) -> None:
        """Make the name, and note it."""
        super().link(path, name)
        self._names[name] = self._names[path]
        self._note(Step("name", name.relative_to(self.data), self._names[name]))

    def unlink(self, path: Path) -> None:
        """Take the name away, and note it."""
        if path.exists():
            self._note(Step("unname", path.relative_to(self.data)))
        super().unlink(path)

    def _connection_type(self) -> type[sqlite3.Connection]:
        disk = self

        class Noting(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                changes, inside = self.total_changes, self.in_transaction
                if sql.startswith("COMMIT") and disk.fails(Step("commit")):
                    raise sqlite3.OperationalError("disk I/O error")
                cursor = super().execute(sql, *values)
                if sql.startswith("COMMIT") or (not inside and self.total_changes > changes):
                    self._commit()
                return cursor

            def executescript(self, sql: str) -> sqlite3.Cursor:
                cursor = super().executescript(sql)
                self._commit()
                return cursor

            def _commit(self) -> None:
                (mode,) = super().execute("PRAGMA synchronous").fetchone()
                paths = [disk.data / name for name in _INDEX]
                image = {path.name: path.read_bytes() for path in paths if path.exists()}
                disk.steps.append(Step("commit", value=image, durable=mode >= _FULL))

        return Noting


@attrs.frozen
class Luck:
    """What becomes of all that was not synced.

    Attributes:
        keeps: whether an effect reached the disk by itself, of its number and the last one's.
        tear: what an unsynced write left behind.
    """

    keeps: Callable[[int, int], bool]
    tear: Callable[[bytes], bytes]


LUCK = {
    "nothing": Luck(lambda _number, _last: False, lambda _data: b""),
    "names without bytes": Luck(lambda _number, _last: True, lambda _data: b""),
    "zeros": Luck(lambda _number, _last: True, lambda data: bytes(len(data))),
    "torn": Luck(
        lambda _number, _last: True, lambda data: data[: len(data) // 2] + bytes(len(data) // 2)
    ),
    "everything": Luck(lambda _number, _last: True, lambda data: data),
    "every other": Luck(lambda number, _last: number % 2 == 0, lambda data: data),
    "the others": Luck(lambda number, _last: number % 2 == 1, lambda data: bytes(len(data))),
    "only the last": Luck(lambda number, last: number == last, lambda data: data),
}


@attrs.frozen
class Left:
    """What a cut left on the disk: files and folders by their path."""

    files: dict[Path, bytes]
    folders: frozenset[Path]

    def put(self, data: Path) -> None:
        """Lay it out in an empty folder."""
        data.mkdir()
        for folder in sorted(self.folders):
            (data / folder).mkdir()
        for path, content in self.files.items():
            (data / path).write_bytes(content)

    def digest(self) -> bytes:
        """Equal for equal disks."""
        seen = hashlib.sha256(repr(sorted(self.folders)).encode())
        for path in sorted(self.files):
            seen.update(f"{path}\0{len(self.files[path])}\0".encode() + self.files[path])
        return seen.digest()


def cut(steps: Sequence[Step], luck: Luck) -> Left:
    """Cut the power after these steps; the last one was under way, so nothing of it is certain."""
    certain = set(_certain(steps))
    last = len(steps) - 1
    kept = [number in certain or luck.keeps(number, last) for number in range(len(steps))]
    content: dict[int, bytes] = {}
    image: Image = {}
    names: dict[Path, int] = {}
    for number, step in enumerate(steps):
        if step.what == "write":
            written = step.value if number in certain else luck.tear(step.value)
            content[step.file] = content.get(step.file, b"") + written
        elif step.what == "commit" and kept[number]:
            image = step.value
        elif step.what in ("name", "folder") and kept[number]:
            names[step.path] = step.file
        elif step.what == "unname" and kept[number]:
            names.pop(step.path, None)
    reached = {p: f for p, f in names.items() if all(up in names for up in p.parents if up.name)}
    files = {path: content.get(file, b"") for path, file in reached.items() if file}
    files |= {Path(name): data for name, data in image.items()}
    return Left(files, frozenset(path for path, file in reached.items() if not file))


def _certain(steps: Sequence[Step]) -> Iterator[int]:
    """The effects that something synced before the last step."""
    for number, step in enumerate(steps):
        later = steps[number + 1 : -1]
        if step.what == "write":
            if any(s.what == "sync" and s.file == step.file for s in later):
                yield number
        elif step.what == "commit":
            if step.durable and number < len(steps) - 1:
                yield number
        elif any(s.what == "sync_folder" and s.path == step.path.parent for s in later):
            yield number
