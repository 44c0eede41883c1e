"""Uploads: init reserves and signs, commit proves and writes (DESIGN §4)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bitvault.actors.files.actor.desk import Desk
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
from bitvault.actors.files.store.closing import close_uploads
from bitvault.actors.files.store.committing import (
    Committed,
    Proven,
    commit_uploads,
    find_uploads,
    settled,
)
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.opening import Opened, open_uploads
from bitvault.actors.files.store.outcomes import OpenedUpload, forget, keep, repeated
from bitvault.actors.storage.contract import (
    DiscardObjects,
    ObjectDraft,
    ObjectOpened,
    ObjectVerified,
    OpenObjects,
    PartDone,
    Plan,
    Transfer,
    UploadClaim,
    VerifyObjects,
)
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from supervisors import handles


class Uploads(Desk):
    """Init and commit, in batches; one upload is a batch of one."""

    @handles(InitUploads)
    async def init(self, message: InitUploads) -> Any:
        """Reserve in one transaction, then have storage open and sign the objects."""
        check_batch(len(message.drafts))
        stamp = self._stamp(message.caller)
        opened = await self._write(message.caller, lambda tx: self._open(tx, stamp, message.drafts))
        return await self._signed(stamp, opened)

    async def _open(self, tx: Transaction, stamp: Stamp, drafts: Sequence[UploadDraft]) -> Opened:
        before = await repeated(tx, stamp.caller, stamp.now)
        if before is not None:
            ids = [one.upload_id for one in before if isinstance(one, OpenedUpload)]
            return Opened(before, await find_uploads(tx, stamp, ids))
        expires_at = stamp.now + self._options.upload_ttl
        append = self._appender(stamp.caller)
        opened = await open_uploads(tx, stamp, drafts, expires_at, self._ids, append)
        await keep(tx, stamp.caller, opened.outcomes)
        return opened

    async def _signed(self, stamp: Stamp, opened: Opened) -> tuple[Any, ...] | Unavailable:
        rows = opened.rows
        waiting = [row for row in rows.values() if row["state"] == "open"]
        if not rows:
            return tuple(opened.outcomes)
        answers = await self._ask(_open_request(stamp, waiting)) if waiting else ()
        if isinstance(answers, Unavailable):
            await self._give_up(stamp, list(rows))
            return answers
        by_id = {row["upload_id"]: one for row, one in zip(waiting, answers, strict=True)}
        failed = [one for one, answer in by_id.items() if isinstance(answer, Refusal)]
        if failed:
            await self._give_up(stamp, failed)
        return tuple(
            _outcome(rows[one.upload_id], by_id.get(one.upload_id))
            if isinstance(one, OpenedUpload)
            else one
            for one in opened.outcomes
        )

    async def _give_up(self, stamp: Stamp, ids: Sequence[UUID]) -> None:
        """Release reservations that storage could not open; a retry with the key starts anew."""

        async def work(tx: Transaction) -> None:
            await close_uploads(tx, stamp.tenant, ids, "aborted")
            await forget(tx, stamp.caller)

        await self._write(stamp.caller, work)

    @handles(CommitUploads)
    async def commit(self, message: CommitUploads) -> Any:
        """Verify outside any transaction, then write all that was proved in one."""
        check_batch(len(message.commits))
        stamp = self._stamp(message.caller)
        ids = [one.upload_id for one in message.commits]
        rows = await self._read(message.caller, lambda tx: find_uploads(tx, stamp, ids))
        answers = {one: settled(rows.get(one)) for one in ids}
        claims = _claims(message.commits, answers)
        if claims:
            proofs = await self._ask(VerifyObjects(stamp.caller.tenant_id, tuple(claims)))
            if isinstance(proofs, Unavailable):
                return proofs
            answers |= await self._commit(stamp, claims, proofs)
        return tuple(answers[one] for one in ids)

    async def _commit(
        self, stamp: Stamp, claims: Sequence[UploadClaim], proofs: Sequence[Any]
    ) -> dict[UploadId, Written | Refusal | None]:
        answers: dict[UploadId, Written | Refusal | None] = {}
        proven = []
        for claim, proof in zip(claims, proofs, strict=True):
            if isinstance(proof, ObjectVerified):
                proven.append(Proven(claim.upload_id, proof.key, proof.size, proof.hash))
            else:
                answers[claim.upload_id] = proof
        if proven:
            done = await self._write(
                stamp.caller,
                lambda tx: commit_uploads(
                    tx, stamp, proven, self._ids, self._appender(stamp.caller)
                ),
            )
            answers |= {UploadId(one): answer for one, answer in done.outcomes.items()}
            await self._discard(stamp.caller.tenant_id, done)
        return answers

    async def _discard(self, tenant_id: TenantId, done: Committed) -> None:
        """Drop objects whose content was there already; what fails here the finalizer finds."""
        if done.losers:
            losers = tuple(UploadId(one) for one in done.losers)
            await self._ask(DiscardObjects(tenant_id, losers))


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


def _claims(
    commits: Sequence[UploadCommit], answers: dict[UploadId, Written | Refusal | None]
) -> list[UploadClaim]:
    claims = {}
    for one in commits:
        if answers[one.upload_id] is not None or one.upload_id in claims:
            continue
        try:
            check_hash(one.hash)
        except Refused as refused:
            answers[one.upload_id] = refused.refusal
            continue
        parts = tuple(PartDone(part.part_number, part.etag, part.hash) for part in one.parts)
        claims[one.upload_id] = UploadClaim(one.upload_id, one.hash, one.etag, parts)
    return list(claims.values())
