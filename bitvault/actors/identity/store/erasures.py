"""Tenants that leave: one function per query."""

from datetime import datetime, timedelta

from attrs import frozen

from bitvault.actors.identity.contract import Erasure
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.backlog import Backlog
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller

QUERIES = load_queries("bitvault.actors.identity.store", "erasures.sql")


@frozen
class Kept:
    """An erasure, and the operators' tenant that its record is in."""

    keeper_id: TenantId
    erasure: Erasure


async def put_erasure(tx: Transaction, caller: Caller, erasure: Erasure, keeper: TenantId) -> bool:
    """Schedule an erasure, or put it off or forward; False: it has begun."""
    row = await tx.fetchrow(
        QUERIES["put_erasure"],
        tenant_id=keeper,
        erased_id=erasure.tenant_id,
        name=erasure.name,
        asked_by=caller.principal.user_id,
        now=erasure.asked_at,
        erase_at=erasure.erase_at,
    )
    return row is not None


async def revoke_erasure(tx: Transaction, keeper: TenantId, erased_id: TenantId) -> bool:
    """Forget an erasure; False: it has begun."""
    row = await tx.fetchrow(QUERIES["revoke_erasure"], tenant_id=keeper, erased_id=erased_id)
    return row is not None


async def erasures(tx: Transaction, erased_id: TenantId | None = None) -> tuple[Kept, ...]:
    """List erasures, the latest first; across tenants."""
    rows = await tx.fetch(QUERIES["erasures"], erased_id=erased_id)
    return tuple(map(_kept, rows))


async def due_erasures(tx: Transaction, now: datetime) -> tuple[Kept, ...]:
    """List those whose time has come; across tenants."""
    return tuple(map(_kept, await tx.fetch(QUERIES["due_erasures"], now=now)))


async def backlog(tx: Transaction, now: datetime) -> Backlog:
    """Count those whose time has come, and who are not all gone; across tenants."""
    row = await tx.fetchrow(QUERIES["backlog"], now=now)
    return Backlog(row["waiting"], row["since"]) if row else Backlog(0)


async def begin_erasure(tx: Transaction, kept: Kept, now: datetime) -> bool:
    """From here on it cannot be revoked; False: it was, or has begun."""
    place = {"tenant_id": kept.keeper_id, "erased_id": kept.erasure.tenant_id}
    return await tx.fetchrow(QUERIES["begin_erasure"], **place, now=now) is not None


async def finish_erasure(tx: Transaction, kept: Kept, now: datetime) -> bool:
    """Record the end; False: it is recorded."""
    place = {"tenant_id": kept.keeper_id, "erased_id": kept.erasure.tenant_id}
    return await tx.fetchrow(QUERIES["finish_erasure"], **place, now=now) is not None


async def is_export_noted(
    tx: Transaction, caller: Caller, tenant_id: TenantId, now: datetime, noted_for: timedelta
) -> bool:
    """Say whether it was noted less than ``noted_for`` ago that an operator exports a tenant."""
    place = {"tenant_id": tenant_id, "operator_id": caller.principal.user_id}
    row = await tx.fetchrow(QUERIES["is_export_noted"], **place, since=now - noted_for)
    return row is not None


async def note_export(
    tx: Transaction, caller: Caller, tenant_id: TenantId, now: datetime, noted_for: timedelta
) -> bool:
    """Note that an operator exports a tenant; False: it was noted less than ``noted_for`` ago."""
    row = await tx.fetchrow(
        QUERIES["note_export"],
        tenant_id=tenant_id,
        operator_id=caller.principal.user_id,
        now=now,
        since=now - noted_for,
    )
    return row is not None


async def close_tenant(tx: Transaction, tenant_id: TenantId, now: datetime) -> None:
    """Let nobody in any more."""
    await tx.execute(QUERIES["close_tenant"], tenant_id=tenant_id, now=now)


async def keeps_platform(tx: Transaction, tenant_id: TenantId) -> bool:
    """Say whether the platform is operated from this tenant."""
    row = await tx.fetchrow(QUERIES["keeps_platform"], tenant_id=tenant_id)
    return bool(row and row["it_does"])


def _kept(row: Row) -> Kept:
    return Kept(
        TenantId(row["keeper_id"]),
        Erasure(
            TenantId(row["erased_id"]),
            row["name"],
            row["state"],
            row["asked_at"],
            row["erase_at"],
            row["erased_at"],
        ),
    )
