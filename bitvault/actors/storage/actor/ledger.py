"""The ledger's transactions; each is the whole of one step and is safe to repeat."""

from collections.abc import Sequence

from attrs import frozen

from bitvault.actors.storage import store
from bitvault.actors.storage.contract import BlobDiscarded, BlobSealed
from bitvault.actors.storage.store import Entry, Seal
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UploadId
from bitvault.outbox import Outbox

Entries = dict[UploadId, Entry]
_SEALED, _DISCARDED = 1, 2
"""An object is sealed once and discarded once; these are its revisions."""


@frozen(eq=False)
class Ledger:
    """Reads and writes ``storage.object``, with the events in the same transaction."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids

    def new_keys(self, count: int) -> list[str]:
        """Draw random keys below one random prefix, so that one LIST finds all of a batch."""
        group = self.ids.secret(12).hex()
        return [f"blobs/{group}/{self.ids.secret(16).hex()}" for _ in range(count)]

    async def find(self, tenant_id: TenantId, upload_ids: Sequence[UploadId]) -> Entries:
        """Return the entries there are; another tenant's are not among them."""

        async def work(tx: Transaction) -> Entries:
            return await store.find_objects(tx, tenant_id, upload_ids)

        return await self.database.read(tenant_id, work)

    async def open(self, tenant_id: TenantId, entries: Sequence[Entry]) -> Entries:
        """Insert what is new; return all as they stand."""

        async def work(tx: Transaction) -> Entries:
            return await store.open_objects(tx, tenant_id, entries, self.clock.now())

        return await self.database.transact(tenant_id, work)

    async def set_multiparts(self, tenant_id: TenantId, ids: dict[UploadId, str]) -> Entries:
        """Name multipart uploads; the first one to do so wins."""

        async def work(tx: Transaction) -> Entries:
            return await store.set_multiparts(tx, tenant_id, ids)

        return await self.database.transact(tenant_id, work)

    async def add_scratch(self, tenant_id: TenantId, size: int) -> str:
        """Record the target of a copy before it is made, so that a crash leaves no orphan."""
        key = self.new_keys(1)[0]
        scratch = UploadId(self.ids.uuid7())

        async def work(tx: Transaction) -> str:
            await store.add_scratch(tx, tenant_id, scratch, key, size, self.clock.now())
            return key

        return await self.database.transact(tenant_id, work)

    async def seal(self, tenant_id: TenantId, proved: Sequence[tuple[Entry, Seal]]) -> Entries:
        """Seal what is still open, with its events; return all as they stand afterwards."""
        seals = [seal for _, seal in proved]
        entries = {entry.upload_id: entry for entry, _ in proved}

        async def work(tx: Transaction) -> Entries:
            sealed = await store.seal_objects(tx, tenant_id, seals, self.clock.now())
            after = await store.find_objects(tx, tenant_id, list(entries))
            events = [
                BlobSealed(seal.upload_id, _SEALED, seal.sealed_key or key, size, seal.hash)
                for seal in seals
                if seal.upload_id in sealed
                for key, size in [(entries[seal.upload_id].key, entries[seal.upload_id].size)]
            ]
            if events:
                await self.outbox.append(tx, tenant_id, events, None)
            return after

        return await self.database.transact(tenant_id, work)

    async def discard(self, tenant_id: TenantId, upload_ids: Sequence[UploadId]) -> Entries:
        """Mark as garbage, with events for what was not garbage before."""

        async def work(tx: Transaction) -> Entries:
            found = await store.discard_objects(tx, tenant_id, upload_ids, self.clock.now())
            fresh = [found[u] for u in sorted(found) if found[u].state != "garbage"]
            events = [BlobDiscarded(e.upload_id, _DISCARDED, e.final_key) for e in fresh]
            if events:
                await self.outbox.append(tx, tenant_id, events, None)
            return found

        return await self.database.transact(tenant_id, work)

    async def forget(self, tenant_id: TenantId, upload_ids: Sequence[UploadId]) -> None:
        """Record that the store has nothing left of these."""

        async def work(tx: Transaction) -> None:
            await store.forget_objects(tx, tenant_id, upload_ids)

        await self.database.transact(tenant_id, work)
