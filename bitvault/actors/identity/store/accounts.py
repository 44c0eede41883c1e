"""Users: one function per query."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity import rules
from bitvault.actors.identity.contract import Standing, User
from bitvault.actors.identity.rules.terms import strictest
from bitvault.actors.identity.store.policies import terms_of
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import GroupId, TenantId, UserId

QUERIES = load_queries("bitvault.actors.identity.store", "accounts.sql")


@frozen
class Account:
    """A user with the hash of the password; None: nothing is their password."""

    user: User
    password_hash: str | None = field(repr=False)


async def insert_account(tx: Transaction, account: Account, login_key: str) -> bool:
    """Create a user; False when the login is taken."""
    user = account.user
    row = await tx.fetchrow(
        QUERIES["insert_account"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        login=user.login,
        login_key=login_key,
        display_name=user.display_name,
        password_hash=account.password_hash,
        is_admin=user.is_admin,
        is_operator=user.is_operator,
        kind=user.kind,
        now=user.created_at,
    )
    return row is not None


async def standings(
    tx: Transaction, tenant_id: TenantId, user_ids: Sequence[UserId]
) -> tuple[Standing, ...]:
    """Say how things stand with some users, in their order."""
    rows = await tx.fetch(QUERIES["standings"], tenant_id=tenant_id, user_ids=list(user_ids))
    found = {row["user_id"]: _standing(row) for row in rows}
    nobody = Standing(is_active=False, is_suspended=False)
    return tuple(found.get(user_id, nobody) for user_id in user_ids)


async def account_by_login(tx: Transaction, tenant_key: str, login_key: str) -> Account | None:
    """Find a user by tenant and login."""
    row = await tx.fetchrow(QUERIES["account_by_login"], tenant_key=tenant_key, login_key=login_key)
    return account_of(row) if row else None


async def account_by_id(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> Account | None:
    """Find a user by id who may enter."""
    row = await tx.fetchrow(QUERIES["account_by_id"], tenant_id=tenant_id, user_id=user_id)
    return account_of(row) if row else None


async def hold_user(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> User | None:
    """Find a user by id, and keep it as it is until the end."""
    row = await tx.fetchrow(QUERIES["hold_account"], tenant_id=tenant_id, user_id=user_id)
    return account_of(row).user if row else None


async def hold_active(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> bool:
    """Keep a user able to enter until the end; False when they are not."""
    row = await tx.fetchrow(QUERIES["hold_active"], tenant_id=tenant_id, user_id=user_id)
    return row is not None


async def has_other_admin(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> bool:
    """Say whether somebody else can log in and administer the tenant; hold the tenant first."""
    row = await tx.fetchrow(QUERIES["other_admin"], tenant_id=tenant_id, user_id=user_id)
    return row is not None


async def has_other_operator(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> bool:
    """Say whether the tenant has another operator who can log in; hold the tenant first."""
    row = await tx.fetchrow(QUERIES["other_operator"], tenant_id=tenant_id, user_id=user_id)
    return row is not None


async def update_account(tx: Transaction, user: User, now: datetime) -> None:
    """Write what may change of a user."""
    await tx.execute(
        QUERIES["update_account"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        display_name=user.display_name,
        is_admin=user.is_admin,
        is_operator=user.is_operator,
        is_disabled=user.is_disabled,
        now=now,
    )


async def bury_account(tx: Transaction, user: User, now: datetime) -> None:
    """Delete a user; the row stays as a name."""
    await tx.execute(
        QUERIES["bury_account"], tenant_id=user.tenant_id, user_id=user.user_id, now=now
    )


async def accounts_after(
    tx: Transaction, tenant_id: TenantId, after: str, most: int
) -> tuple[User, ...]:
    """List users by login key."""
    rows = await tx.fetch(QUERIES["accounts_after"], tenant_id=tenant_id, after=after, most=most)
    return tuple(account_of(row).user for row in rows)


async def accounts_named(
    tx: Transaction,
    tenant_id: TenantId,
    user_ids: Sequence[UUID],
    login_keys: Sequence[str],
    *,
    deleted: bool,
) -> tuple[Account, ...]:
    """Find users by id or login key; by id those too who are ``deleted``, if wanted."""
    rows = await tx.fetch(
        QUERIES["accounts_named"],
        tenant_id=tenant_id,
        user_ids=list(user_ids),
        login_keys=list(login_keys),
        deleted=deleted,
    )
    return tuple(account_of(row) for row in rows)


async def set_password(tx: Transaction, account: Account, password_hash: str) -> bool:
    """Replace the hash that was verified; False when it is another one by now."""
    row = await tx.fetchrow(
        QUERIES["set_password"],
        tenant_id=account.user.tenant_id,
        user_id=account.user.user_id,
        password_hash=password_hash,
        verified=account.password_hash,
    )
    return row is not None


async def hold_password(tx: Transaction, account: Account) -> bool:
    """Keep the password that was verified until the end; False when it is another one by now."""
    row = await tx.fetchrow(
        QUERIES["hold_password"],
        tenant_id=account.user.tenant_id,
        user_id=account.user.user_id,
        verified=account.password_hash,
    )
    return row is not None


def _standing(row: Mapping[str, Any]) -> Standing:
    terms, limit = terms_of(row["policies"]), rules.limit_of(row["rate"], row["burst"])
    policy = strictest(terms.own, terms.bound).sharing
    groups = tuple(GroupId(group_id) for group_id in row["groups"])
    return Standing(row["is_active"], row["is_suspended"], policy, limit, groups)


def account_of(row: Mapping[str, Any]) -> Account:
    """Build a user from a row."""
    fields = dict(row)
    return Account(password_hash=fields.pop("password_hash"), user=User(**fields))
