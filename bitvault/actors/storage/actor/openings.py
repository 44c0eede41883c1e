"""Opening objects: entered in the ledger, then signed."""

from attrs import define

from bitvault.actors.storage import contract as c
from bitvault.actors.storage import rules
from bitvault.actors.storage.actor.asking import each, outcome
from bitvault.actors.storage.actor.ledger import Entries, Ledger
from bitvault.actors.storage.actor.options import StorageOptions
from bitvault.actors.storage.actor.signing import Signer
from bitvault.actors.storage.rules import check_batch
from bitvault.actors.storage.store import Entry
from bitvault.drivers.objects.port import ObjectStore
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import Invalid, Refusal, Unavailable
from supervisors import handles


@define(eq=False)
class Openings:
    """What an upload begins with."""

    objects: ObjectStore
    ledger: Ledger
    signer: Signer
    options: StorageOptions

    @handles(c.OpenObjects)
    async def open_objects(self, request: c.OpenObjects) -> tuple[c.ObjectOpened | Refusal, ...]:
        """Enter every sound draft in one statement, then sign."""
        check_batch("drafts", request.drafts)
        sizes = self.options.single_max, self.options.min_part
        checked = [rules.check_draft(draft, *sizes) for draft in request.drafts]
        keys = self.ledger.new_keys(len(checked))
        fresh = {
            draft.upload_id: Entry(draft.upload_id, key, draft.size, draft.hash, plan)
            for draft, plan, key in zip(request.drafts, checked, keys, strict=True)
            if isinstance(plan, c.Plan)
        }
        entries = await self.ledger.open(request.tenant_id, list(fresh.values())) if fresh else {}
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
        created = await each(
            self.options.parallel,
            bare,
            lambda entry: outcome(self.objects.create_multipart(entry.key)),
        )
        ours = {e.upload_id: m for e, m in zip(bare, created, strict=True) if isinstance(m, str)}
        after = await self.ledger.set_multiparts(tenant_id, ours)
        for upload_id, multipart_id in ours.items():
            entry = after.get(upload_id)
            if entry is not None and entry.multipart_id != multipart_id:
                await self.objects.abort_multipart(entry.key, multipart_id)
        return {**entries, **after}

    def _opened(self, draft: c.ObjectDraft, entry: Entry) -> c.ObjectOpened | Refusal:
        if entry.state != "open":
            return c.ObjectUnknown()
        if (entry.size, entry.hash) != (draft.size, draft.hash):
            return Invalid("uploadId", "belongs to an upload of other bytes")
        if not entry.plan.part_count:
            return c.ObjectOpened(entry.plan, (self.signer.sign_put(entry),))
        if entry.multipart_id is None:
            return Unavailable("object store")
        return c.ObjectOpened(entry.plan, ())

    @handles(c.PlanObjects)
    async def plan_objects(self, request: c.PlanObjects) -> tuple[c.Plan, ...]:
        """Read the ledger once for all: ``single_max`` may have changed since an opening."""
        check_batch("objects", request.objects)
        entries = await self.ledger.find(
            request.tenant_id, [one.upload_id for one in request.objects]
        )
        return tuple(
            entries[one.upload_id].plan
            if one.upload_id in entries
            else rules.plan_for(one.size, self.options.single_max, self.options.min_part)
            for one in request.objects
        )
