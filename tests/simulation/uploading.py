"""How a client uploads: init, PUT, commit; what was lost is sent again."""

from collections.abc import Sequence
from typing import Any

import trio
from attrs import define, frozen

from bitvault.actors.files.contract import (
    AbortUpload,
    CommittedPart,
    CommitUploads,
    DescribeUpload,
    IfExists,
    InitUploads,
    PartToSign,
    SignUploadParts,
    Target,
    TransferStep,
    UploadClosed,
    UploadCommit,
    UploadDraft,
    UploadNotFound,
    UploadOpened,
    UploadState,
    UploadUnneeded,
    Written,
)
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.objects.probe import Answer as Reply
from bitvault.kernel.refusal import Refusal
from tests.simulation.acting import answer_of
from tests.simulation.client import Client, Stuck
from tests.simulation.observations import (
    Answer,
    Done,
    Nothing,
    Observation,
    Step,
    Unknown,
    content_of,
    hash_of,
    modified_of,
    parts_of,
    type_of,
)
from tests.simulation.plans import Item, Op

_GENERATIONS = 4
_RESENDS = 4
_APART = 0.1
"""Virtual seconds between two devices that commit the same upload, at most."""
_AGAIN = frozenset({"bytes_missing", "bytes_mismatch"})


@frozen
class File:
    """One file of an upload."""

    item: Item
    content: bytes
    hash: str
    base: int | None


