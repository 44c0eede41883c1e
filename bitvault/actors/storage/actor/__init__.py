"""The storage room: one method for each request.

Error handling: the store or the database being down is ``Unavailable``, for one object of a batch
or for all; everything done so far can be repeated. The store is never called inside a transaction.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

import trio
from attrs import frozen

from bitvault.actors.storage import contract as c
from bitvault.actors.storage import rules
from bitvault.actors.storage.actor.garbage import Garbage, check_batch
from bitvault.actors.storage.actor.ledger import Entries, Ledger, Patience
from bitvault.actors.storage.actor.proof import Listed, Prover, parts_received
from bitvault.actors.storage.actor.removal import Remover
from bitvault.actors.storage.store import Entry, Seal
from bitvault.drivers.objects.port import MultipartGone, ObjectStore, Signed
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UploadId
from bitvault.kernel.refusal import DependencyDown, Invalid, Refusal, Refused, Unavailable
from bitvault.outbox import Outbox
from supervisors import handles

T = TypeVar("T")
R = TypeVar("R")
_ENOUGH_FOR_LIST = 3
"""One LIST is cheaper than this many HEADs."""


@frozen
class StorageOptions:
    """How long presigned requests live, in seconds; where single PUTs end, in bytes.

    The two sizes decide the form of a content hash, so no setting changes them; tests make them
    small.
    """

    put_ttl: float = 3600.0
    part_ttl: float = 900.0
    get_ttl: float = 300.0
    single_max: int = rules.SINGLE_MAX
    min_part: int = rules.MIN_PART
    parallel: int = 16
    """Requests to the store at a time, for one message."""
    upload_ttl: float = 7 * 86_400.0
    grace: float = 86_400.0
    """How long what nobody claims is kept; longer than any presigned request lives."""
    retry: float = 300.0
    """Between two tries to delete what the store did not."""

    @property
    def patience(self) -> Patience:
        """Return when the collector looks at what."""
        return Patience(
            unfinished=timedelta(seconds=self.upload_ttl),
            grace=timedelta(seconds=self.grace),
            retry=timedelta(seconds=self.retry),
        )


class Storage(Garbage):
    """Opens, signs, verifies and discards objects."""

    def __init__(
        self,
        *,
        database: Database,
        objects: ObjectStore,
        outbox: Outbox,
        clock: Clock,
        ids: Ids,
        options: StorageOptions,
    ) -> None:
        self._objects = objects
        self._options = options
        self._ledger = Ledger(database, outbox, clock, ids, options.patience)
        self._prover = Prover(objects, self._ledger)
        self._remover = Remover(objects, options.parallel)

    @handles(c.OpenObjects)
    async def open_objects(self, request: c.OpenObjects) -> tuple[c.ObjectOpened | Refusal, ...]:
        """Enter every sound draft in one statement, then sign."""
        check_batch("drafts", request.drafts)
        sizes = self._options.single_max, self._options.min_part
        checked = [rules.check_draft(draft, *sizes) for draft in request.drafts]
        keys = self._ledger.new_keys(len(checked))
        fresh = {
            draft.upload_id: Entry(draft.upload_id, key, draft.size, draft.hash, plan)
            for draft, plan, key in zip(request.drafts, checked, keys, strict=True)
            if isinstance(plan, c.Plan)
        }
        entries = await self._ledger.open(request.tenant_id, list(fresh.values())) if fresh else {}
        entries = await self._create_multiparts(request.tenant_id, entries)
        return tuple(
            plan if isinstance(plan, Invalid) else self._opened(draft, entries[draft.upload_id])
            for draft, plan in zip(request.drafts, checked, strict=True)
        )

    async def _create_multiparts(self, tenant_id: TenantId, entries: Entries) -> Entries:
        """Open the multipart uploads that no earlier try opened; abort those that lost a race."""
        bare = [
            entry
            for entry in entries.values()
            if entry.plan.part_count and entry.multipart_id is None and entry.state == "open"
        ]
        if not bare:
            return entries
        created = await self._each(
            bare, lambda entry: _outcome(self._objects.create_multipart(entry.key))
        )
        ours = {e.upload_id: m for e, m in zip(bare, created, strict=True) if isinstance(m, str)}
        after = await self._ledger.set_multiparts(tenant_id, ours)
        for upload_id, multipart_id in ours.items():
            entry = after.get(upload_id)
            if entry is not None and entry.multipart_id != multipart_id:
                await self._objects.abort_multipart(entry.key, multipart_id)
        return {**entries, **after}

    def _opened(self, draft: c.ObjectDraft, entry: Entry) -> c.ObjectOpened | Refusal:
        if entry.state != "open":
            return c.ObjectUnknown()
        if (entry.size, entry.hash) != (draft.size, draft.hash):
            return Invalid("uploadId", "belongs to an upload of other bytes")
        if not entry.plan.part_count:
            return c.ObjectOpened(entry.plan, (self._sign_put(entry),))
        if entry.multipart_id is None:
            return Unavailable("object store")
        return c.ObjectOpened(entry.plan, ())

    @handles(c.PlanObjects)
    async def plan_objects(self, request: c.PlanObjects) -> tuple[c.Plan, ...]:
        """Read the ledger once for all: ``single_max`` may have changed since an opening."""
        check_batch("objects", request.objects)
        entries = await self._ledger.find(
            request.tenant_id, [one.upload_id for one in request.objects]
        )
        return tuple(
            entries[one.upload_id].plan
            if one.upload_id in entries
            else rules.plan_for(one.size, self._options.single_max, self._options.min_part)
            for one in request.objects
        )

    @handles(c.SignParts)
    async def sign_parts(
        self, request: c.SignParts
    ) -> tuple[c.Transfer, ...] | c.ObjectUnknown | Invalid:
        """Sign parts just in time: their URLs expire, the upload does not."""
        entry = await self._find_open(request.tenant_id, request.upload_id)
        if entry.multipart_id is None:
            return Invalid("uploadId", "is not a multipart upload; PUT its one transfer")
        numbers = [part.part_number for part in request.parts]
        if problem := rules.check_part_numbers(numbers, entry.plan):
            return problem
        return tuple(self._sign_part(entry, entry.multipart_id, part) for part in request.parts)

    def _sign_part(self, entry: Entry, multipart_id: str, part: c.PartDraft) -> c.Transfer:
        digest = _part_digest(part)
        size = rules.size_of_part(entry.plan, entry.size, part.part_number)
        ttl = self._options.part_ttl
        number = part.part_number
        signed = self._objects.sign_part(entry.key, multipart_id, number, size, digest, ttl)
        return _transfer(signed, number)

    @handles(c.ResignPut)
    async def resign_put(self, request: c.ResignPut) -> c.Transfer | c.ObjectUnknown | Invalid:
        """Sign the one PUT of an open object again."""
        entry = await self._find_open(request.tenant_id, request.upload_id)
        if entry.plan.part_count:
            return Invalid("uploadId", "is a multipart upload; sign its parts")
        return self._sign_put(entry)

    @handles(c.DescribeObject)
    async def describe(self, request: c.DescribeObject) -> c.ObjectProgress | c.ObjectUnknown:
        """Ask the store what it has."""
        found = await self._ledger.find(request.tenant_id, [request.upload_id])
        entry = found.get(request.upload_id)
        if entry is None or entry.state not in {"open", "sealed"}:
            return c.ObjectUnknown()
        if entry.state == "sealed":
            return c.ObjectProgress(entry.plan, (), received=True)
        if entry.multipart_id is not None:
            try:
                parts = await self._objects.list_parts(entry.key, entry.multipart_id)
            except MultipartGone:
                parts = ()
            else:
                return c.ObjectProgress(entry.plan, parts_received(parts), received=False)
        received = await self._objects.head(entry.key) is not None
        return c.ObjectProgress(entry.plan, (), received=received)

    @handles(c.VerifyObjects)
    async def verify(self, request: c.VerifyObjects) -> tuple[c.ObjectVerified | Refusal, ...]:
        """Prove what is open, seal what is proved, answer from the ledger."""
        check_batch("claims", request.claims)
        ids = list(dict.fromkeys(claim.upload_id for claim in request.claims))
        entries = await self._ledger.find(request.tenant_id, ids)
        waiting = _open_claims(request.claims, entries)
        listed = await self._list_batch([entries[upload_id] for upload_id in waiting])
        proofs = await self._each(
            list(waiting),
            lambda one: self._prove(request.tenant_id, entries[one], waiting[one], listed),
        )
        outcomes = {claim: outcome for proof in proofs for claim, outcome in proof.items()}
        seals = [outcome for outcome in outcomes.values() if isinstance(outcome, Seal)]
        if seals:
            entries.update(await self._ledger.seal(request.tenant_id, seals))
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
            proof = self._prover.prove(tenant_id, entry, claim, listed.get(_prefix(entry)))
            outcome = outcomes[claim] = await _outcome(proof)
            if isinstance(outcome, Seal):
                break
        return outcomes

    async def _list_batch(self, entries: Sequence[Entry]) -> Mapping[str, Listed]:
        """LIST the prefixes that stand for many single PUTs, where existence is the proof."""
        counts: dict[str, int] = {}
        for entry in entries:
            if not entry.plan.part_count and self._prover.existence_proves:
                counts[_prefix(entry)] = counts.get(_prefix(entry), 0) + 1
        listed: dict[str, Listed] = {}
        for prefix in [prefix for prefix, count in counts.items() if count >= _ENOUGH_FOR_LIST]:
            found = await self._objects.list_prefix(prefix, rules.MAX_BATCH)
            listed[prefix] = {info.key: info for info in found}
        return listed

    async def _drop_originals(self, entries: Sequence[Entry]) -> None:
        """Delete what was frozen elsewhere; should it fail, discarding deletes both keys."""
        await self._each(entries, lambda entry: _outcome(self._objects.delete(entry.key)))

    @handles(c.SignDownloads)
    async def sign_downloads(self, request: c.SignDownloads) -> tuple[c.Transfer, ...]:
        """Sign GETs; the asker has authorised each of them."""
        return tuple(self._sign_get(draft) for draft in request.downloads)

    def _sign_get(self, draft: c.DownloadDraft) -> c.Transfer:
        kind, disposition = rules.present(draft.file_name, draft.content_type, inline=draft.inline)
        ttl = self._options.get_ttl
        return _transfer(self._objects.sign_get(draft.key, ttl, kind, disposition))

    def _sign_put(self, entry: Entry) -> c.Transfer:
        wanted = rules.parse_hash(entry.hash or "")
        digest = wanted.digest if wanted else None
        ttl = self._options.put_ttl
        return _transfer(self._objects.sign_put(entry.key, entry.size, digest, ttl))

    async def _find_open(self, tenant_id: TenantId, upload_id: UploadId) -> Entry:
        entry = (await self._ledger.find(tenant_id, [upload_id])).get(upload_id)
        if entry is None or entry.state != "open":
            raise Refused(c.ObjectUnknown())
        return entry

    async def _each(self, items: Sequence[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
        """Ask about each item, a few at a time."""
        outcomes: dict[int, R] = {}
        limit = trio.CapacityLimiter(self._options.parallel)

        async def one(index: int) -> None:
            async with limit:
                outcomes[index] = await ask(items[index])

        async with trio.open_nursery() as nursery:
            for index in range(len(items)):
                nursery.start_soon(one, index)
        return [outcomes[index] for index in range(len(items))]


async def _outcome(asked: Awaitable[R]) -> R | Refusal:
    """Return what the store said; a refusal, or the store being down, is an outcome too."""
    try:
        return await asked
    except Refused as refused:
        return refused.refusal
    except DependencyDown as down:
        return Unavailable(down.dependency)


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


def _part_digest(part: c.PartDraft) -> bytes | None:
    if part.hash is None:
        return None
    found = rules.parse_hash(part.hash)
    if found is None or found.parts:
        raise Refused(Invalid("hash", "of a part must be sha256:<64 lower-case hex digits>"))
    return found.digest


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


def _transfer(signed: Signed, part_number: int | None = None) -> c.Transfer:
    return c.Transfer(signed.method, signed.url, signed.headers, signed.expires_at, part_number)
