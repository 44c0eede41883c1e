"""Download of one file: verified while it arrives, in parallel ranges, resumable.

Bytes go to ``.NAME.bv-part`` beside the target, which takes its name only when the hash is right.
What is there already is believed only after hashing it again.
"""

import hashlib
import json
import os
import stat
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from attrs import field, frozen

from bitvault.client.client import Client
from bitvault.client.drafts import NOT_THROUGH_LINKS, Drafts, forget_draft
from bitvault.client.errors import IntegrityError, LocalExists, Problem, StoreRefused
from bitvault.client.hashing import (
    BLOCK,
    ContentHasher,
    Parts,
    Section,
    composite_hash,
    digest_section,
    parts_of,
)
from bitvault.client.names import beside, naming, numbered
from bitvault.client.progress import SILENT, Progress
from bitvault.client.shapes import Content, Node
from bitvault.client.state import read_json, write_private
from bitvault.client.workers import Crew

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NOTE_EVERY = 16
"""Parts between two notes: replacing a file waits for the disk, and kill -9 is rare."""
_ROUNDS = 3
"""How often a file is fetched whose bytes are wrong: bits flip on the way, rarely twice."""


@frozen
class Downloader:
    """Gets files through one client; ``jobs`` ranges or files travel at a time."""

    client: Client
    jobs: int = 4
    progress: Progress = SILENT
    drafts: Drafts = field(factory=Drafts, repr=False)

    def get(self, node: Node, target: Path, if_exists: str = "fail") -> Path:
        """Download ``node.version`` to ``target``; return where it was written.

        Raises:
            LocalExists: and ``if_exists`` is ``fail`` or ``skip``.
            IntegrityError: the bytes are not those that were committed; nothing was written.
        """
        target = place(target, if_exists)
        content = self.client.content(node.id, node.version)
        self.progress.expect(content.size)
        self.write(content, target)
        keep_time(node, target)
        return target

    def write(self, content: Content, target: Path) -> None:
        """Write one version to a path, replacing what is there; wrong bytes are fetched again.

        Raises:
            IntegrityError: they were wrong each time; nothing was written.
        """
        parts = parts_of(content.hash, content.size)
        for _ in range(_ROUNDS - 1):
            try:
                self._write(content, target, parts)
            except IntegrityError:
                self.progress.advance(-content.size)
            else:
                return
        self._write(content, target, parts)

    def _write(self, content: Content, target: Path, parts: Parts | None) -> None:
        if parts is not None:
            _Ranges(self, content, target, parts).run()
            return
        with self.drafts.replacing(target) as descriptor:
            self.stream(content, lambda block: _write_all(descriptor, block, target))

    def stream(self, content: Content, sink: Callable[[memoryview], object]) -> None:
        """Hand the bytes to ``sink`` in order; a broken connection goes on where it stopped.

        Raises:
            IntegrityError: at the end, when the bytes were wrong.
        """
        hasher, done = ContentHasher(content.hash, content.size), 0

        def take(block: memoryview) -> None:
            nonlocal done
            sink(block)
            hasher.update(block)
            done += len(block)
            self.progress.advance(len(block))

        def fetch() -> None:
            self._fetch(content, Section(done, content.size - done), take)

        self.client.policy.run(fetch)
        found = hasher.result()
        if found != content.hash:
            raise IntegrityError("the bytes are not those that were committed", content.hash, found)

    def _fetch(
        self, content: Content, section: Section, sink: Callable[[memoryview], None]
    ) -> None:
        """GET a section, signing again once when the URL has expired."""
        whole = section.size == content.size
        if not whole and not section.size:
            return
        try:
            self.client.store.fetch(content, sink, section, whole=whole)
        except StoreRefused as refused:
            if not refused.expired:
                raise
            again = self.client.content(content.id, content.version)
            self.client.store.fetch(again, sink, section, whole=whole)

    def fetch_part(
        self, content: Content, section: Section, sink: Callable[[memoryview, int], None]
    ) -> bytes:
        """GET one part; ``sink`` gets each block and its place; return the digest."""
        digest, done = hashlib.sha256(), 0

        def take(block: memoryview) -> None:
            nonlocal done
            sink(block, section.offset + done)
            digest.update(block)
            done += len(block)
            self.progress.advance(len(block))

        def fetch() -> None:
            self._fetch(content, Section(section.offset + done, section.size - done), take)

        self.client.policy.run(fetch)
        return digest.digest()