@define(eq=False)
class Upload:
    """One upload on its way."""

    client: Client
    op: Op
    request: str
    files: Sequence[File]
    observation: Observation
    damaged: bool = False

    async def run(self) -> None:
        """Do it; an upload that the server closed because it could not open it is begun anew."""
        todo = list(range(len(self.files)))
        self.observation.answers = [Unknown()] * len(todo)
        for generation in range(_GENERATIONS):
            todo = await self._generation(generation, todo)
            if not todo:
                self.client.finish(self.observation)
                return
            self.client.world.saw("an upload was begun anew")
        raise Stuck(f"liveness: {self.request} never came to an end")

    async def _generation(self, number: int, todo: list[int]) -> list[int]:
        key = f"{self.request}.init{number}"
        drafts = tuple(self._draft(self.files[index]) for index in todo)
        replies = await self.client.ask(
            "files",
            lambda who: InitUploads(self.client.caller(who, self.request, key, drafts), drafts),
            self.observation,
            gives_up=self.op.gives_up and self.op.ends == "leave",
        )
        self.client.finish(self.observation)
        self.observation.opened = self.observation.hi
        if isinstance(replies, Unknown):
            return []
        opened = {}
        for index, reply in zip(todo, replies, strict=True):
            if isinstance(reply, UploadOpened):
                opened[index] = reply
            else:
                self._answer(index, _written(reply, self.client))
        return await self._transfer(opened) if opened else []

    def _draft(self, file: File) -> UploadDraft:
        return UploadDraft(
            size=len(file.content),
            target=Target(path=file.item.path),
            hash=file.hash,
            if_exists=IfExists(file.item.if_exists),
            base_version=file.base,
            content_type=type_of(file.item.tag),
            content_modified_at=modified_of(file.item.tag),
        )

    def _answer(self, index: int, reply: Any) -> None:
        answer: Answer = answer_of(reply)
        self.observation.answers[index] = answer
        if isinstance(answer, Done):
            self.client.known[self.files[index].item.path] = answer.version or 0
            self.client.common.nodes.setdefault(self.client.tenant, []).append(answer.node_id)

    async def _transfer(self, opened: dict[int, UploadOpened]) -> list[int]:
        """Send and commit; answer which files have to be begun anew."""
        if self.op.ends != "commit":
            await self._stop_short(opened)
            return []
        anew: list[int] = []
        for _ in range(_RESENDS):
            claims = [
                await self._send(self.files[index], upload) for index, upload in opened.items()
            ]
            send = await self._commit(opened, tuple(claims), anew)
            if not send:
                return anew
            opened = {index: opened[index] for index in send}
            self.client.world.saw("bytes were sent again")
        raise Stuck(f"liveness: {self.request} was never proved")

    async def _commit(
        self, opened: dict[int, UploadOpened], claims: tuple[UploadCommit, ...], anew: list[int]
    ) -> list[int]:
        """Commit; answer whose bytes have to be sent again, and note what was closed."""
        replies = await (self._commit_twice if self.op.twice else self._ask_commit)(claims)
        if isinstance(replies, Unknown):
            return []
        send = []
        for index, reply in zip(opened, replies, strict=True):
            if isinstance(reply, Refusal) and reply.code in _AGAIN:
                send.append(index)
            elif isinstance(reply, UploadClosed) and self.observation.interrupted:
                anew.append(index)
            else:
                self._answer(index, reply)
        return send

    async def _ask_commit(self, claims: tuple[UploadCommit, ...]) -> Any:
        return await self.client.ask(
            "files",
            lambda who: CommitUploads(self.client.caller(who, self.request), claims),
            self.observation,
            gives_up=self.op.gives_up,
        )

    async def _commit_twice(self, claims: tuple[UploadCommit, ...]) -> Any:
        """Commit from two devices at once; what one is told was written, the other is told too."""
        heard: list[Any] = []

        async def commit(after: float) -> None:
            await trio.sleep(after)
            heard.append(await self._ask_commit(claims))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(commit, 0.0)
            nursery.start_soon(commit, self.client.rng.random() * _APART)
        self.client.world.saw("an upload was committed twice at once")
        if any(isinstance(each, Unknown) for each in heard):
            return Unknown()
        return [self._agreed(*pair) for pair in zip(*heard, strict=True)]

    def _agreed(self, one: Any, other: Any) -> Any:
        """Return what was written; a name that is taken may be free again for the other."""
        if not isinstance(one, Written):
            one, other = other, one
        gone = isinstance(other, UploadNotFound | UploadClosed)
        if isinstance(one, Written) and (gone or (isinstance(other, Written) and other != one)):
            told = f"P1 {self.request} was told {one}, and on the other device {other}"
            self.client.world.found.append(told)
        return one

    async def _stop_short(self, opened: dict[int, UploadOpened]) -> None:
        index, upload = next(iter(opened.items()))
        await self._send(self.files[index], upload)
        for index, upload in opened.items():
            self.observation.answers[index] = Nothing()
            if self.op.ends == "abort":
                await self._abort(upload)

    async def _abort(self, upload: UploadOpened) -> None:
        reply = await self.client.ask(
            "files",
            lambda who: AbortUpload(self.client.caller(who, self.request), upload.upload_id),
        )
        if reply is not None:
            self.client.world.found.append(f"I19 {self.request} cannot be aborted: {reply}")

    # Bytes

    async def _send(self, file: File, upload: UploadOpened) -> UploadCommit:
        if upload.plan.kind == "single":
            await self._put(upload.transfers[0], file.content)
            return UploadCommit(upload.upload_id, file.hash)
        return UploadCommit(
            upload.upload_id, file.hash, None, tuple(await self._send_parts(file, upload))
        )

    async def _send_parts(self, file: File, upload: UploadOpened) -> list[CommittedPart]:
        parts = parts_of(file.content, upload.plan.part_size)
        hashes = [hash_of(part, len(part), 0) for part in parts]
        wanted = tuple(PartToSign(n, digest) for n, digest in enumerate(hashes, 1))
        steps = await self.client.ask(
            "files",
            lambda who: SignUploadParts(
                self.client.caller(who, self.request), upload.upload_id, wanted
            ),
        )
        if isinstance(steps, Refusal):
            return []  # closed, or completed by a commit whose answer was lost: the commit tells
        sent = []
        held = await self._held(upload)
        for step, part, digest in zip(steps, parts, hashes, strict=True):
            etag = held.get((step.part_number, digest)) or await self._put(step, part)
            sent.append(CommittedPart(step.part_number or 0, etag, digest))
        return [] if self.client.rng.random() < 0.3 else sent

    async def _held(self, upload: UploadOpened) -> dict[tuple[int | None, str | None], str]:
        """Ask which parts the store has, as a client that resumes does."""
        if not self.observation.interrupted:
            return {}
        state = await self.client.ask(
            "files",
            lambda who: DescribeUpload(self.client.caller(who, self.request), upload.upload_id),
        )
        self.client.world.saw("an upload was resumed")
        parts = state.parts if isinstance(state, UploadState) else ()
        return {(part.part_number, part.hash): part.etag for part in parts}

    async def _put(self, step: TransferStep, body: bytes) -> str:
        signed = Signed(step.method, step.url, step.headers, step.expires_at)
        wire = self.client.common.wire
        if self.op.damaged and not self.damaged:
            # A broken disk or a hostile client: as many bytes, but others. A store that keeps its
            # promises refuses them, and the client sends the right ones.
            self.damaged = True
            wrong = body[::-1]
            answer: Reply = await self.client.reach_store(lambda: wire.put(signed, wrong, body))
            if answer.accepted:
                self.client.world.saw("damaged bytes were taken")
                return answer.etag
            self.client.world.saw("damaged bytes were refused")
        answer = await self.client.reach_store(lambda: wire.put(signed, body, body))
        if answer.status not in (200, 404, 412):
            self.client.world.found.append(f"I1 {self.request} sent bytes: {answer.status}")
        return answer.etag


def _written(reply: Any, client: Client) -> Any:
    if not isinstance(reply, UploadUnneeded):
        return reply
    client.world.saw("committed without bytes")
    return reply.written


async def upload(client: Client, op: Op, request: str) -> None:
    """Upload one file or several in a batch."""
    knobs = client.world.plan.knobs
    files = []
    for item in op.items:
        content = content_of(item.tag)
        digest = hash_of(content, knobs.single_max, knobs.part)
        files.append(File(item, content, digest, _base(client, item)))
    steps = [
        Step(
            "upload",
            file.item.path,
            if_exists=file.item.if_exists,
            version=file.base,
            hash=file.hash,
            size=len(file.content),
        )
        for file in files
    ]
    await Upload(client, op, request, files, client.begin(request, steps)).run()


def _base(client: Client, item: Item) -> int | None:
    known = client.known.get(item.path)
    if not item.base or known is None:
        return None
    return known if item.base == "known" else max(0, known - 1)
