"""What a second put sends, or get fetches: a local file held against a remote one of its name."""

import stat
from datetime import datetime
from pathlib import Path

from attrs import frozen

from bitvault.client.errors import (
    BitVaultError,
    LocalExists,
    NewerHere,
    NewerThere,
    Problem,
    SpelledOtherwise,
)
from bitvault.client.hashing import BLOCK, ContentHasher
from bitvault.client.shapes import Node
from bitvault.client.uploads import Source, modified_at
from bitvault.text import normal


@frozen
class New:
    """Nothing has the name."""


@frozen
class Changed:
    """Its content differs from the current ``version``, which is to become an old one."""

    version: int


@frozen
class Unchanged:
    """The same content is there."""


@frozen
class Refused:
    """It must not be written over what is there."""

    error: BitVaultError


@frozen
class Skipped:
    """Something has the name, and that was to be left alone."""


Verdict = New | Changed | Unchanged | Refused | Skipped


def foresee(source: Source, name: str, there: Node | None, if_exists: str) -> Verdict:
    """Say what will become of a file, as ``if_exists`` tells; only ``update`` compares."""
    if if_exists == "update":
        return compare(source, name, there)
    if there is None or if_exists == "rename":
        return New()
    if if_exists == "skip":
        return Skipped()
    if if_exists == "replace" and there.kind == "file":
        return Changed(there.version or 0)
    members = {"code": "name_taken", "detail": f"name: {there.name!r} exists here."}
    return Refused(Problem(409, members))


def compare(source: Source, name: str, there: Node | None) -> Verdict:
    """Decide what to do with a local file called ``name``.

    Size and modification time (to the microsecond) tell it unchanged. When only the size is the
    same, the bytes are hashed. What was modified later there than here is not overwritten.

    Raises:
        SourceChanged: it changed while it was hashed.
        OSError: it cannot be read.
    """
    if there is None:
        return New()
    if there.kind == "folder":
        detail = f"{there.path} is a folder; a file cannot take its place"
        return Refused(Problem(409, {"code": "name_taken", "detail": detail}))
    if normal(name) != there.name:
        return Refused(SpelledOtherwise(there.name))
    if _same(source, there):
        return Unchanged()
    mine, theirs = _times(source, there)
    if mine is not None and theirs is not None and theirs > mine:
        return Refused(NewerThere(theirs))
    return Changed(there.version or 0)


def compare_here(there: Node, target: Path) -> Verdict:
    """Decide, in the same way, whether a remote file is to be written to ``target``.

    What was modified later here than there is not overwritten; nor what is no file.

    Raises:
        SourceChanged: it changed while it was hashed.
        OSError: it cannot be read.
    """
    try:
        found = target.lstat()
    except FileNotFoundError:
        return New()
    if not stat.S_ISREG(found.st_mode):
        return Refused(LocalExists(str(target)))
    source = Source.of(target)
    if _same(source, there):
        return Unchanged()
    mine, theirs = _times(source, there)
    if mine is not None and theirs is not None and mine > theirs:
        return Refused(NewerHere(str(target), mine))
    return Changed(there.version or 0)


def _times(source: Source, there: Node) -> tuple[datetime | None, datetime | None]:
    """Return when each was modified; a time that cannot be read tells nothing of what is newer."""
    theirs = there.content_modified_at or there.modified_at
    return modified_at(source), theirs if isinstance(theirs, datetime) else None


def _same(source: Source, there: Node) -> bool:
    """Compare times; and the content, hashed in the form that what is there was hashed in."""
    if source.size != there.size:
        return False
    mine = modified_at(source)
    if mine is not None and mine == there.content_modified_at:
        return True
    hasher = ContentHasher(there.hash or "", source.size)
    with source.open() as file:
        while block := file.read(BLOCK):
            hasher.update(memoryview(block))
    return hasher.result() == there.hash
