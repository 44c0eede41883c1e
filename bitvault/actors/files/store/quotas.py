"""What tenants and personal spaces may hold: one function per question."""

from collections.abc import Sequence
from uuid import UUID

from bitvault.actors.files.contract import SpaceUsage, TenantUsage
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import SpaceId

SQL = load_queries("bitvault.actors.files.store", "quotas.sql")
Quotas = tuple[int | None, int | None]
"""Of a tenant, and of each space that has none of its own."""


async def tenant_usage(tx: Transaction, tenant: UUID, quotas: Quotas) -> TenantUsage:
    """Return what a tenant has; one without spaces has nothing, and what the settings say."""
    row = await tx.fetchrow(SQL["tenant_usage"], tenant=tenant)
    return TenantUsage(**row) if row else TenantUsage(*quotas, 0, 0, 1)


async def hold_tenant_usage(tx: Transaction, tenant: UUID, quotas: Quotas) -> TenantUsage:
    """Return the same, and keep it until the end; the row is made if it has to be."""
    quota, space_quota = quotas
    await tx.execute(
        SQL["insert_tenant_usage"], tenant=tenant, quota=quota, space_quota=space_quota
    )
    row = await tx.fetchrow(SQL["lock_tenant_usage"], tenant=tenant)
    if row is None:
        raise AssertionError("the row was inserted, or there")
    return TenantUsage(**row)


async def put_tenant_quota(tx: Transaction, tenant: UUID, quotas: Quotas) -> None:
    """Write what a tenant, and each of its spaces, may hold."""
    quota, space_quota = quotas
    await tx.execute(
        SQL["update_tenant_quota"], tenant=tenant, quota=quota, space_quota=space_quota
    )


async def personal_row(tx: Transaction, tenant: UUID, owner_id: UUID, *, hold: bool) -> Row | None:
    """Find a user's personal space and what it holds."""
    owner = {"tenant": tenant, "owner_id": owner_id}
    if hold:
        await tx.fetchrow(SQL["hold_personal"], **owner)
    return await tx.fetchrow(SQL["personal_usage"], **owner)


def usage_of(row: Row | None, space_quota: int | None) -> SpaceUsage:
    """Build the contract's value; without a space, what one would have."""
    if row is None:
        return SpaceUsage(None, space_quota, follows=True, used=0, reserved=0, revision=0)
    return SpaceUsage(
        SpaceId(row["space_id"]),
        row["quota"],
        row["follows"],
        row["used"],
        row["reserved"],
        row["revision"],
        row["source"],
    )


async def take_back(tx: Transaction, tenant: UUID, source: str, limit: int) -> Sequence[Row]:
    """Let the next spaces whose quota a source gave follow the tenant; return them."""
    given = {"tenant": tenant, "source": source}
    held = [row["space_id"] for row in await tx.fetch(SQL["hold_given"], **given, limit=limit)]
    await tx.fetch(SQL["hold_usages"], tenant=tenant, space_ids=held)
    taken = await tx.fetch(SQL["take_back"], **given, space_ids=held)
    space_ids = [row["holder_id"] for row in taken]
    return await tx.fetch(SQL["touch_spaces"], tenant=tenant, space_ids=space_ids)
