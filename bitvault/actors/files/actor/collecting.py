"""What the finalizer asks for: bounded slices of work, each safe to lose and to repeat."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from attrs import define

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.contract import (
    CollectBlobs,
    ContinuePurges,
    EndUploads,
    ExpireUploads,
    ForgetFinished,
    Garbage,
    InspectGarbage,
    JudgeObjects,
    Verdict,
)
from bitvault.actors.files.rules.drafts import check_limit
from bitvault.actors.files.store.collecting import (
    SQL,
    backlog,
    by_tenant,
    condemn,
    drop_condemned,
    drop_keys,
    drop_uploads,
    end_uploads,
    expire,
    inspect,
    judge,
)
from bitvault.actors.files.store.purging import continue_purge, purging_tenants
from bitvault.actors.room import ask_below
from bitvault.actors.storage.contract import DiscardKeys, DiscardObjects
from bitvault.drivers.postgres.port import Database, Query, Row, Transaction
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.refusal import Refused, Unavailable
from supervisors import Ref, handles

_AT_ONCE = 1000


@define(eq=False)
class GarbageCollection:
    """Ends what its owners left unfinished, and lets go of what nothing refers to."""

    database: Database
    storage: Ref
    clock: Clock
    options: FilesOptions

    @handles(ExpireUploads)
    async def expire(self, message: ExpireUploads) -> int:
        """End uploads past their lifetime; an object that stays behind is found by its ledger."""
        check_limit(message.limit)
        now, ended = self.clock.now(), 0
        overdue = await self._oldest(SQL["overdue"], message.limit, now=now)
        for tenant_id, rows in overdue.items():
            closed = await self._expire(tenant_id, [row["upload_id"] for row in rows], now)
            if closed:
                upload_ids = tuple(UploadId(one) for one in closed)
                await ask_below(self.storage, DiscardObjects(tenant_id, upload_ids), "storage")
            ended += len(closed)
        return ended

    async def _expire(
        self, tenant_id: TenantId, upload_ids: Sequence[UUID], now: datetime
    ) -> list[UUID]:
        return await self.database.transact(
            tenant_id, lambda tx: expire(tx, tenant_id, upload_ids, now)
        )

    @handles(EndUploads)
    async def end(self, message: EndUploads) -> int:
        """End them in slices, each with what it reserved."""
        tenant_id, guest_id, ended = message.tenant_id, message.guest_id, 0

        async def work(tx: Transaction) -> list[UUID]:
            return await end_uploads(tx, tenant_id, guest_id, _AT_ONCE)

        while closed := await self.database.transact(tenant_id, work):
            upload_ids = tuple(UploadId(one) for one in closed)
            await ask_below(self.storage, DiscardObjects(tenant_id, upload_ids), "storage")
            ended += len(closed)
        return ended

    @handles(ContinuePurges)
    async def continue_purges(self, message: ContinuePurges) -> int:
        """Give every tenant with an unfinished purge its share of the slice."""
        check_limit(message.limit)
        now, removed = self.clock.now(), 0
        tenants = await self.database.read(None, lambda tx: purging_tenants(tx, message.limit))
        for tenant in tenants:
            share = max(1, message.limit // len(tenants))
            removed += await self._purge(TenantId(tenant), now, share)
        return removed

    async def _purge(self, tenant_id: TenantId, now: datetime, limit: int) -> int:
        return await self.database.transact(
            tenant_id, lambda tx: continue_purge(tx, tenant_id, now, limit)
        )

    @handles(CollectBlobs)
    async def collect(self, message: CollectBlobs) -> int:
        """Condemn, hand the keys to storage, forget them: each step picks up where one stopped."""
        check_limit(message.limit)
        now = self.clock.now()
        before = now - self.options.grace
        idle = await self._oldest(SQL["idle_blobs"], message.limit, before=before)
        for tenant_id, rows in idle.items():
            await self._condemn(tenant_id, [row["hash"] for row in rows], before, now)
        condemned = await self._oldest(SQL["condemned_keys"], message.limit)
        for tenant_id, rows in condemned.items():
            await self._hand_over(tenant_id, rows)
        return sum(map(len, condemned.values()))

    async def _condemn(
        self, tenant_id: TenantId, hashes: Sequence[str], before: datetime, now: datetime
    ) -> None:
        await self.database.transact(
            tenant_id, lambda tx: condemn(tx, tenant_id, hashes, before, now)
        )

    async def _hand_over(self, tenant_id: TenantId, rows: Sequence[Row]) -> None:
        keys = tuple(row["object_key"] for row in rows)
        taken = await ask_below(self.storage, DiscardKeys(tenant_id, keys), "storage")
        if isinstance(taken, Unavailable):
            raise Refused(taken)
        await self.database.transact(tenant_id, lambda tx: drop_condemned(tx, tenant_id, rows))

    @handles(JudgeObjects)
    async def judge(self, message: JudgeObjects) -> tuple[Verdict, ...]:
        """Say what objects are to this room."""
        tenant_id, objects = message.tenant_id, message.objects
        return await self.database.read(tenant_id, lambda tx: judge(tx, tenant_id, objects))

    @handles(ForgetFinished)
    async def forget_finished(self, message: ForgetFinished) -> int:
        """Drop answers kept for repeats: of uploads, and under Idempotency-Keys."""
        check_limit(message.limit)
        now, dropped = self.clock.now(), 0
        before = now - self.options.keep_results
        ended = await self._oldest(SQL["ended_uploads"], message.limit, before=before)
        for tenant_id, rows in ended.items():
            dropped += await self._drop_uploads(tenant_id, [row["upload_id"] for row in rows])
        expired = await self._oldest(SQL["expired_keys"], message.limit, now=now)
        for tenant_id, rows in expired.items():
            dropped += await self._drop_keys(tenant_id, rows, now)
        return dropped

    async def _drop_uploads(self, tenant_id: TenantId, upload_ids: Sequence[UUID]) -> int:
        return await self.database.transact(
            tenant_id, lambda tx: drop_uploads(tx, tenant_id, upload_ids)
        )

    async def _drop_keys(self, tenant_id: TenantId, rows: Sequence[Row], now: datetime) -> int:
        return await self.database.transact(
            tenant_id, lambda tx: drop_keys(tx, tenant_id, rows, now)
        )

    @handles(InspectGarbage)
    async def inspect(self, _: InspectGarbage) -> Garbage:
        """Say how old the oldest garbage is."""
        return await self.database.read(None, inspect)

    @handles(CountBacklog)
    async def count_backlog(self, _: CountBacklog) -> Mapping[str, Backlog]:
        """Count uploads, purges, contents and answers that are due."""
        now, options = self.clock.now(), self.options
        before = now - options.grace, now - options.keep_results
        return await self.database.read(None, lambda tx: backlog(tx, now, *before))

    async def _oldest(
        self, query: Query, limit: int, **parameters: datetime
    ) -> dict[TenantId, list[Row]]:
        rows = await self.database.read(None, lambda tx: tx.fetch(query, limit=limit, **parameters))
        return by_tenant(rows)
