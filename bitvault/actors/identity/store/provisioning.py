"""What a directory knows of users and groups: one function per query."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from bitvault.actors.identity.contract import (
    Group,
    Matches,
    ProvisionedGroup,
    ProvisionedUser,
    User,
)
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import GroupId, TenantId, UserId

QUERIES = load_queries("bitvault.actors.identity.store", "provisioning.sql")


async def login_owner(tx: Transaction, tenant_id: TenantId, login_key: str) -> UUID | None:
    """Say who has a login."""
    row = await tx.fetchrow(QUERIES["login_owner"], tenant_id=tenant_id, login_key=login_key)
    return row["user_id"] if row else None


async def set_login(tx: Transaction, user: User, login_key: str) -> None:
    """Write the login that was found to be free."""
    place = {"tenant_id": user.tenant_id, "user_id": user.user_id}
    await tx.execute(QUERIES["set_login"], **place, login=user.login, login_key=login_key)


async def external_user(tx: Transaction, tenant_id: TenantId, external_id: str) -> UUID | None:
    """Say whom the directory calls so."""
    row = await tx.fetchrow(QUERIES["external_user"], tenant_id=tenant_id, external_id=external_id)
    return row["user_id"] if row else None


async def set_external_user(tx: Transaction, user: User, external_id: str) -> None:
    """Write what the directory calls a user."""
    place = {"tenant_id": user.tenant_id, "user_id": user.user_id}
    await tx.execute(QUERIES["set_external_user"], **place, external_id=external_id)


async def external_group(tx: Transaction, tenant_id: TenantId, external_id: str) -> UUID | None:
    """Say which group the directory calls so."""
    row = await tx.fetchrow(QUERIES["external_group"], tenant_id=tenant_id, external_id=external_id)
    return row["group_id"] if row else None


async def set_external_group(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, external_id: str
) -> None:
    """Write what the directory calls a group."""
    place = {"tenant_id": tenant_id, "group_id": group_id}
    await tx.execute(QUERIES["set_external_group"], **place, external_id=external_id)


async def users_page(
    tx: Transaction, tenant_id: TenantId, after: int, most: int
) -> Matches[ProvisionedUser]:
    """List every person of the tenant."""
    total = await _total(tx, "count_users", tenant_id)
    rows = await tx.fetch(QUERIES["users_page"], tenant_id=tenant_id, after=after, most=most)
    return Matches(await _with_groups(tx, tenant_id, rows), total)


async def users_fitting(
    tx: Transaction,
    tenant_id: TenantId,
    user_id: UUID | None,
    login_key: str | None,
    external_id: str | None,
) -> Matches[ProvisionedUser]:
    """Find the persons that fit all that is not None, of which there are few."""
    given = {"user_id": user_id, "login_key": login_key, "external_id": external_id}
    rows = await tx.fetch(QUERIES["users_fitting"], tenant_id=tenant_id, **given)
    return Matches(await _with_groups(tx, tenant_id, rows), len(rows))


async def groups_page(
    tx: Transaction, tenant_id: TenantId, after: int, most: int
) -> Matches[ProvisionedGroup]:
    """List every group of the tenant."""
    total = await _total(tx, "count_groups", tenant_id)
    rows = await tx.fetch(QUERIES["groups_page"], tenant_id=tenant_id, after=after, most=most)
    return Matches(tuple(map(_group, rows)), total)


async def groups_fitting(
    tx: Transaction,
    tenant_id: TenantId,
    group_id: UUID | None,
    name_key: str | None,
    external_id: str | None,
    member: UUID | None,
) -> tuple[ProvisionedGroup, ...]:
    """Find the groups that fit all that is not None: at most as many as a user may be in."""
    given = {
        "group_id": group_id,
        "name_key": name_key,
        "external_id": external_id,
        "member": member,
    }
    rows = await tx.fetch(QUERIES["groups_fitting"], tenant_id=tenant_id, **given)
    return tuple(map(_group, rows))


async def members_of(
    tx: Transaction, tenant_id: TenantId, group_ids: Sequence[GroupId], most: int | None = None
) -> Mapping[UUID, Sequence[User]]:
    """List who is in each group, by id; of groups with more than ``most`` in all the first ones."""
    place = {"tenant_id": tenant_id, "group_ids": list(group_ids)}
    limit = None if most is None else most + 1
    rows = await tx.fetch(QUERIES["members_of"], **place, most=limit)
    found: dict[UUID, list[User]] = {group_id: [] for group_id in group_ids}
    for row in rows:
        fields = dict(row)
        found[fields.pop("group_id")].append(User(**fields))
    if limit is None or len(rows) < limit:
        return found
    cut = rows[-1]["group_id"]
    return {group_id: users for group_id, users in found.items() if group_id < cut}


async def hold_accounts(
    tx: Transaction, tenant_id: TenantId, user_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Keep users as they are until the end; returns those there are."""
    query = QUERIES["hold_accounts"]
    rows = await tx.fetch(query, tenant_id=tenant_id, user_ids=list(user_ids))
    return frozenset(row["user_id"] for row in rows)


