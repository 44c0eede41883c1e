"""Tenants: one function per query."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from bitvault.actors.identity.contract import Tenant
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import TenantId

QUERIES = load_queries("bitvault.actors.identity.store", "tenants.sql")


async def tenant_by_key(tx: Transaction, name_key: str) -> TenantId | None:
    """Return the tenant of that name."""
    row = await tx.fetchrow(QUERIES["tenant_by_key"], name_key=name_key)
    return TenantId(row["tenant_id"]) if row else None


async def hold_tenant(tx: Transaction, tenant_id: TenantId) -> None:
    """Keep others who hold the tenant out until the end."""
    await tx.fetchrow(QUERIES["hold_tenant"], tenant_id=tenant_id)


async def insert_tenant(
    tx: Transaction, tenant_id: TenantId, name: str, key: str, now: datetime
) -> bool:
    """Create a tenant; False when the name is taken."""
    row = await tx.fetchrow(
        QUERIES["insert_tenant"], tenant_id=tenant_id, name=name, name_key=key, now=now
    )
    return row is not None


async def tenants_after(tx: Transaction, after: str, most: int) -> tuple[tuple[str, Tenant], ...]:
    """List tenants with their keys, by key; reads across them."""
    rows = await tx.fetch(QUERIES["tenants_after"], after=after, most=most)
    return tuple((row["name_key"], _tenant(row)) for row in rows)


async def find_tenant(tx: Transaction, tenant_id: TenantId) -> Tenant | None:
    """Find a tenant by its id."""
    row = await tx.fetchrow(QUERIES["tenant"], tenant_id=tenant_id)
    return _tenant(row) if row else None


async def tenants_found(
    tx: Transaction, tenant_ids: Sequence[UUID], name_keys: Sequence[str]
) -> tuple[Tenant, ...]:
    """Find tenants by id or key; reads across them."""
    rows = await tx.fetch(
        QUERIES["tenants_found"], tenant_ids=list(tenant_ids), name_keys=list(name_keys)
    )
    return tuple(map(_tenant, rows))


async def update_tenant(tx: Transaction, tenant: Tenant, now: datetime) -> None:
    """Write what may change of a tenant."""
    await tx.execute(
        QUERIES["update_tenant"],
        tenant_id=tenant.tenant_id,
        is_suspended=tenant.is_suspended,
        max_users=tenant.max_users,
        rate=tenant.rate,
        burst=tenant.burst,
        now=now,
    )


async def suspend(tx: Transaction, tenant_id: TenantId, now: datetime) -> None:
    """Let its users read, and change nothing."""
    await tx.execute(QUERIES["suspend"], tenant_id=tenant_id, now=now)


async def is_leaving(tx: Transaction, tenant_id: TenantId) -> bool:
    """Say whether operators let this tenant go; across tenants."""
    return await tx.fetchrow(QUERIES["leaving"], tenant_id=tenant_id) is not None


async def full_at(tx: Transaction, tenant_id: TenantId) -> int | None:
    """Return how many users the tenant may have, if it has as many; hold the tenant first."""
    row = await tx.fetchrow(QUERIES["room_for_user"], tenant_id=tenant_id)
    return row["max_users"] if row else None


def _tenant(row: Row) -> Tenant:
    return Tenant(
        TenantId(row["tenant_id"]),
        row["name"],
        row["created_at"],
        row["is_suspended"],
        row["max_users"],
        row["rate"],
        row["burst"],
    )
