"""Transfers: what is left to send of an object, and where its bytes are to be had."""

from attrs import define

from bitvault.actors.storage import contract as c
from bitvault.actors.storage import rules
from bitvault.actors.storage.actor.ledger import Ledger
from bitvault.actors.storage.actor.proof import parts_received
from bitvault.actors.storage.actor.signing import Signer
from bitvault.actors.storage.store import Entry
from bitvault.drivers.objects.port import MultipartGone, ObjectStore
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Invalid, Refused
from supervisors import handles


@define(eq=False)
class Transfers:
    """Signed just in time, and described as the store has them."""

    objects: ObjectStore
    ledger: Ledger
    signer: Signer

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
        return tuple(
            self.signer.sign_part(entry, entry.multipart_id, part) for part in request.parts
        )

    @handles(c.ResignPut)
    async def resign_put(self, request: c.ResignPut) -> c.Transfer | c.ObjectUnknown | Invalid:
        """Sign the one PUT of an open object again."""
        entry = await self._find_open(request.tenant_id, request.upload_id)
        if entry.plan.part_count:
            return Invalid("uploadId", "is a multipart upload; sign its parts")
        return self.signer.sign_put(entry)

    @handles(c.DescribeObject)
    async def describe(self, request: c.DescribeObject) -> c.ObjectProgress | c.ObjectUnknown:
        """Ask the store what it has."""
        found = await self.ledger.find(request.tenant_id, [request.upload_id])
        entry = found.get(request.upload_id)
        if entry is None or entry.state not in {"open", "sealed"}:
            return c.ObjectUnknown()
        if entry.state == "sealed":
            return c.ObjectProgress(entry.plan, (), received=True)
        if entry.multipart_id is not None:
            try:
                parts = await self.objects.list_parts(entry.key, entry.multipart_id)
            except MultipartGone:
                parts = ()
            else:
                return c.ObjectProgress(entry.plan, parts_received(parts), received=False)
        received = await self.objects.head(entry.key) is not None
        return c.ObjectProgress(entry.plan, (), received=received)

    @handles(c.SignDownloads)
    async def sign_downloads(self, request: c.SignDownloads) -> tuple[c.Transfer, ...]:
        """Sign GETs; the asker has authorised each of them."""
        return tuple(self.signer.sign_get(draft) for draft in request.downloads)

    async def _find_open(self, tenant_id: TenantId, upload_id: UploadId) -> Entry:
        entry = (await self.ledger.find(tenant_id, [upload_id])).get(upload_id)
        if entry is None or entry.state != "open":
            raise Refused(c.ObjectUnknown())
        return entry
