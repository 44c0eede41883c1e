"""Uploads: init reserves and signs, commit proves and writes (DESIGN §4)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from attrs import define

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    CommitUploads,
    InitUploads,
    TransferStep,
    UploadCommit,
    UploadDraft,
    UploadOpened,
    UploadPlan,
    UploadUnneeded,
    Written,
)
from bitvault.actors.files.rules.drafts import check_batch, check_hash
from bitvault.actors.files.store.closing import withdraw_uploads
from bitvault.actors.files.store.committing import (
    Committed,
    Proven,
    commit_uploads,
    find_uploads,
    settled,
)
from bitvault.actors.files.store.contents import Stamp, Tight
from bitvault.actors.files.store.opening import Opened, open_uploads
from bitvault.actors.files.store.outcomes import OpenedUpload, keep, repeated
from bitvault.actors.room import ask_below
from bitvault.actors.storage.contract import (
    DiscardObjects,
    ObjectDraft,
    ObjectOpened,
    ObjectUnknown,
    ObjectVerified,
    OpenObjects,
    PartDone,
    Plan,
    Transfer,
    UploadClaim,
    VerifyObjects,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UploadId
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from supervisors import Ref, handles


@define(eq=False)
class Uploads:
    """Init and commit, in batches; one upload is a batch of one."""

    transactions: FilesTransactions
    storage: Ref
    clock: Clock
    ids: Ids
    options: FilesOptions

    @handles(InitUploads)
    async def init(self, message: InitUploads) -> Any:
        """Reserve in one transaction, then have storage open and sign the objects."""
        check_batch(len(message.drafts))
        stamp = Stamp(message.caller, self.clock.now())
        try:
            opened = await self._opened(stamp, message.drafts, is_tight=False)
        except Tight:
            opened = await self._opened(stamp, message.drafts, is_tight=True)
        return await self._signed(stamp, opened)

    async def _opened(
        self, stamp: Stamp, drafts: Sequence[UploadDraft], *, is_tight: bool
    ) -> Opened:
        return await self.transactions.write(
            stamp.caller, lambda tx: self._open(tx, stamp, drafts, is_tight=is_tight)
        )

    async def _open(
        self, tx: Transaction, stamp: Stamp, drafts: Sequence[UploadDraft], *, is_tight: bool
    ) -> Opened:
        before = await repeated(tx, stamp.caller, stamp.now)
        if before is not None:
            ids = [one.upload_id for one in before if isinstance(one, OpenedUpload)]
            return Opened(before, await find_uploads(tx, stamp, ids), fresh=False)
        expires_at = self.options.lives_until(stamp.caller.principal, stamp.now, stamp.now)
        append = self.transactions.appender(stamp.caller)
        opened = await open_uploads(
            tx, stamp, drafts, expires_at, self.ids, append, is_tight=is_tight
        )
        await keep(tx, stamp.caller, opened.outcomes)
        return opened

    async def _signed(self, stamp: Stamp, opened: Opened) -> tuple[Any, ...] | Unavailable:
        rows = opened.rows
        waiting = [row for row in rows.values() if row["state"] == "open"]
        if not rows:
            return tuple(opened.outcomes)
        request = _open_request(stamp, waiting)
        answers = await ask_below(self.storage, request, "storage") if waiting else ()
        if isinstance(answers, Unavailable):
            await self._give_up(stamp, opened, {row["upload_id"]: answers for row in waiting})
            return answers
        by_id = {row["upload_id"]: one for row, one in zip(waiting, answers, strict=True)}
        failed = {one: answer for one, answer in by_id.items() if isinstance(answer, Refusal)}
        if failed:
            await self._give_up(stamp, opened, failed)
        return tuple(
            _outcome(rows[one.upload_id], by_id.get(one.upload_id))
            if isinstance(one, OpenedUpload)
            else one
            for one in opened.outcomes
        )

    async def _give_up(self, stamp: Stamp, opened: Opened, failed: Mapping[UUID, Refusal]) -> None:
        """Forget what storage did not open, unless a repeat with the key will ask it again.

        A repeat takes nothing back: the caller knows of its uploads. The key stays in any case:
        what the same batch committed without bytes happened once.
        """
        keyed = stamp.caller.idempotency is not None
        over = {one: no for one, no in failed.items() if not (keyed and no.retryable)}
        outcomes = [
            over[one.upload_id] if isinstance(one, OpenedUpload) and one.upload_id in over else one
            for one in opened.outcomes
        ]

        async def work(tx: Transaction) -> None:
            await withdraw_uploads(tx, stamp.tenant, list(over))
            await keep(tx, stamp.caller, outcomes)

        if over and opened.fresh:
            await self.transactions.write(stamp.caller, work)

    @handles(CommitUploads)
    async def commit(self, message: CommitUploads) -> Any:
        """Verify outside any transaction, then write all that was proved in one."""
        check_batch(len(message.commits))
        stamp = Stamp(message.caller, self.clock.now())
        rows = await self._sessions(stamp, message.commits)
        answers = [_known(one, rows.get(one.upload_id)) for one in message.commits]
        waiting = [
            one for one, answer in zip(message.commits, answers, strict=True) if answer is None
        ]
        if waiting:
            done = await self._commit(stamp, waiting)
            if isinstance(done, Unavailable):
                return done
            rest = iter(done)
            answers = [next(rest) if answer is None else answer for answer in answers]
        return tuple(answers)

    async def _commit(
        self, stamp: Stamp, commits: Sequence[UploadCommit]
    ) -> list[Written | Refusal] | Unavailable:
        claims = tuple(_claim(one) for one in commits)
        verify = VerifyObjects(stamp.caller.tenant_id, claims)
        proofs = await ask_below(self.storage, verify, "storage")
        if isinstance(proofs, Unavailable):
            return proofs
        proven = [
            Proven(one.upload_id, proof.key, proof.size, proof.hash, one.if_exists)
            for one, proof in zip(commits, proofs, strict=True)
            if isinstance(proof, ObjectVerified)
        ]
        written = iter(await self._write_proven(stamp, proven))
        answers = [next(written) if isinstance(one, ObjectVerified) else one for one in proofs]
        if any(isinstance(one, ObjectUnknown) for one in answers):
            return await self._overtaken(stamp, commits, answers)
        return answers

    async def _write_proven(
        self, stamp: Stamp, proven: Sequence[Proven]
    ) -> Sequence[Written | Refusal]:
        if not proven:
            return ()
        append = self.transactions.appender(stamp.caller)
        done = await self.transactions.write(
            stamp.caller, lambda tx: commit_uploads(tx, stamp, proven, self.ids, append)
        )
        await self._discard(stamp.caller.tenant_id, done)
        return done.outcomes

    async def _overtaken(
        self, stamp: Stamp, commits: Sequence[UploadCommit], answers: Sequence[Written | Refusal]
    ) -> list[Written | Refusal]:
        """Look again for uploads that storage has no open object of.

        A commit of the same upload may have finished since we looked, with content that was there
        already: then its object is gone, and its answer is ours too.
        """
        rows = await self._sessions(stamp, commits)
        return [
            (_known(one, rows.get(one.upload_id)) or answer)
            if isinstance(answer, ObjectUnknown)
            else answer
            for one, answer in zip(commits, answers, strict=True)
        ]

    async def _sessions(self, stamp: Stamp, commits: Sequence[UploadCommit]) -> dict[UUID, Row]:
        ids = [one.upload_id for one in commits]
        return await self.transactions.read(stamp.caller, lambda tx: find_uploads(tx, stamp, ids))

    async def _discard(self, tenant_id: TenantId, done: Committed) -> None:
        """Drop objects whose content was there already; what fails here the finalizer finds."""
        if done.losers:
            losers = tuple(UploadId(one) for one in done.losers)
            await ask_below(self.storage, DiscardObjects(tenant_id, losers), "storage")


def _open_request(stamp: Stamp, rows: Sequence[Row]) -> OpenObjects:
    drafts = tuple(ObjectDraft(row["upload_id"], row["size"], row["hash"]) for row in rows)
    return OpenObjects(stamp.caller.tenant_id, drafts)


def _outcome(row: Row, answer: ObjectOpened | Refusal | None) -> UploadOpened | Any:
    if answer is None:
        done = settled(row)
        return UploadUnneeded(done) if isinstance(done, Written) else done
    if isinstance(answer, Refusal):
        return answer
    return UploadOpened(
        row["upload_id"],
        plan_of(answer.plan),
        tuple(step_of(one) for one in answer.transfers),
        row["expires_at"],
    )


def plan_of(plan: Plan) -> UploadPlan:
    """Say the plan in this room's words."""
    return UploadPlan(plan.kind, plan.part_size, plan.part_count)


def step_of(transfer: Transfer) -> TransferStep:
    """Say a transfer in this room's words."""
    return TransferStep(
        transfer.method, transfer.url, transfer.headers, transfer.expires_at, transfer.part_number
    )


def _known(one: UploadCommit, row: Row | None) -> Written | Refusal | None:
    """Return the answer that needs no proof: the hash has no form, or the upload is over."""
    try:
        check_hash(one.hash)
    except Refused as refused:
        return refused.refusal
    return settled(row, one.hash)


def _claim(one: UploadCommit) -> UploadClaim:
    parts = tuple(PartDone(part.part_number, part.etag, part.hash) for part in one.parts)
    return UploadClaim(one.upload_id, one.hash, one.etag, parts)
