"""Verifying: what is open is proved, what is proved is sealed."""

from collections.abc import Mapping, Sequence

from attrs import define

from bitvault.actors.storage import contract as c
from bitvault.actors.storage import rules
from bitvault.actors.storage.actor.asking import each, outcome
from bitvault.actors.storage.actor.ledger import Entries, Ledger
from bitvault.actors.storage.actor.options import StorageOptions
from bitvault.actors.storage.actor.proof import Listed, Prover
from bitvault.actors.storage.rules import check_batch
from bitvault.actors.storage.store import Entry, Seal
from bitvault.drivers.objects.port import ObjectStore
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Refusal
from supervisors import handles

_ENOUGH_FOR_LIST = 3
"""One LIST is cheaper than this many HEADs."""


@define(eq=False)
class Verification:
    """Answers from the ledger, so that a repeat answers the same."""

    objects: ObjectStore
    ledger: Ledger
    prover: Prover
    options: StorageOptions

    @handles(c.VerifyObjects)
    async def verify(self, request: c.VerifyObjects) -> tuple[c.ObjectVerified | Refusal, ...]:
        """Prove what is open, seal what is proved, answer from the ledger."""
        check_batch("claims", request.claims)
        ids = list(dict.fromkeys(claim.upload_id for claim in request.claims))
        entries = await self.ledger.find(request.tenant_id, ids)
        waiting = _open_claims(request.claims, entries)
        listed = await self._list_batch([entries[upload_id] for upload_id in waiting])
        proofs = await each(
            self.options.parallel,
            list(waiting),
            lambda one: self._prove(request.tenant_id, entries[one], waiting[one], listed),
        )
        outcomes = {claim: found for proof in proofs for claim, found in proof.items()}
        seals = [one for one in outcomes.values() if isinstance(one, Seal)]
        if seals:
            entries.update(await self.ledger.seal(request.tenant_id, seals))
        await self._drop_originals([entries[seal.upload_id] for seal in seals if seal.sealed_key])
        return tuple(_answer(claim, outcomes.get(claim), entries) for claim in request.claims)

    async def _prove(
        self,
        tenant_id: TenantId,
        entry: Entry,
        claims: Sequence[c.UploadClaim],
        listed: Mapping[str, Listed],
    ) -> dict[c.UploadClaim, Seal | Refusal]:
        """Prove the claims on one object in turn; once one holds, the ledger answers the others."""
        outcomes: dict[c.UploadClaim, Seal | Refusal] = {}
        for claim in claims:
            proof = self.prover.prove(tenant_id, entry, claim, listed.get(_prefix(entry)))
            proved = outcomes[claim] = await outcome(proof)
            if isinstance(proved, Seal):
                break
        return outcomes

    async def _list_batch(self, entries: Sequence[Entry]) -> Mapping[str, Listed]:
        """LIST the prefixes that stand for many single PUTs, where existence is the proof."""
        counts: dict[str, int] = {}
        for entry in entries:
            if not entry.plan.part_count and self.prover.existence_proves:
                counts[_prefix(entry)] = counts.get(_prefix(entry), 0) + 1
        listed: dict[str, Listed] = {}
        for prefix in [prefix for prefix, count in counts.items() if count >= _ENOUGH_FOR_LIST]:
            found = await self.objects.list_prefix(prefix, rules.MAX_BATCH)
            listed[prefix] = {info.key: info for info in found}
        return listed

    async def _drop_originals(self, entries: Sequence[Entry]) -> None:
        """Delete what was frozen elsewhere; should it fail, discarding deletes both keys."""
        await each(
            self.options.parallel, entries, lambda entry: outcome(self.objects.delete(entry.key))
        )


def _open_claims(
    claims: Sequence[c.UploadClaim], entries: Entries
) -> dict[UploadId, list[c.UploadClaim]]:
    """Group the distinct claims on open objects, in order."""
    waiting: dict[UploadId, list[c.UploadClaim]] = {}
    for claim in dict.fromkeys(claims):
        entry = entries.get(claim.upload_id)
        if entry is not None and entry.state == "open":
            waiting.setdefault(claim.upload_id, []).append(claim)
    return waiting


def _answer(
    claim: c.UploadClaim, outcome: Seal | Refusal | None, entries: Entries
) -> c.ObjectVerified | Refusal:
    """Answer what is proved from the ledger alone, so that a repeat answers the same."""
    if isinstance(outcome, Refusal):
        return outcome
    entry = entries.get(claim.upload_id)
    if entry is None or entry.state != "sealed" or entry.hash is None:
        return c.ObjectUnknown()
    if claim.hash != entry.hash:
        return c.BytesMismatch("hash")
    return c.ObjectVerified(entry.final_key, entry.size, entry.hash)


def _prefix(entry: Entry) -> str:
    return entry.key.rpartition("/")[0] + "/"
