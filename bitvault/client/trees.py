"""Whole trees up: folders in one batch, small files by the hundreds, large ones in parts.

While one batch of files travels, another is hashed, opened or committed: two are under way at a
time, and one of them has the wire.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from attrs import frozen

from bitvault.client.errors import BitVaultError, Problem, is_final
from bitvault.client.hashing import parts_for, single_hash
from bitvault.client.names import path_key
from bitvault.client.remote_tree import may_be_unseen
from bitvault.client.results import Missed, TreeResult
from bitvault.client.shapes import Begun, Id, Item, Node, Written
from bitvault.client.tree_plan import TreePlan, plan_tree
from bitvault.client.uploads import Uploader, Want, draft_of
from bitvault.client.walk import LocalFile
from bitvault.client.workers import Failed, each

T = TypeVar("T")

MOST_FOLDERS = 1000
MOST_FILES = 500
MOST_BYTES = 256 << 20
"""Of one batch: its URLs should not grow old while it travels."""

_BATCHES = 2


@frozen
class _Sent:
    file: LocalFile
    upload_id: Id
    digest: bytes
    etag: str


class TreeUpload:
    """Puts one local folder into one remote folder."""

    def __init__(self, uploader: Uploader, target: str, if_exists: str) -> None:
        self._up, self._target, self._if_exists = uploader, target.rstrip("/"), if_exists
        self._wire = threading.Lock()
        self._lock = threading.Lock()
        self._result = TreeResult()
        self._bases: Mapping[str, int] = {}

    def run(self, root: Path, *, follow: bool = False) -> TreeResult:
        """Upload everything below ``root``; what fails is in the result, the rest goes on.

        ``update`` asks what is there first, and sends what is new or changed.
        """
        ask = self._if_exists == "update"
        plan = plan_tree(self._up, root, self._target, self._if_exists, ask=ask, follow=follow)
        self._result, self._bases = TreeResult(missed=plan.missed), plan.bases
        self._up.progress.expect(sum(file.source.size for file in plan.files))
        folders = self._make(plan)
        small = [file for file in plan.files if parts_for(file.source.size) is None]
        for outcome in each(_BATCHES, self._batch, list(cut(small))):
            if isinstance(outcome, Failed):
                raise outcome.error
        for file in plan.files:
            if parts_for(file.source.size) is not None:
                self._large(file)
        done = self._result
        total = sum(node.size or 0 for node in done.nodes)
        return TreeResult(done.nodes, plan.unchanged, done.skipped, done.missed, folders, total)

    def _path(self, relative: str) -> str:
        return f"{self._target}/{relative}"

    def _make(self, plan: TreePlan) -> int:
        """Make the folders that are missing; return how many were made."""
        target = [] if plan.has_target else [self._target]
        paths = [*target, *(self._path(folder.relative) for folder in plan.folders)]
        operations = [
            {"op": "mkdir", "path": path, "parents": True, "existOk": True}
            for path in paths
            if path.rpartition(":")[2] not in {"", "/"}
        ]
        made = 0
        for start in range(0, len(operations), MOST_FOLDERS):
            some = operations[start : start + MOST_FOLDERS]
            for operation, item in zip(some, self._up.client.batch(some), strict=True):
                if item.problem and may_be_unseen(item.problem["code"], str(operation["path"])):
                    continue  # its folders are made with what is put in them
                if item.problem:
                    self._miss(str(operation["path"]), Problem(item.status, item.problem))
                elif _was_made(item):
                    made += 1
        return made

    def _batch(self, files: Sequence[LocalFile]) -> None:
        """Hash, open, send and commit one batch of small files."""
        digests = [self._digest(file) for file in files]
        ready = [
            (file, digest)
            for file, digest in zip(files, digests, strict=True)
            if digest is not None
        ]
        if not ready:
            return
        drafts = [
            draft_of(file.source, self._path(file.relative), self._want(file), digest)
            for file, digest in ready
        ]
        begun = self._up.client.begin_all(drafts)
        to_send = [
            (file, digest, kept)
            for (file, digest), answer in zip(ready, begun, strict=True)
            if (kept := self._needs_bytes(file, answer)) is not None
        ]
        with self._wire:
            outcomes = each(self._up.jobs, self._send, to_send)
        self._commit(list(self._sent(outcomes)))

    def _want(self, file: LocalFile) -> Want:
        return Want(self._if_exists, self._bases.get(file.relative))

    def _digest(self, file: LocalFile) -> bytes | None:
        try:
            return file.source.digest()
        except (BitVaultError, OSError) as error:
            self._miss(file.relative, error)
            return None

    def _needs_bytes(self, file: LocalFile, answer: Begun | Problem) -> Begun | None:
        if isinstance(answer, Problem):
            self._refused(file, answer)
            return None
        if answer.upload_id is None and answer.node is not None:
            self._up.progress.advance(file.source.size)
            self._done(file, answer.node)
            return None
        return answer

    def _send(self, work: tuple[LocalFile, bytes, Begun]) -> _Sent:
        file, digest, begun = work
        upload_id = begun.upload_id or ""
        try:
            etag = self._up.send_single(file.source, upload_id, begun.transfers[0])
        except (BitVaultError, OSError) as error:
            if is_final(error):
                self._up.client.give_up(upload_id)
            raise
        return _Sent(file, upload_id, digest, etag)

    def _sent(self, outcomes: Sequence[Any]) -> Iterator[_Sent]:
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                self._miss(outcome.item[0].relative, outcome.error)
            else:
                yield outcome

    def _commit(self, sent: Sequence[_Sent]) -> None:
        if not sent:
            return
        claims = [
            {"uploadId": one.upload_id, "hash": single_hash(one.digest), "etag": one.etag}
            for one in sent
        ]
        answers = self._up.client.commit_all(claims)
        for one, answer in zip(sent, answers, strict=True):
            if isinstance(answer, Problem):
                if is_final(answer):
                    self._up.client.give_up(one.upload_id)
                self._refused(one.file, answer)
            else:
                self._done(one.file, answer.node)

    def _large(self, file: LocalFile) -> None:
        self._up.progress.expect(-file.source.size)
        try:
            want = self._want(file)
            place = self._path(file.relative)
            self._done(file, self._up.put(file.source, place, want.if_exists, want.base))
        except Problem as problem:
            self._refused(file, problem)
        except (BitVaultError, OSError) as error:
            self._miss(file.relative, error)

    def _refused(self, file: LocalFile, problem: Problem) -> None:
        if problem.code == "name_taken" and self._if_exists == "skip":
            with self._lock:
                self._result.skipped.append(file.relative)
            self._up.progress.advance(file.source.size)
            return
        self._miss(file.relative, problem)

    def _done(self, file: LocalFile, node: Node) -> None:
        if path_key(node.name) != path_key(file.relative.rpartition("/")[2]):
            self._up.progress.note(f"{file.relative}: exists; sent as {node.name}")
        with self._lock:
            self._result.nodes.append(node)

    def _miss(self, path: str, error: BitVaultError | OSError) -> None:
        with self._lock:
            self._result.missed.append(Missed(path, error))


def _was_made(item: Item) -> bool:
    """Tell a folder that was made from one that was there: making it is an event."""
    return msgspec.json.decode(item.result, type=Written).event_id is not None


def cut(files: Sequence[LocalFile]) -> Iterator[list[LocalFile]]:
    """Cut files into batches of a bounded number and size, small enough to overlap."""
    most = min(MOST_FILES, max(50, -(-len(files) // 4)))
    batch: list[LocalFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) >= most or size + file.source.size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.source.size
    if batch:
        yield batch
