"""Upload of one file: a single PUT up to 64 MiB, else parts in parallel, resumable."""

import mimetypes
import os
import stat
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import Any

from attrs import Factory, field, frozen

from bitvault.client.client import GONE, Client
from bitvault.client.errors import (
    BitVaultError,
    NotAFile,
    NotText,
    Problem,
    SourceChanged,
    StoreRefused,
    leaves_open,
)
from bitvault.client.hashing import Section, digest_section, parts_for, single_hash
from bitvault.client.objects import FileBody
from bitvault.client.parts import ROUNDS, UNPROVED, PartsUpload
from bitvault.client.progress import SILENT, Progress
from bitvault.client.reservations import Reservations
from bitvault.client.shapes import Begun, Id, Node, Transfer
from bitvault.client.state import UploadKey, UploadStates, upload_states

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)

_NO_STORE = 404
_CHECKSUM = "x-amz-checksum-sha256"


@frozen
class Source:
    """A local file as it was when the upload was planned."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "Source":
        """Look at a file.

        Raises:
            NotAFile: it is a FIFO, a socket, a device, or a folder.
        """
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotAFile(str(path))
        return cls(path, found.st_size, found.st_mtime_ns)

    def open(self) -> FileIO:
        """Open it unbuffered.

        Raises:
            SourceChanged: it is not the file that was planned any more.
        """
        # Without waiting, as for a FIFO that has taken its place.
        file = FileIO(self.path, "rb", opener=lambda path, flags: os.open(path, flags | _AT_ONCE))
        found = os.fstat(file.fileno())
        as_planned = (found.st_size, found.st_mtime_ns) == (self.size, self.modified_ns)
        if not stat.S_ISREG(found.st_mode) or not as_planned:
            file.close()
            raise SourceChanged(str(self.path))
        return file

    def check(self) -> None:
        """Refuse when size or modification time are not those of the plan."""
        if Source.of(self.path) != self:
            raise SourceChanged(str(self.path))

    def has_changed(self, step: Transfer) -> bool:
        """Say whether it holds other bytes than those that a PUT was signed for.

        So it is where a program writes into a file and puts its time back.
        """
        signed = {name.lower(): value for name, value in step.headers.items()}.get(_CHECKSUM)
        return signed is not None and signed != b64encode(self.digest()).decode()

    def digest(self) -> bytes:
        """Hash all of it."""
        with self.open() as file:
            try:
                return digest_section(file, Section(0, self.size))
            except EOFError as error:
                raise SourceChanged(str(self.path)) from error


def modified_at(source: Source) -> datetime | None:
    """Return the modification time, cut to the microseconds that the server keeps.

    None when the server cannot keep it: file systems know years that RFC 3339 cannot write.
    """
    try:
        moment = _EPOCH + timedelta(microseconds=source.modified_ns // 1000)
    except OverflowError:
        return None
    return moment if _FIRST <= moment <= _LAST else None


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
        """Say it again with the commit of an upload that an earlier run began."""
        if self.base is not None:
            return "replace"
        return self.if_exists if self.if_exists in {"replace", "rename"} else "fail"


def _reservations(uploader: "Uploader") -> Reservations:
    states, client = uploader.states, uploader.client
    return Reservations(states.folder, client.rest.server, client.give_up_all, states.losing)


@frozen
class Uploader:
    """Puts files through one client; ``jobs`` parts or files travel at a time."""

    client: Client
    jobs: int = 4
    progress: Progress = SILENT
    states: UploadStates = field(factory=upload_states)
    held: Reservations = field(
        init=False, repr=False, eq=False, default=Factory(_reservations, takes_self=True)
    )

    def put(
        self, source: Source, target: str, if_exists: str = "fail", base: int | None = None
    ) -> Node:
        """Upload a file and commit it; with ``base`` as a version after just that one.

        An answer that was lost leaves open whether the bytes arrived: the commit tells.

        Raises:
            Problem: refused (``name_taken``, ``quota_exceeded``, ...); nothing was written.
            SourceChanged: the file changed meanwhile; nothing was written.
            NotText: the target is not UTF-8.
        """
        text(target)
        self.progress.expect(source.size)
        if parts_for(source.size) is None:
            return self._put_single(source, target, Want(if_exists, base))
        return self._put_parts(source, target, Want(if_exists, base))

    def forsake(self, source: Source, target: str) -> None:
        """Give up what an earlier run began of a file that need not be sent any more."""
        states, key = self._state(source, target)
        upload_id = states.find(key)
        if upload_id is not None and self.client.give_up(upload_id):
            states.forget(key)

    def _put_single(self, source: Source, target: str, want: Want) -> Node:
        digest = source.digest()
        for _ in range(ROUNDS - 1):
            try:
                return self._put_once(source, target, want, digest)
            except Problem as problem:
                if problem.code not in UNPROVED:
                    raise
        return self._put_once(source, target, want, digest)

    def _put_once(self, source: Source, target: str, want: Want, digest: bytes) -> Node:
        with self.held.beginning():
            begun = self.client.begin(draft_of(source, target, want, digest))
            self.held.hold([] if begun.upload_id is None else [begun.upload_id])
        if begun.upload_id is None:
            self.progress.advance(source.size)
            return _node(begun)
        try:
            doubt = self.send_single(source, begun.upload_id, self.client.only(begun.transfers))
            node = self._judged(begun.upload_id, digest, doubt)
        except BaseException:
            # A single PUT always starts over. One that was committed stays so.
            self.held.give_up([begun.upload_id])
            raise
        self.held.free([begun.upload_id])
        return node

    def _judged(self, upload_id: Id, digest: bytes, doubt: BitVaultError | None) -> Node:
        try:
            return self.client.commit(upload_id, {"hash": single_hash(digest)}).node
        except Problem as problem:
            if problem.code == "bytes_missing" and doubt is not None:
                raise doubt from problem
            raise

    def send_single(self, source: Source, upload_id: Id, step: Transfer) -> BitVaultError | None:
        """PUT a whole file, signing again when the URL has expired.

        Return None when the store took it, or what leaves that open: then the commit tells.

        Raises:
            StoreRefused: it did not arrive, and will not.
            SourceChanged: the file changed meanwhile.
        """
        try:
            self._send_signed(source, upload_id, step)
        except BitVaultError as error:
            if leaves_open(error):
                return error
            if getattr(error, "is_damaged", False) and source.has_changed(step):
                raise SourceChanged(str(source.path)) from error
            raise
        return None

    def _send_signed(self, source: Source, upload_id: Id, step: Transfer) -> None:
        try:
            self.client.policy.run(lambda: self._send(source, step))
        except StoreRefused as refused:
            if not refused.expired:
                raise
        else:
            return
        again = self.client.sign_again(upload_id)
        self.client.policy.run(lambda: self._send(source, again))

    def _send(self, source: Source, step: Transfer) -> None:
        self.held.check()
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            self.progress.advance(size)

        with source.open() as file:
            body = FileBody(file, Section(0, source.size), count)
            try:
                self.client.store.send(step, body, source.size)
            except BaseException:
                self.progress.advance(-sent)
                raise

    def _state(self, source: Source, target: str) -> tuple[UploadStates, UploadKey]:
        key = UploadKey(
            self.client.rest.server,
            target,
            os.path.realpath(source.path),
            source.size,
            source.modified_ns,
        )
        return self.states, key

    def _put_parts(self, source: Source, target: str, want: Want) -> Node:
        states, key = self._state(source, target)
        for stale in states.superseded(key):
            if self.client.give_up(stale):
                states.drop(key.server, {stale})
        upload = self._resume(states, key, source)
        again, is_noted = (None, False) if upload is None else (want.claim(), True)
        if upload is None:
            begun = self.client.begin(draft_of(source, target, want, None))
            if begun.upload_id is None or begun.plan is None:
                self.progress.advance(source.size)
                return _node(begun)
            upload = PartsUpload(self.client, source, begun.upload_id, begun.plan)
            is_noted = states.note(key, str(begun.upload_id))
        try:
            node = upload.run(self.jobs, self.progress, again)
        except BaseException as error:
            # One that no later run could find is given up, too.
            if _is_over(error) or not is_noted:
                if self.client.give_up(upload.upload_id):
                    states.forget(key)
            elif isinstance(error, BitVaultError):
                error.is_kept = True
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


def text(name: str) -> str:
    """Return a name that the server may be asked about.

    Raises:
        NotText: it is not UTF-8.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotText(name) from error
    return name


def _is_over(error: BaseException) -> bool:
    """Say whether no later run can go on with the parts of an upload that failed."""
    if isinstance(error, StoreRefused):
        return error.status == _NO_STORE
    if isinstance(error, Problem):
        return error.code in GONE | UNPROVED
    return isinstance(error, SourceChanged | FileNotFoundError)


def _node(begun: Begun) -> Node:
    if begun.node is None:
        raise Problem(502, {"detail": "the server answered neither an upload nor a node"})
    return begun.node
