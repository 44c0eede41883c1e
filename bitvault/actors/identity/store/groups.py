"""Groups and who is in them: one function per query."""

from collections.abc import Sequence
from uuid import UUID

from bitvault.actors.identity.contract import Group, User
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import GroupId, TenantId, UserId

QUERIES = load_queries("bitvault.actors.identity.store", "groups.sql")

LOCAL = "local"
"""The source of memberships that admins made."""


async def insert_group(tx: Transaction, tenant_id: TenantId, group: Group, name_key: str) -> bool:
    """Create a group; False when the name is taken."""
    row = await tx.fetchrow(
        QUERIES["insert_group"],
        tenant_id=tenant_id,
        group_id=group.group_id,
        name=group.name,
        name_key=name_key,
        now=group.created_at,
    )
    return row is not None


async def group_named(tx: Transaction, tenant_id: TenantId, name_key: str) -> Group | None:
    """Find the group of that name."""
    row = await tx.fetchrow(QUERIES["group_named"], tenant_id=tenant_id, name_key=name_key)
    return _group(row) if row else None


async def rename_group(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, name: str, name_key: str
) -> Group | None:
    """Rename a group; None when there is none such."""
    row = await tx.fetchrow(
        QUERIES["rename_group"],
        tenant_id=tenant_id,
        group_id=group_id,
        name=name,
        name_key=name_key,
    )
    return _group(row) if row else None


async def delete_group(tx: Transaction, tenant_id: TenantId, group_id: GroupId) -> bool:
    """Delete a group; False when there is none such."""
    row = await tx.fetchrow(QUERIES["delete_group"], tenant_id=tenant_id, group_id=group_id)
    return row is not None


async def groups_after(
    tx: Transaction, tenant_id: TenantId, after: str, most: int
) -> tuple[tuple[str, Group], ...]:
    """List groups with their keys, by key."""
    rows = await tx.fetch(QUERIES["groups_after"], tenant_id=tenant_id, after=after, most=most)
    return tuple((row["name_key"], _group(row)) for row in rows)


async def groups_found(
    tx: Transaction, tenant_id: TenantId, group_ids: Sequence[UUID], name_keys: Sequence[str]
) -> tuple[Group, ...]:
    """Find groups by id or key."""
    rows = await tx.fetch(
        QUERIES["groups_found"],
        tenant_id=tenant_id,
        group_ids=list(group_ids),
        name_keys=list(name_keys),
    )
    return tuple(map(_group, rows))


async def hold_group(tx: Transaction, tenant_id: TenantId, group_id: GroupId) -> bool:
    """Keep a group until the end; False when there is none such."""
    row = await tx.fetchrow(QUERIES["hold_group"], tenant_id=tenant_id, group_id=group_id)
    return row is not None


async def insert_membership(
    tx: Transaction,
    tenant_id: TenantId,
    group_id: GroupId,
    user_id: UserId,
    most: int,
    source: str = LOCAL,
) -> bool:
    """Put a user in a group; False when that makes more than ``most`` groups.

    Whoever is in it already stays there by whom they were put there, or from now on by an admin.
    """
    row = await tx.fetchrow(
        QUERIES["insert_membership"],
        tenant_id=tenant_id,
        group_id=group_id,
        user_id=user_id,
        most=most,
        source=source,
    )
    return row is not None


async def delete_membership(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, user_id: UserId
) -> bool:
    """Take a user out of a group; False when they were not in it."""
    query, user = QUERIES["delete_membership"], {"user_id": user_id}
    row = await tx.fetchrow(query, tenant_id=tenant_id, group_id=group_id, **user)
    return row is not None


async def groups_given(
    tx: Transaction, tenant_id: TenantId, user_id: UserId, source: str
) -> tuple[Group, ...]:
    """List the groups that a source has put a user in."""
    rows = await tx.fetch(
        QUERIES["groups_given"], tenant_id=tenant_id, user_id=user_id, source=source
    )
    return tuple(map(_group, rows))


async def groups_of(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> tuple[Group, ...]:
    """List the groups that a user is in, whoever put them there."""
    rows = await tx.fetch(QUERIES["groups_of"], tenant_id=tenant_id, user_id=user_id)
    return tuple(map(_group, rows))


async def leave_groups(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """Take a user out of every group."""
    await tx.execute(QUERIES["leave_groups"], tenant_id=tenant_id, user_id=user_id)


async def members_after(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, after: UUID, most: int
) -> tuple[User, ...]:
    """List a group's members by id."""
    rows = await tx.fetch(
        QUERIES["members_after"], tenant_id=tenant_id, group_id=group_id, after=after, most=most
    )
    return tuple(User(**row) for row in rows)


def _group(row: Row) -> Group:
    return Group(GroupId(row["group_id"]), row["name"], row["created_at"])