class _Ranges:
    """The parts of one large download, and what is known of them on disk."""

    def __init__(self, owner: Downloader, content: Content, target: Path, parts: Parts) -> None:
        self._owner, self._content, self._target, self._parts = owner, content, target, parts
        self._draft = beside(target, ".bv-part")
        self._notes = beside(target, ".bv-part.json")
        self._todo = deque(range(1, parts.count + 1))
        self._digests: dict[int, bytes] = {}
        self._noted = self._read_notes()
        # One writer at a time: the kernel lets only one into a file anyway, and the others would
        # spin for it on a core that could hash (a third of the time of a 1 GiB download).
        self._writing = threading.Lock()

    def run(self) -> None:
        crew = Crew(min(self._owner.jobs, self._parts.count))
        flags = os.O_RDWR | os.O_CREAT | NOT_THROUGH_LINKS
        descriptor = os.open(self._draft, flags, 0o666)
        try:
            try:
                crew.run(lambda: self._work(crew, descriptor))
            except BaseException:
                self._write_notes()
                self._drop_unnoted()
                raise
            with naming(self._target):
                os.ftruncate(descriptor, self._content.size)
        finally:
            os.close(descriptor)
        self._settle()

    def _settle(self) -> None:
        found = composite_hash([self._digests[n] for n in range(1, self._parts.count + 1)])
        self._notes.unlink(missing_ok=True)
        if found != self._content.hash:
            self._draft.unlink(missing_ok=True)
            raise IntegrityError("the bytes are wrong", self._content.hash, found)
        self._draft.replace(self._target)

    def _work(self, crew: Crew, descriptor: int) -> None:
        with self._draft.open("rb", buffering=0) as on_disk:
            while not crew.stopping.is_set():
                try:
                    number = self._todo.popleft()
                except IndexError:
                    return
                section = self._parts.section(number)
                digest = self._held(on_disk, number, section)
                self._digests[number] = digest or self._owner.fetch_part(
                    self._content, section, lambda block, at: self._write(descriptor, block, at)
                )
                if digest is None and len(self._digests) % _NOTE_EVERY == 0:
                    self._write_notes()

    def _write(self, descriptor: int, block: memoryview, offset: int) -> None:
        with self._writing, naming(self._target):
            while block:
                written = os.pwrite(descriptor, block, offset)
                block, offset = block[written:], offset + written

    def _held(self, on_disk: object, number: int, section: Section) -> bytes | None:
        """Return the digest of a part that an earlier run wrote, if it is there unharmed."""
        noted = self._noted.get(str(number))
        if noted is None:
            return None
        try:
            digest = digest_section(on_disk, section)  # type: ignore[arg-type]  # FileIO
        except EOFError:
            return None
        if digest.hex() != noted:
            return None
        self._owner.progress.advance(section.size)
        return digest

    def _read_notes(self) -> dict[str, str]:
        notes = read_json(self._notes)
        if notes.get("hash") != self._content.hash or not isinstance(notes.get("parts"), dict):
            self._draft.unlink(missing_ok=True)
            return {}
        return dict(notes["parts"])

    def _drop_unnoted(self) -> None:
        """Remove a draft that no later run could use."""
        if not read_json(self._notes).get("parts"):
            with suppress(OSError):
                forget_draft(self._target)

    def _write_notes(self) -> None:
        """Note the parts that are there: any later process may go on from here.

        Where that cannot be, as on a full disk, it fetches again what is there.
        """
        parts = {str(number): digest.hex() for number, digest in list(self._digests.items())}
        merged = {**self._noted, **parts}
        with suppress(OSError):
            write_private(self._notes, json.dumps({"hash": self._content.hash, "parts": merged}))


def as_of(client: Client, node: Node, version: int) -> Node:
    """Return a file as it was at a version.

    Raises:
        Problem: it has no such version.
    """
    for one in client.versions(node):
        if one.version == version:
            return msgspec.structs.replace(
                node,
                version=one.version,
                size=one.size,
                hash=one.hash,
                content_type=one.content_type,
                content_modified_at=one.content_modified_at,
            )
    detail = f"{node.path} has no version {version}."
    raise Problem(404, {"code": "version_not_found", "detail": detail})


def place(target: Path, if_exists: str) -> Path:
    """Decide where to write when ``target`` may exist: ``name (2)`` for ``rename``."""
    if if_exists == "replace" or not os.path.lexists(target):
        return target
    if if_exists != "rename":
        raise LocalExists(str(target))
    number = 2
    while os.path.lexists(other := numbered(target, number)):
        number += 1
    return other


def same_file(content: Content, target: Path) -> bool:
    """Say whether a local file has this content already, by hashing it."""
    try:
        found = target.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != content.size:
            return False
        hasher = ContentHasher(content.hash, content.size)
        with target.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                hasher.update(memoryview(block))
    except OSError:
        return False
    return hasher.result() == content.hash


def keep_time(node: Node, target: Path) -> None:
    """Give the local file the modification time its content had where it came from.

    One that the file system has no place for, or that cannot be read, is left out.
    """
    modified = node.content_modified_at
    if isinstance(modified, datetime):
        stamp = (modified - _EPOCH) // timedelta(microseconds=1) * 1000
        with suppress(OverflowError, OSError):
            os.utime(target, ns=(stamp, stamp))


def _write_all(descriptor: int, block: memoryview, target: Path) -> None:
    with naming(target):
        while block:
            block = block[os.write(descriptor, block) :]
