"""Names on both sides: which are one to the server, and which may become local ones."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bitvault.client.errors import UnsafeName
from bitvault.text import folded

MOST_BYTES = 255
"""Of a local file name, on every common file system."""


def name_key(name: str) -> str:
    """Return what the server compares a name by: equal keys cannot live in one folder."""
    return folded(name)


def path_key(path: str) -> str:
    """Return what a path below one folder is compared by; only NFC and casefold, ``/`` stays."""
    return "/".join(map(name_key, path.split("/")))


def twins(names: Iterable[str]) -> dict[str, list[str]]:
    """Return each name that shares its place with others, and those others."""
    places = defaultdict(list)
    for name in names:
        places[path_key(name)].append(name)
    return {
        name: [other for other in there if other != name] or [name]
        for there in places.values()
        if len(there) > 1
        for name in there
    }


def beside(path: Path, suffix: str) -> Path:
    """Return ``.NAME<suffix>`` beside a path; a name too long for that is cut, and told apart."""
    raw = os.fsencode(path.name)
    if len(raw) + len(suffix) + 1 > MOST_BYTES:
        mark = hashlib.sha256(raw).hexdigest()[:16]
        room = MOST_BYTES - len(mark) - len(suffix) - 2
        return path.with_name(f".{raw[:room].decode(errors='ignore')}~{mark}{suffix}")
    return path.with_name(f".{path.name}{suffix}")


@contextmanager
def naming(name: str | Path) -> Iterator[None]:
    """Name a file in an error of its descriptor, which has no name: a full disk, for one."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(name)
        raise


def numbered(path: Path, number: int) -> Path:
    """Return ``stem (2).ext``, its stem cut to fit."""
    tail = f" ({number}){path.suffix}"
    room = MOST_BYTES - len(os.fsencode(tail))
    if room < 1:  # what looks like an extension is the whole name
        stem, tail = path.name, f" ({number})"
        room = MOST_BYTES - len(tail)
    else:
        stem = path.stem
    return path.with_name(os.fsencode(stem)[:room].decode(errors="ignore") + tail)


def safe_name(name: str) -> str:
    """Return a remote name that may be a local one.

    Raises:
        UnsafeName: it could leave the folder, or is none here.
    """
    separators = {os.sep, os.altsep, "/", "\0"} - {None}
    if name in {"", ".", ".."} or any(each in name for each in separators if each):
        raise UnsafeName(name)
    try:
        os.fsencode(name)
    except UnicodeEncodeError as error:
        raise UnsafeName(name) from error
    if os.name == "nt" and (set(name) & set('<>:"|?*') or name[-1] in " ."):
        raise UnsafeName(name)
    return name