async def join_all(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, user_ids: Collection[UUID]
) -> tuple[UserId, ...]:
    """Put users in a group; returns those who were not in it."""
    return await _moved(tx, "join_all", tenant_id, group_id, user_ids)


async def leave_all(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, user_ids: Collection[UUID]
) -> tuple[UserId, ...]:
    """Take users out of a group; returns those who were in it."""
    return await _moved(tx, "leave_all", tenant_id, group_id, user_ids)


async def leave_all_but(
    tx: Transaction, tenant_id: TenantId, group_id: GroupId, user_ids: Collection[UUID]
) -> tuple[UserId, ...]:
    """Take everybody else out whom the directory put in; returns them."""
    return await _moved(tx, "leave_all_but", tenant_id, group_id, user_ids)


async def overfull(
    tx: Transaction, tenant_id: TenantId, user_ids: Collection[UUID], most: int
) -> UUID | None:
    """Name one of the users who is in more than ``most`` groups."""
    given = {"user_ids": list(user_ids), "most": most}
    row = await tx.fetchrow(QUERIES["overfull"], tenant_id=tenant_id, **given)
    return row["user_id"] if row else None


async def _moved(
    tx: Transaction, query: str, tenant_id: TenantId, group_id: GroupId, user_ids: Collection[UUID]
) -> tuple[UserId, ...]:
    given = {"group_id": group_id, "user_ids": list(user_ids)}
    rows = await tx.fetch(QUERIES[query], tenant_id=tenant_id, **given)
    return tuple(sorted(UserId(row["user_id"]) for row in rows))


async def _total(tx: Transaction, query: str, tenant_id: TenantId) -> int:
    row = await tx.fetchrow(QUERIES[query], tenant_id=tenant_id)
    return row["total"] if row else 0


async def _with_groups(
    tx: Transaction, tenant_id: TenantId, rows: Iterable[Mapping[str, Any]]
) -> tuple[ProvisionedUser, ...]:
    users = []
    for row in rows:
        fields = dict(row)
        external_id = fields.pop("external_id")
        users.append((User(**fields), external_id))
    user_ids = [user.user_id for user, _ in users]
    groups: defaultdict[UUID, tuple[Group, ...]] = defaultdict(tuple)
    for row in await tx.fetch(QUERIES["groups_of"], tenant_id=tenant_id, user_ids=user_ids):
        group = Group(GroupId(row["group_id"]), row["name"], row["created_at"])
        groups[row["user_id"]] += (group,)
    return tuple(ProvisionedUser(user, name, groups[user.user_id]) for user, name in users)


def _group(row: Mapping[str, Any]) -> ProvisionedGroup:
    group = Group(GroupId(row["group_id"]), row["name"], row["created_at"])
    return ProvisionedGroup(group, row["external_id"])
