"""What a local tree holds, in a stable order; and which names may become local ones."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from bitvault.client.errors import UnsafeName
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


def walk(
    root: Path, note: Callable[[str], object], *, follow: bool = False
) -> Iterator[LocalFolder | LocalFile]:
    """Yield folders before what is in them, names in code point order.

    Symbolic links (unless ``follow``) and special files are left out with a note. A followed
    folder that is one of its own parents is left out too.
    """
    yield from _walk(root, "", note, (_identity(root),) if follow else ())


def _walk(
    folder: Path, prefix: str, note: Callable[[str], object], above: tuple[tuple[int, int], ...]
) -> Iterator[LocalFolder | LocalFile]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path, relative = Path(entry.path), f"{prefix}{entry.name}"
        try:
            entry.name.encode("utf-8")
            found = entry.stat(follow_symlinks=bool(above))
        except UnicodeEncodeError:
            note(f"{relative!r}: the name is not valid UTF-8; left out")
            continue
        except OSError as error:
            note(f"{relative}: {error.strerror}; left out")
            continue
        if stat.S_ISDIR(found.st_mode):
            if above and (found.st_dev, found.st_ino) in above:
                note(f"{relative}: a link to a folder above it; left out")
                continue
            yield LocalFolder(relative)
            below = (*above, (found.st_dev, found.st_ino)) if above else ()
            yield from _walk(path, f"{relative}/", note, below)
        elif stat.S_ISREG(found.st_mode):
            yield LocalFile(relative, Source(path, found.st_size, found.st_mtime_ns))
        else:
            kind = "symbolic link" if stat.S_ISLNK(found.st_mode) else "special file"
            note(f"{relative}: {kind}; left out")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def safe_name(name: str) -> str:
    """Return a remote name that may be a local one.

    Raises:
        UnsafeName: it could leave the folder, or is none here.
    """
    separators = {os.sep, os.altsep, "/", "\0"} - {None}
    if name in {"", ".", ".."} or any(each in name for each in separators if each):
        raise UnsafeName(name)
    if os.name == "nt" and (set(name) & set('<>:"|?*') or name[-1] in " ."):
        raise UnsafeName(name)
    return name


def real_folder(path: Path) -> None:
    """Make a folder below the target; a link in its place could lead out, and is refused.

    Raises:
        UnsafeName: the path is a symbolic link.
    """
    if path.is_symlink():
        raise UnsafeName(str(path))
    path.mkdir(exist_ok=True)
