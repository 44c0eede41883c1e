"""Whole trees up: folders in one batch, small files by the hundreds, large ones in parts.

While one batch of files travels, another is hashed, opened or committed: two are under way at a
time, and one of them has the wire.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve, frozen

from bitvault.client.errors import BitVaultError, Problem
from bitvault.client.hashing import parts_for, single_hash
from bitvault.client.names import path_key
from bitvault.client.parts import UNPROVED
from bitvault.client.remote_tree import may_be_unseen
from bitvault.client.results import Missed, TreeResult
from bitvault.client.shapes import Begun, Id, Node
from bitvault.client.tree_plan import TreePlan, plan_tree
from bitvault.client.uploads import Uploader, Want, draft_of, text
from bitvault.client.walk import LocalFile
from bitvault.client.workers import Failed, each

Q = TypeVar("Q")
A = TypeVar("A")

MOST_FOLDERS = 1000
MOST_FILES = 500
MOST_BYTES = 256 << 20
"""Of one batch: its URLs should not grow old while it travels."""

_BATCHES = 2
_OF_AN_ITEM = frozenset({400, 413, 422})
"""Statuses of a batch that one of its items may be the reason of."""


@frozen
class _Sent:
    file: LocalFile
    upload_id: Id
    digest: bytes
    doubt: BitVaultError | None


class TreeUpload:
    """Puts one local folder into one remote folder."""

    def __init__(self, uploader: Uploader, target: str, if_exists: str) -> None:
        # With reservations of its own: those of an interrupted tree are given up for good.
        self._up = evolve(uploader)
        self._target, self._if_exists = text(target).rstrip("/"), if_exists
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
        try:
            self._forsake(plan.settled)
            folders = self._make(plan)
            self._send_all(plan.files)
        except BaseException:
            self._up.held.end()
            raise
        done = self._result
        total = sum(node.size or 0 for node in done.nodes)
        return TreeResult(done.nodes, plan.unchanged, done.skipped, done.missed, folders, total)

    def _forsake(self, files: Sequence[LocalFile]) -> None:
        """Give up what an earlier run began of large files that need not be sent."""
        self._up.held.recover()
        for file in files:
            if parts_for(file.source.size) is not None:
                self._up.forsake(file.source, self._path(file.relative))

    def _send_all(self, files: Sequence[LocalFile]) -> None:
        small = [file for file in files if parts_for(file.source.size) is None]
        for outcome in each(_BATCHES, self._batch, list(cut(small))):
            if isinstance(outcome, Failed):
                raise outcome.error
        for file in files:
            if parts_for(file.source.size) is not None:
                self._up.progress.expect(-file.source.size)
                self._alone(file)

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
        for operation, answer in each_answer(self._up.client.batch, operations, MOST_FOLDERS):
            if not isinstance(answer, Problem):
                made += answer.event_id is not None  # one that was there is no event
            elif not may_be_unseen(answer.code, str(operation["path"])):
                # What may only be added to gets its folders with what is put in them.
                self._miss(str(operation["path"]), answer)
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
        begun = self._begin(drafts)
        to_send = [
            (file, digest, kept)
            for (file, digest), answer in zip(ready, begun, strict=True)
            if (kept := self._needs_bytes(file, answer)) is not None
        ]
        with self._wire:
            outcomes = each(self._up.jobs, self._send, to_send)
        self._up.held.check()  # all of them are given up together
        failed = [one for one in outcomes if isinstance(one, Failed)]
        self._up.held.give_up(one.item[2].upload_id for one in failed)
        for one in failed:
            self._miss(one.item[0].relative, one.error)
        self._commit([one for one in outcomes if isinstance(one, _Sent)])

    def _begin(self, drafts: Sequence[dict[str, Any]]) -> list[Begun | Problem]:
        with self._up.held.beginning():
            begun = [one for _, one in each_answer(self._up.client.begin_all, drafts, MOST_FILES)]
            self._up.held.hold(
                one.upload_id
                for one in begun
                if not isinstance(one, Problem) and one.upload_id is not None
            )
        return begun

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
        step = self._up.client.only(begun.transfers)
        doubt = self._up.send_single(file.source, upload_id, step)
        return _Sent(file, upload_id, digest, doubt)

    def _commit(self, sent: Sequence[_Sent]) -> None:
        if not sent:
            return
        self._up.held.check()
        claims = [{"uploadId": one.upload_id, "hash": single_hash(one.digest)} for one in sent]
        answers = self._up.client.commit_all(claims)
        judged = list(zip(sent, answers, strict=True))
        self._up.held.free(one.upload_id for one, no in judged if not isinstance(no, Problem))
        self._up.held.give_up(one.upload_id for one, no in judged if isinstance(no, Problem))
        for one, answer in judged:
            if isinstance(answer, Problem):
                self._unproved(one, answer)
            else:
                self._done(one.file, answer.node)

    def _unproved(self, one: _Sent, problem: Problem) -> None:
        """Send bytes again that the server has not found; where none can be sent, say that."""
        if problem.code == "bytes_missing" and one.doubt is not None:
            self._miss(one.file.relative, one.doubt)
        elif problem.code in UNPROVED:
            self._alone(one.file)
        else:
            self._refused(one.file, problem)

    def _alone(self, file: LocalFile) -> None:
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


def each_answer(
    ask: Callable[[Sequence[Q]], Sequence[A]], questions: Sequence[Q], most: int
) -> Iterator[tuple[Q, A | Problem]]:
    """Ask in batches; one that is refused for what a single item says is asked in halves."""
    for start in range(0, len(questions), most):
        some = questions[start : start + most]
        try:
            yield from zip(some, ask(some), strict=True)
        except Problem as problem:
            if problem.status not in _OF_AN_ITEM:
                raise
            if len(some) == 1:
                yield some[0], problem
            else:
                yield from each_answer(ask, some, -(-len(some) // 2))


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
