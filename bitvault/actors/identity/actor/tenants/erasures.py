"""Tenants that leave for good. What is written about it is the operators', so that it stays."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.tenants.trail import OperatorTrail, known_tenant
from bitvault.actors.identity.contract import (
    BeginExport,
    DueErasures,
    Erasure,
    ErasureBegun,
    ErasureNotFound,
    FinishErasure,
    ListErasures,
    RevokeErasure,
    ScheduleErasure,
    Tenant,
    TenantErased,
    TenantErasing,
    TenantErasureRevoked,
    TenantErasureScheduled,
    TenantExported,
    TenantNotSuspended,
)
from bitvault.actors.identity.store import erasures as store
from bitvault.actors.identity.store import tenants
from bitvault.actors.room import erase_schema, export_slice
from bitvault.drivers.postgres.port import Database, Transaction, load_queries
from bitvault.kernel.clock import Clock
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, operator_of
from bitvault.kernel.refusal import Forbidden, Invalid, Refused
from bitvault.outbox import Outbox
from supervisors import handles

_EXPORT = load_queries("bitvault.actors.identity.store", "export.sql")
_KEYS: Mapping[str, Mapping[str, Any]] = {
    "user": {"user_id": UUID(int=0)},
    "group": {"group_id": UUID(int=0)},
    "membership": {"group_id": UUID(int=0), "user_id": UUID(int=0)},
}


@define(eq=False)
class Erasures:
    """Suspended, then closed, then erased: two tenants' rows, so each step can be repeated."""

    database: Database
    outbox: Outbox
    clock: Clock
    principals: Principals
    trail: OperatorTrail

    @handles(ScheduleErasure)
    async def schedule_erasure(self, request: ScheduleErasure) -> Erasure:
        """Suspend the tenant, then write down when it is to be erased."""
        caller, tenant_id = operator_of(request.caller), request.tenant_id
        now = self.clock.now()
        erase_at = now + timedelta(seconds=rules.checked_delay(request.after))
        known = await self._known(tenant_id)
        keeper = known.keeper_id if known else caller.tenant_id
        name = await self._suspend(caller, tenant_id, request.name)
        wanted = Erasure(tenant_id, name, "scheduled", now, erase_at)

        async def work(tx: Transaction) -> None:
            if not await store.put_erasure(tx, caller, wanted, keeper):
                raise Refused(ErasureBegun())
            event = TenantErasureScheduled(tenant_id, 0, name, erase_at)
            await self.trail.append(tx, keeper, caller, event)

        await self.database.transact(keeper, work)
        return wanted

    async def _suspend(self, caller: Caller, tenant_id: TenantId, name: str) -> str:
        """Suspend it, and tell its own trail; return its name."""
        now = self.clock.now()

        async def work(tx: Transaction) -> str:
            await tenants.hold_tenant(tx, tenant_id)
            tenant = await known_tenant(tx, tenant_id)
            if rules.name_key(name) != rules.name_key(tenant.name):
                raise Refused(
                    Invalid("name", "must be the name of the tenant that is to be erased")
                )
            if await store.keeps_platform(tx, tenant_id):
                raise Refused(Forbidden("erase a tenant that the platform is operated from"))
            await tenants.suspend(tx, tenant_id, now)
            await self.trail.append(tx, tenant_id, caller, TenantErasing(tenant_id, 0))
            return tenant.name

        suspended = await self.database.transact(tenant_id, work)
        self.principals.forget_tenant(tenant_id)
        return suspended

    @handles(RevokeErasure)
    async def revoke_erasure(self, request: RevokeErasure) -> None:
        """Let the tenant stay."""
        caller, tenant_id = operator_of(request.caller), request.tenant_id
        known = await self._known(tenant_id)
        if known is None:
            raise Refused(ErasureNotFound(str(tenant_id)))

        async def work(tx: Transaction) -> None:
            if not await store.revoke_erasure(tx, known.keeper_id, tenant_id):
                raise Refused(ErasureBegun())
            event = TenantErasureRevoked(tenant_id, 0, known.erasure.name)
            await self.trail.append(tx, known.keeper_id, caller, event)

        await self.database.transact(known.keeper_id, work)

    @handles(ListErasures)
    async def list_erasures(self, request: ListErasures) -> tuple[Erasure, ...]:
        """List who leaves and who has left."""
        operator_of(request.caller)

        async def work(tx: Transaction) -> tuple[store.Kept, ...]:
            return await store.erasures(tx, request.tenant_id)

        return tuple(kept.erasure for kept in await self.database.read(None, work))

    @handles(DueErasures)
    async def due_erasures(self, _: DueErasures) -> tuple[TenantId, ...]:
        """Close whose time has come; a crash in between is made good by the next look."""
        now = self.clock.now()

        async def look(tx: Transaction) -> tuple[store.Kept, ...]:
            return await store.due_erasures(tx, now)

        begun = [kept for kept in await self.database.read(None, look) if await self._begin(kept)]
        return tuple(kept.erasure.tenant_id for kept in begun)

    async def _begin(self, kept: store.Kept) -> bool:
        now, tenant_id = self.clock.now(), kept.erasure.tenant_id

        async def begin(tx: Transaction) -> bool:
            return await store.begin_erasure(tx, kept, now)

        async def close(tx: Transaction) -> None:
            await store.close_tenant(tx, tenant_id, now)

        waits = kept.erasure.state == "scheduled"
        if waits and not await self.database.transact(kept.keeper_id, begin):
            return False  # revoked a moment ago, or another daemon was first
        await self.database.transact(tenant_id, close)
        self.principals.forget_tenant(tenant_id)
        return True

    @handles(EraseTenant)
    async def erase_tenant(self, request: EraseTenant) -> Erased:
        """Delete users, groups, credentials and all the rest; the tenant itself is the last row."""
        return await erase_schema(self.database, "identity", request)

    @handles(BeginExport)
    async def begin_export(self, request: BeginExport) -> None:
        """Let a suspended tenant be taken along; it is told so, whatever page is asked for."""
        caller, tenant_id = operator_of(request.caller), request.tenant_id
        now = self.clock.now()

        noted = caller, tenant_id, now, rules.EXPORT_NOTED_FOR

        async def look(tx: Transaction) -> tuple[Tenant, bool]:
            return await known_tenant(tx, tenant_id), await store.is_export_noted(tx, *noted)

        tenant, is_noted = await self.database.read(None, look)
        if tenant.is_suspended and not is_noted:
            await self.trail.record(caller, tenant, "export")

        async def work(tx: Transaction) -> None:
            if not (await known_tenant(tx, tenant_id)).is_suspended:
                raise Refused(TenantNotSuspended())
            if await store.note_export(tx, *noted):
                await self.trail.append(tx, tenant_id, caller, TenantExported(tenant_id, 0))

        await self.database.transact(tenant_id, work)

    @handles(ExportRecords)
    async def export_records(self, request: ExportRecords) -> Exported:
        """Tell users, groups or memberships, without any secret."""
        kind = request.kind
        return await export_slice(self.database, _EXPORT[kind], _KEYS[kind], request)

    @handles(FinishErasure)
    async def finish_erasure(self, request: FinishErasure) -> None:
        """Record the end, once, in the trail of the operators."""
        now = self.clock.now()

        async def find(tx: Transaction) -> tuple[store.Kept, ...]:
            return await store.erasures(tx, request.tenant_id)

        # Two operators of different tenants may have asked at the same moment.
        for kept in await self.database.read(None, find):
            await self._finish(kept, now)

    async def _finish(self, kept: store.Kept, now: datetime) -> None:
        async def work(tx: Transaction) -> None:
            if await store.finish_erasure(tx, kept, now):
                event = TenantErased(kept.erasure.tenant_id, 0, kept.erasure.name)
                await self.outbox.append(tx, kept.keeper_id, [event], None)

        await self.database.transact(kept.keeper_id, work)

    async def _known(self, tenant_id: TenantId) -> store.Kept | None:
        async def find(tx: Transaction) -> tuple[store.Kept, ...]:
            return await store.erasures(tx, tenant_id)

        return next(iter(await self.database.read(None, find)), None)
