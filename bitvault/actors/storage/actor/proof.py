"""Proving one claim against the store: what must be so before an object is sealed.

What proves the bytes depends on what the probe proved (ADR-0011). A store that enforces signed
length, signed checksum and write-once cannot hold other bytes under the key, so existence with the
right size is the proof. From any other store the bytes are copied to a key that was never presigned
and read there.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from bitvault.actors.storage.actor.ledger import Ledger
from bitvault.actors.storage.contract import (
    BytesMismatch,
    BytesMissing,
    PartReceived,
    UploadClaim,
)
from bitvault.actors.storage.rules import ContentHash, check_hash, check_parts, same_etag
from bitvault.actors.storage.store import Entry, Seal
from bitvault.drivers.objects.port import (
    MultipartGone,
    MultipartInvalid,
    ObjectInfo,
    ObjectStore,
    PartInfo,
)
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown, Refusal, Refused

Listed = Mapping[str, ObjectInfo]
"""What one LIST of a batch's prefix found, by key."""


@frozen
class Prover:
    """Asks the store; raises ``Refused`` with what does not hold."""

    objects: ObjectStore
    ledger: Ledger

    @property
    def existence_proves(self) -> bool:
        """Whether the store can hold no other bytes under a presigned key than those signed."""
        can = self.objects.capabilities
        return can.signed_length and can.signed_checksum and can.write_once

    async def prove(
        self, tenant_id: TenantId, entry: Entry, claim: UploadClaim, listed: Listed | None
    ) -> Seal:
        """Return the seal of an open entry whose bytes are as claimed."""
        wanted = check_hash(claim.hash, entry.plan)
        if not isinstance(wanted, ContentHash):
            raise Refused(wanted)
        if entry.hash not in {None, claim.hash}:
            raise Refused(BytesMismatch("hash"))
        if entry.plan.part_count:
            await self._prove_parts(entry, claim, wanted)
            return Seal(entry.upload_id, claim.hash)
        info = listed.get(entry.key) if listed is not None else await self.objects.head(entry.key)
        info = _matching(info, entry, wanted)
        if claim.etag is not None and not same_etag(claim.etag, info.etag):
            raise Refused(BytesMismatch("etag"))
        if self.existence_proves:
            return Seal(entry.upload_id, claim.hash)
        return Seal(entry.upload_id, claim.hash, await self._freeze(tenant_id, entry, info, wanted))

    async def _freeze(
        self, tenant_id: TenantId, entry: Entry, info: ObjectInfo, wanted: ContentHash
    ) -> str:
        """Copy to a key nobody can write to, and read what arrived there."""
        target = await self.ledger.add_scratch(tenant_id, entry.size)
        if not await self.objects.copy(entry.key, target, info.etag):
            raise Refused(BytesMismatch("etag"))
        if await self.objects.sha256_of(target, None) != wanted.digest:
            await self.objects.delete(target)
            raise Refused(BytesMismatch("hash"))
        return target

    async def _prove_parts(self, entry: Entry, claim: UploadClaim, wanted: ContentHash) -> None:
        """Complete with the store's own list of parts, then look at the outcome.

        After completion the upload id is dead, so no part URL can change the object any more.
        """
        if entry.multipart_id is None:
            raise Refused(_all_missing(entry))
        try:
            parts = await self.objects.list_parts(entry.key, entry.multipart_id)
        except MultipartGone:
            await self._prove_whole(entry, wanted, trusted=False)
            return
        received = parts_received(parts)
        if problem := check_parts(claim, entry.plan, entry.size, received):
            raise Refused(problem)
        await self._complete(entry, entry.multipart_id, parts)
        signed = self.objects.capabilities.part_checksum
        trusted = signed and all(part.sha256 is not None for part in parts)
        await self._prove_whole(entry, wanted, trusted=trusted)

    async def _complete(self, entry: Entry, multipart_id: str, parts: Sequence[PartInfo]) -> None:
        lost: DependencyDown | None = None
        try:
            await self.objects.complete_multipart(entry.key, multipart_id, parts)
        except MultipartInvalid as error:
            raise Refused(BytesMismatch("parts")) from error
        except MultipartGone:
            return  # somebody else completed it, or aborted: the object tells which
        except DependencyDown as down:
            lost = down
        if lost is not None and (not lost.unknown or await self.objects.head(entry.key) is None):
            raise lost

    async def _prove_whole(self, entry: Entry, wanted: ContentHash, *, trusted: bool) -> None:
        """Compare the completed object; ``trusted`` says that its parts were proved before."""
        info = await self.objects.head(entry.key)
        if info is None:
            raise Refused(_all_missing(entry))
        can = self.objects.capabilities
        vouched = info.sha256 is not None and can.composite_checksum and can.part_checksum
        if info.size != entry.size:
            raise Refused(BytesMismatch("size"))
        if vouched:
            holds = (info.sha256, info.parts) == (wanted.digest, wanted.parts)
        else:
            holds = trusted or await self._read(entry) == wanted.digest
        if not holds:
            raise Refused(BytesMismatch("hash"))

    async def _read(self, entry: Entry) -> bytes | None:
        return await self.objects.sha256_of(entry.key, entry.plan.part_size)


def parts_received(parts: Sequence[PartInfo]) -> tuple[PartReceived, ...]:
    """Render the store's parts as the contract does."""
    return tuple(
        PartReceived(
            part.number,
            part.size,
            part.etag,
            str(ContentHash(part.sha256)) if part.sha256 is not None else None,
        )
        for part in parts
    )


def _matching(info: ObjectInfo | None, entry: Entry, wanted: ContentHash) -> ObjectInfo:
    if info is None:
        raise Refused(BytesMissing())
    if info.size != entry.size:
        raise Refused(BytesMismatch("size"))
    if info.sha256 not in {None, wanted.digest}:
        raise Refused(BytesMismatch("hash"))
    return info


def _all_missing(entry: Entry) -> Refusal:
    return BytesMissing(tuple(range(1, min(entry.plan.part_count, 100) + 1)))
