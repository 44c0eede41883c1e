"""What a local tree holds, in a stable order."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from bitvault.client.errors import UnsafeName
from bitvault.client.names import twins
from bitvault.client.uploads import Source


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


Entry = LocalFolder | LocalFile | Twins
Note = Callable[[str], object]
Above = tuple[tuple[int, int], ...]


def walk(root: Path, note: Note, *, follow: bool = False) -> Iterator[Entry]:
    """Yield folders before what is in them, names in code point order.

    Symbolic links (unless ``follow``) and special files are left out with a note. A followed
    folder that is one of its own parents is left out too. Of names that the server holds for one,
    none is looked into.
    """
    yield from _walk(root, "", note, (_identity(root),) if follow else ())


def _walk(folder: Path, prefix: str, note: Note, above: Above) -> Iterator[Entry]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    wanted = {
        entry.name: found
        for entry in entries
        if (found := _wanted(entry, f"{prefix}{entry.name}", note, above)) is not None
    }
    paired = twins(wanted)
    for name, found in wanted.items():
        path, relative = folder / name, f"{prefix}{name}"
        if name in paired:
            yield Twins(relative, [f"{prefix}{other}" for other in paired[name]])
        elif stat.S_ISDIR(found.st_mode):
            yield LocalFolder(relative)
            below = (*above, (found.st_dev, found.st_ino)) if above else ()
            yield from _walk(path, f"{relative}/", note, below)
        else:
            yield LocalFile(relative, Source(path, found.st_size, found.st_mtime_ns))


def _wanted(
    entry: "os.DirEntry[str]", relative: str, note: Note, above: Above
) -> os.stat_result | None:
    """Look at an entry; None, and a note, when it is left out."""
    try:
        entry.name.encode("utf-8")
        found = entry.stat(follow_symlinks=bool(above))
    except UnicodeEncodeError:
        note(f"{relative!r}: the name is not valid UTF-8; left out")
        return None
    except OSError as error:
        note(f"{relative}: {error.strerror}; left out")
        return None
    if stat.S_ISDIR(found.st_mode):
        if above and (found.st_dev, found.st_ino) in above:
            note(f"{relative}: a link to a folder above it; left out")
            return None
        return found
    if stat.S_ISREG(found.st_mode):
        return found
    kind = "symbolic link" if stat.S_ISLNK(found.st_mode) else "special file"
    note(f"{relative}: {kind}; left out")
    return None


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
