"""What a local tree holds, in a stable order."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from bitvault.client.errors import BitVaultError, NotText, UnsafeName
from bitvault.client.names import twins
from bitvault.client.uploads import Source, text


@frozen
class LocalFolder:
    """A folder of the tree; ``relative`` is its path below the root, with ``/``."""

    relative: str


@frozen
class LocalFile:
    """A regular file of the tree."""

    relative: str
    source: Source


@frozen
class Twins:
    """A file or folder whose name is that of others beside it, to the server."""

    relative: str
    others: list[str]


@frozen
class Unreadable:
    """A file or folder that was to be sent and cannot be."""

    relative: str
    error: BitVaultError | OSError


Entry = LocalFolder | LocalFile | Twins | Unreadable
Note = Callable[[str], object]
Above = tuple[tuple[int, int], ...]


@frozen
class _Folder:
    path: Path
    prefix: str
    above: Above
    """Those it is in, when links are followed."""


def walk(root: Path, note: Note, *, follow: bool = False) -> Iterator[Entry]:
    """Yield folders before what is in them, names in code point order.

    Symbolic links (unless ``follow``) and special files are left out with a note. A followed
    folder that is one of its own parents is left out too. Of names that the server holds for one,
    none is looked into. What cannot be read, or has a name that the server cannot hold, is told.

    Raises:
        OSError: the root cannot be read.
    """
    todo = [_Folder(root, "", (_identity(root),) if follow else ())]
    while todo:
        folder = todo.pop()
        try:
            entries = _entries(folder.path)
        except OSError as error:
            if folder.path is root:
                raise
            yield Unreadable(folder.prefix.rstrip("/"), error)
            continue
        below = []
        for entry in _sorted_out(folder, entries, note):
            if isinstance(entry, _Folder):
                below.append(entry)
                yield LocalFolder(entry.prefix.rstrip("/"))
            else:
                yield entry
        todo += reversed(below)


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    with os.scandir(folder) as listing:
        return sorted(listing, key=lambda entry: entry.name)


def _sorted_out(
    folder: _Folder, entries: "list[os.DirEntry[str]]", note: Note
) -> Iterator[LocalFile | Twins | Unreadable | _Folder]:
    wanted: dict[str, os.stat_result] = {}
    for entry in entries:
        relative = f"{folder.prefix}{entry.name}"
        try:
            if (found := _wanted(entry, relative, note, folder.above)) is not None:
                wanted[entry.name] = found
        except (NotText, OSError) as error:
            yield Unreadable(relative, error)
    paired = twins(wanted)
    for name, found in wanted.items():
        path, relative = folder.path / name, f"{folder.prefix}{name}"
        if name in paired:
            yield Twins(relative, [f"{folder.prefix}{other}" for other in paired[name]])
        elif stat.S_ISDIR(found.st_mode):
            above = (*folder.above, (found.st_dev, found.st_ino)) if folder.above else ()
            yield _Folder(path, f"{relative}/", above)
        else:
            yield LocalFile(relative, Source(path, found.st_size, found.st_mtime_ns))


def _wanted(
    entry: "os.DirEntry[str]", relative: str, note: Note, above: Above
) -> os.stat_result | None:
    """Look at an entry; None, and a note, when it is left out.

    Raises:
        NotText: its name is not UTF-8.
        OSError: it cannot be looked at.
    """
    found = entry.stat(follow_symlinks=bool(above))
    is_folder = stat.S_ISDIR(found.st_mode)
    if not is_folder and not stat.S_ISREG(found.st_mode):
        kind = "symbolic link" if stat.S_ISLNK(found.st_mode) else "special file"
        note(f"{relative}: {kind}; left out")
        return None
    if is_folder and above and (found.st_dev, found.st_ino) in above:
        note(f"{relative}: a link to a folder above it; left out")
        return None
    text(entry.name)
    return found


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def real_folder(path: Path) -> bool:
    """Make a folder below the target, if there is none; say whether there was none.

    A link in its place could lead out, and is refused.

    Raises:
        UnsafeName: the path is a symbolic link.
    """
    if path.is_symlink():
        raise UnsafeName(str(path))
    missing = not path.is_dir()
    path.mkdir(exist_ok=True)
    return missing
