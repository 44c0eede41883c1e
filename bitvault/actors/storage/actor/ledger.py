"""The ledger's transactions; each is the whole of one step and is safe to repeat."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from bitvault.actors.storage import store
from bitvault.actors.storage.contract import BlobDiscarded, BlobSealed, DueObject
from bitvault.actors.storage.rules import plan_of_parts
from bitvault.actors.storage.store import Entry, Seal
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.backlog import Backlog
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId, UploadId
from bitvault.outbox import Outbox

Entries = dict[UploadId, Entry]
_SEALED, _DISCARDED = 1, 2
"""An object is sealed once and discarded once; these are its revisions."""
_ANY = ("open", "sealed", "garbage")


@frozen
class Patience:
    """How long the collector leaves an object alone."""

    unfinished: timedelta
    """An open one: longer than uploads live."""
    grace: timedelta
    """A sealed one nobody has claimed, and a deleted one a late request may write to again."""
    retry: timedelta
    """Garbage that could not be deleted."""


@frozen(eq=False)
class Ledger:
    """Reads and writes ``storage.object``, with the events in the same transaction."""

    database: Database
    outbox: Outbox
    clock: Clock
    ids: Ids
    patience: Patience

    def new_keys(self, count: int) -> list[str]:
        """Draw random keys below one random prefix, so that one LIST finds all of a batch."""
        group = self.ids.secret(12).hex()
        return [f"blobs/{group}/{self.ids.secret(16).hex()}" for _ in range(count)]

    async def find(self, tenant_id: TenantId, upload_ids: Sequence[UploadId]) -> Entries:
        """Return the entries there are; another tenant's are not among them."""

        async def work(tx: Transaction) -> Entries:
            return await store.find_objects(tx, tenant_id, upload_ids)

        return await self.database.read(tenant_id, work)

    async def leave(self, tenant_id: TenantId, limit: int) -> bool:
        """Look at what a leaving tenant has not finished; return whether it has anything."""
        now = self.clock.now()

        async def work(tx: Transaction) -> bool:
            await store.hasten(tx, tenant_id, now, limit)
            return await store.has_objects(tx, tenant_id)

        return await self.database.transact(tenant_id, work)

    async def open(self, tenant_id: TenantId, entries: Sequence[Entry]) -> Entries:
        """Insert what is new; return all as they stand."""
        now = self.clock.now()

        async def work(tx: Transaction) -> Entries:
            look_at = now + self.patience.unfinished
            return await store.open_objects(tx, tenant_id, entries, now, look_at)

        return await self.database.transact(tenant_id, work)

    async def set_multiparts(self, tenant_id: TenantId, ids: dict[UploadId, str]) -> Entries:
        """Name multipart uploads; the first one to do so wins."""

        async def work(tx: Transaction) -> Entries:
            return await store.set_multiparts(tx, tenant_id, ids)

        return await self.database.transact(tenant_id, work)

    async def add_scratch(self, tenant_id: TenantId, size: int) -> str:
        """Record the target of a copy before it is made, so that a crash leaves no orphan."""
        key, now = self.new_keys(1)[0], self.clock.now()
        scratch = Entry(UploadId(self.ids.uuid7()), key, size, None, plan_of_parts(0, 0))

        async def work(tx: Transaction) -> str:
            await store.add_scratch(tx, tenant_id, scratch, now, now + self.patience.grace)
            return key

        return await self.database.transact(tenant_id, work)

    async def seal(self, tenant_id: TenantId, seals: Sequence[Seal]) -> Entries:
        """Seal what is still open, with its events; return all as they stand afterwards."""
        ids = [seal.upload_id for seal in seals]
        now = self.clock.now()

        async def work(tx: Transaction) -> Entries:
            look_at = now + self.patience.grace
            sealed = after = await store.seal_objects(tx, tenant_id, seals, now, look_at)
            if len(sealed) < len(seals):
                after = await store.find_objects(tx, tenant_id, ids)
            events = [
                BlobSealed(entry.upload_id, _SEALED, entry.final_key, entry.size, seal.hash)
                for seal in seals
                if (entry := sealed.get(seal.upload_id))
            ]
            if events:
                await self.outbox.append(tx, tenant_id, events, None)
            return after

        return await self.database.transact(tenant_id, work)

    async def discard(
        self,
        tenant_id: TenantId,
        upload_ids: Sequence[UploadId],
        states: Sequence[str] = _ANY,
        look_at: datetime | None = None,
    ) -> Entries:
        """Mark what is in ``states`` as garbage, with events for what was not garbage before.

        It is due to be deleted at ``look_at``; None: its caller deletes it, and it is looked at
        should that fail.
        """
        now, later = self._retry()
        times = now, look_at or later

        async def work(tx: Transaction) -> Entries:
            found = await store.discard_objects(tx, tenant_id, upload_ids, states, times)
            fresh = [found[u] for u in sorted(found) if found[u].state != "garbage"]
            events = [BlobDiscarded(e.upload_id, _DISCARDED, e.final_key) for e in fresh]
            if events:
                await self.outbox.append(tx, tenant_id, events, None)
            return found

        return await self.database.transact(tenant_id, work)

    async def forget(self, tenant_id: TenantId, upload_ids: Sequence[UploadId]) -> None:
        """Record that the store was told to delete these."""
        look_at = self.clock.now() + self.patience.grace

        async def work(tx: Transaction) -> None:
            await store.forget_objects(tx, tenant_id, upload_ids, look_at)

        if upload_ids:
            await self.database.transact(tenant_id, work)

    async def sealed_under(self, tenant_id: TenantId, keys: Sequence[str]) -> Sequence[UploadId]:
        """Return the uploads whose sealed bytes are under these keys."""

        async def work(tx: Transaction) -> Sequence[UploadId]:
            return await store.ids_of_keys(tx, tenant_id, keys)

        return await self.database.read(tenant_id, work)

    async def due(self, limit: int) -> Sequence[DueObject]:
        """Return what is due of all tenants."""
        now = self.clock.now()

        async def work(tx: Transaction) -> Sequence[DueObject]:
            return await store.due_objects(tx, now, limit)

        return await self.database.read(None, work)

    async def settle(
        self, tenant_id: TenantId, kept: Sequence[UploadId], later: Sequence[UploadId]
    ) -> None:
        """Take some objects off the agenda, and put others further down."""
        look_at = self.clock.now() + self.patience.grace

        async def work(tx: Transaction) -> None:
            await store.keep_objects(tx, tenant_id, kept)
            await store.postpone_objects(tx, tenant_id, later, look_at)

        await self.database.transact(tenant_id, work)

    async def leaving(self, limit: int) -> Sequence[tuple[TenantId, UploadId]]:
        """Return what is due to be deleted, of all tenants."""
        now = self.clock.now()

        async def work(tx: Transaction) -> Sequence[tuple[TenantId, UploadId]]:
            return await store.leaving_objects(tx, now, limit)

        return await self.database.read(None, work)

    async def take_leaving(
        self, tenant_id: TenantId, upload_ids: Sequence[UploadId]
    ) -> Sequence[Entry]:
        """Return those still due to be deleted; none of them is due again for a while."""

        async def work(tx: Transaction) -> Sequence[Entry]:
            return await store.take_leaving(tx, tenant_id, upload_ids, self._retry())

        return await self.database.transact(tenant_id, work)

    async def drop(self, tenant_id: TenantId, upload_ids: Sequence[UploadId]) -> None:
        """End the rows of objects that are gone for good."""

        async def work(tx: Transaction) -> None:
            await store.drop_objects(tx, tenant_id, upload_ids)

        if upload_ids:
            await self.database.transact(tenant_id, work)

    async def oldest_garbage(self) -> datetime | None:
        """Return since when the oldest garbage has waited."""
        return await self.database.read(None, store.oldest_garbage)

    async def backlog(self) -> Mapping[str, Backlog]:
        """Count what is due."""
        now = self.clock.now()
        return await self.database.read(None, lambda tx: store.backlog(tx, now))

    def _retry(self) -> tuple[datetime, datetime]:
        now = self.clock.now()
        return now, now + self.patience.retry
