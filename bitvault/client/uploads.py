"""Upload of one file: a single PUT up to 64 MiB, else parts in parallel, resumable."""

import mimetypes
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from bitvault.client.client import Client
from bitvault.client.errors import Problem, SourceChanged, StoreRefused, is_final
from bitvault.client.hashing import Section, digest_section, parts_for, single_hash
from bitvault.client.objects import FileBody
from bitvault.client.parts import PartsUpload
from bitvault.client.progress import SILENT, Progress
from bitvault.client.shapes import Begun, Id, Node, Transfer
from bitvault.client.state import UploadKey, UploadStates, upload_states

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GONE = frozenset({"upload_not_found", "upload_closed"})


@frozen
class Source:
    """A local file as it was when the upload was planned."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "Source":
        """Look at a file."""
        stat = path.stat()
        return cls(path, stat.st_size, stat.st_mtime_ns)

    def open(self) -> BinaryIO:
        """Open it unbuffered.

        Raises:
            SourceChanged: it is not the file that was planned any more.
        """
        file = self.path.open("rb", buffering=0)
        found = os.fstat(file.fileno())
        if (found.st_size, found.st_mtime_ns) != (self.size, self.modified_ns):
            file.close()
            raise SourceChanged(str(self.path))
        return file

    def check(self) -> None:
        """Refuse when size or modification time are not those of the plan."""
        if Source.of(self.path) != self:
            raise SourceChanged(str(self.path))

    def digest(self) -> bytes:
        """Hash all of it."""
        with self.open() as file:
            try:
                return digest_section(file, Section(0, self.size))
            except EOFError as error:
                raise SourceChanged(str(self.path)) from error


def modified_at(source: Source) -> datetime | None:
    """Return the modification time, cut to the microseconds that the server keeps.

    None when no calendar has it: file systems know years that RFC 3339 cannot write.
    """
    try:
        return _EPOCH + timedelta(microseconds=source.modified_ns // 1000)
    except OverflowError:
        return None


def draft_of(source: Source, target: str, want: "Want", digest: bytes | None) -> dict[str, Any]:
    """Describe an upload to the server; ``skip`` is ``fail`` there, and read by the caller."""
    modified = modified_at(source)
    draft: dict[str, Any] = {
        "path": target,
        "size": source.size,
        "ifExists": Want(want.if_exists).claim(),
        "contentType": mimetypes.guess_type(target)[0] or "application/octet-stream",
    }
    if modified is not None:
        draft["contentModifiedAt"] = modified.isoformat().replace("+00:00", "Z")
    if want.base is not None:
        draft["baseVersion"] = want.base
    if digest is not None:
        draft["hash"] = single_hash(digest)
    return draft


@frozen
class Want:
    """What to do when the name is taken; with ``base``: replace just that version, or fail."""

    if_exists: str = "fail"
    base: int | None = None

    def claim(self) -> str:
        """Say it anew with the commit of an upload that an earlier run began."""
        if self.base is not None:
            return "replace"
        return self.if_exists if self.if_exists in {"replace", "rename"} else "fail"


@frozen
class Uploader:
    """Puts files through one client; ``jobs`` parts or files travel at a time."""

    client: Client
    jobs: int = 4
    progress: Progress = SILENT
    states: UploadStates | None = None

    def put(
        self, source: Source, target: str, if_exists: str = "fail", base: int | None = None
    ) -> Node:
        """Upload a file and commit it; with ``base`` as a version after just that one.

        Raises:
            Problem: refused (``name_taken``, ``quota_exceeded``, ...); nothing was written.
            SourceChanged: the file changed meanwhile; nothing was written.
        """
        self.progress.expect(source.size)
        if parts_for(source.size) is None:
            return self._put_single(source, target, Want(if_exists, base))
        return self._put_parts(source, target, Want(if_exists, base))

    def _put_single(self, source: Source, target: str, want: Want) -> Node:
        digest = source.digest()
        begun = self.client.begin(draft_of(source, target, want, digest))
        if begun.upload_id is None:
            self.progress.advance(source.size)
            return _node(begun)
        try:
            etag = self.send_single(source, begun.upload_id, begun.transfers[0])
            claim = {"hash": single_hash(digest), "etag": etag}
            return self.client.commit(begun.upload_id, claim).node
        except BaseException as error:
            # A single PUT always starts over; what may have been committed is not asked about.
            if is_final(error):
                self.client.give_up(begun.upload_id)
            raise

    def send_single(self, source: Source, upload_id: Id, step: Transfer) -> str:
        """PUT a whole file, signing again when the URL has expired; return its ETag."""
        try:
            return self.client.policy.run(lambda: self._send(source, step))
        except StoreRefused as refused:
            if not refused.expired:
                raise
        again = self.client.sign_again(upload_id)
        return self.client.policy.run(lambda: self._send(source, again))

    def _send(self, source: Source, step: Transfer) -> str:
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            self.progress.advance(size)

        with source.open() as file:
            body = FileBody(file, Section(0, source.size), count)
            try:
                return self.client.store.send(step, body, source.size)
            except BaseException:
                self.progress.advance(-sent)
                raise

    def _put_parts(self, source: Source, target: str, want: Want) -> Node:
        states = self.states or upload_states()
        key = UploadKey(
            self.client.rest.server,
            target,
            str(source.path.resolve()),
            source.size,
            source.modified_ns,
        )
        for stale in states.superseded(key):
            self.client.give_up(stale)
        upload = self._resume(states, key, source)
        again = None if upload is None else want.claim()
        if upload is None:
            begun = self.client.begin(draft_of(source, target, want, None))
            if begun.upload_id is None or begun.plan is None:
                self.progress.advance(source.size)
                return _node(begun)
            states.note(key, str(begun.upload_id))
            upload = PartsUpload(self.client, source, begun.upload_id, begun.plan)
        try:
            node = upload.run(self.jobs, self.progress, again)
        except (SourceChanged, FileNotFoundError):
            states.forget(key)
            self.client.give_up(upload.upload_id)
            raise
        except Problem as problem:
            if problem.code in GONE:
                states.forget(key)
            raise
        states.forget(key)
        return node

    def _resume(self, states: UploadStates, key: UploadKey, source: Source) -> PartsUpload | None:
        """Pick up a noted upload, if the server still holds it open."""
        upload_id = states.find(key)
        if upload_id is None:
            return None
        try:
            found = self.client.upload(upload_id)
        except Problem as problem:
            if problem.code not in GONE:
                raise
            states.forget(key)
            return None
        if found.state != "open" or found.plan is None:
            states.forget(key)
            return None
        received = {part.part_number: part for part in found.parts}
        return PartsUpload(self.client, source, upload_id, found.plan, received)


def _node(begun: Begun) -> Node:
    if begun.node is None:
        raise Problem(502, {"detail": "the server answered neither an upload nor a node"})
    return begun.node
