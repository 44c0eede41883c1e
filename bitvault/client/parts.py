"""A multipart upload: threads that hash, sign and send parts, as a small state machine.

Each thread asks ``_choose`` for the most useful thing to do: send a signed part; sign the hashed
ones, several in one call and only when they can be sent soon; hash the next part. Only digests are
kept between the steps, so memory is one block per thread whatever the size of the parts.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bitvault.client.client import Client
from bitvault.client.errors import (
    BitVaultError,
    Problem,
    SourceChanged,
    StoreRefused,
    leaves_open,
)
from bitvault.client.hashing import Parts, Section, composite_hash, digest_section, single_hash
from bitvault.client.objects import FileBody
from bitvault.client.progress import Progress
from bitvault.client.shapes import Id, Node, PartReceived, Plan, Transfer
from bitvault.client.workers import Crew

if TYPE_CHECKING:
    from bitvault.client.uploads import Source

_LOOKAHEAD = 4
"""Parts hashed but not sent, per thread."""

UNPROVED = frozenset({"bytes_missing", "bytes_mismatch"})
"""The server has not found the bytes, or others: what the store lacks is sent again."""
ROUNDS = 3
"""How often a file is sent in all."""
_SIGNINGS = 3
"""How often one part may find its URL expired before the store is believed to mean it."""


class PartsUpload:
    """Sends the parts of one upload that the store lacks, and commits."""

    def __init__(
        self,
        client: Client,
        source: "Source",
        upload_id: Id,
        plan: Plan,
        received: Mapping[int, PartReceived] | None = None,
    ) -> None:
        self._client, self._source, self.upload_id = client, source, upload_id
        self._parts = Parts(source.size, plan.part_size, plan.part_count)
        self._changed = threading.Condition()
        self._start(received or {})

    def _start(self, received: Mapping[int, PartReceived]) -> None:
        self._received = dict(received)
        self._to_hash = deque(range(1, self._parts.count + 1))
        self._hashed: deque[int] = deque()
        self._signed: deque[tuple[int, Transfer]] = deque()
        self._digests: dict[int, bytes] = {}
        self._done: set[int] = set()
        self._signings: dict[int, int] = {}
        self._busy_hashing = 0
        self._signing = False

    def run(self, jobs: int, progress: Progress, if_exists: str | None = None) -> Node:
        """Send what is missing with ``jobs`` threads, then commit.

        ``if_exists`` replaces what was said when the upload was begun.
        """
        self._jobs, self._progress = jobs, progress
        for _ in range(ROUNDS - 1):
            try:
                return self._send_and_commit(if_exists)
            except Problem as problem:
                if problem.code not in UNPROVED:
                    raise
            progress.advance(-self._parts.total)
            self._start(self._at_the_store())
        return self._send_and_commit(if_exists)

    def _send_and_commit(self, if_exists: str | None) -> Node:
        self._crew = Crew(min(self._jobs, self._parts.count))
        self._crew.run(self._work)
        self._source.check()
        digests = [self._digests[number] for number in range(1, self._parts.count + 1)]
        claim: dict[str, Any] = {"hash": composite_hash(digests)}
        if if_exists is not None:
            claim["ifExists"] = if_exists
        return self._client.commit(self.upload_id, claim).node

    def _at_the_store(self) -> dict[int, PartReceived]:
        return {part.part_number: part for part in self._client.upload(self.upload_id).parts}

    def _work(self) -> None:
        while (step := self._next()) is not None:
            try:
                step()
            finally:
                with self._changed:
                    self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """Wait for something to do; None when all is done or the crew stops."""
        with self._changed:
            while not self._crew.stopping.is_set() and len(self._done) < self._parts.count:
                step = self._choose()
                if step is not None:
                    return step
                self._changed.wait(0.2)
        return None

    def _choose(self) -> Callable[[], None] | None:
        """Pick the most useful step and take its work; the lock is held."""
        if self._signed:
            number, transfer = self._signed.popleft()
            return lambda: self._send(number, transfer)
        nothing_to_hash = not self._to_hash and not self._busy_hashing
        if self._hashed and not self._signing and self._worth_signing(nothing_to_hash):
            batch = [self._hashed.popleft() for _ in range(len(self._hashed))]
            self._signing = True
            return lambda: self._sign(batch)
        if self._to_hash and len(self._hashed) < self._jobs * _LOOKAHEAD:
            number = self._to_hash.popleft()
            self._busy_hashing += 1
            return lambda: self._hash(number)
        return None

    def _worth_signing(self, nothing_to_hash: bool) -> bool:  # noqa: FBT001 - private, one caller
        return nothing_to_hash or len(self._hashed) >= self._jobs

    def _hash(self, number: int) -> None:
        section = self._parts.section(number)
        try:
            with self._source.open() as file:
                digest = digest_section(file, section)
        except EOFError as error:
            raise SourceChanged(str(self._source.path)) from error
        same = self._is_held(self._received.get(number), section, digest)
        with self._changed:
            self._busy_hashing -= 1
            self._digests[number] = digest
            if same:
                self._done.add(number)
            else:
                self._hashed.append(number)
        if same:
            self._progress.advance(section.size)

    @staticmethod
    def _is_held(held: PartReceived | None, section: Section, digest: bytes) -> bool:
        if held is None:
            return False
        return held.hash == single_hash(digest) and held.size == section.size

    def _sign(self, batch: list[int]) -> None:
        asked = [
            {"partNumber": number, "hash": single_hash(self._digests[number])} for number in batch
        ]
        transfers = self._client.sign_parts(self.upload_id, asked)
        with self._changed:
            self._signing = False
            self._signed.extend((each.part_number or 0, each) for each in transfers)

    def _send(self, number: int, transfer: Transfer) -> None:
        try:
            self._client.policy.run(lambda: self._send_once(number, transfer))
        except BitVaultError as error:
            if self._may_sign_again(number, error):
                with self._changed:
                    self._hashed.append(number)
                return
            if not leaves_open(error) or not self._arrived(number):
                raise
        with self._changed:
            self._done.add(number)

    def _may_sign_again(self, number: int, error: BitVaultError) -> bool:
        self._signings[number] = self._signings.get(number, 0) + 1
        expired = isinstance(error, StoreRefused) and error.expired
        return expired and self._signings[number] < _SIGNINGS

    def _arrived(self, number: int) -> bool:
        """Ask for a part whose every answer was lost."""
        held = self._at_the_store().get(number)
        return self._is_held(held, self._parts.section(number), self._digests[number])

    def _send_once(self, number: int, transfer: Transfer) -> None:
        section, sent = self._parts.section(number), 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            self._progress.advance(size)

        with self._source.open() as file:
            try:
                self._client.store.send(transfer, FileBody(file, section, count), section.size)
            except BaseException:
                self._progress.advance(-sent)
                raise
