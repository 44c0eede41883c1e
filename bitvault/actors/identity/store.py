"""One function per query."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.identity.contract import Credential, User
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Principal

QUERIES = load_queries("bitvault.actors.identity")
KEY_LIFETIME = timedelta(hours=24)


@frozen
class Account:
    """A user with the hash of the password."""

    user: User
    password_hash: str = field(repr=False)


@frozen
class Known:
    """A live credential's principal, and when it was last used."""

    principal: Principal
    kind: str
    last_used_at: datetime | None


async def tenant_by_key(tx: Transaction, name_key: str) -> TenantId | None:
    """Return the tenant of that name."""
    row = await tx.fetchrow(QUERIES["tenant_by_key"], name_key=name_key)
    return TenantId(row["tenant_id"]) if row else None


async def insert_tenant(
    tx: Transaction, tenant_id: TenantId, name: str, key: str, now: datetime
) -> bool:
    """Create a tenant; False when the name is taken."""
    row = await tx.fetchrow(
        QUERIES["insert_tenant"], tenant_id=tenant_id, name=name, name_key=key, now=now
    )
    return row is not None


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
        now=user.created_at,
    )
    return row is not None


async def account_by_login(tx: Transaction, tenant_key: str, login_key: str) -> Account | None:
    """Find a user by tenant and login."""
    row = await tx.fetchrow(QUERIES["account_by_login"], tenant_key=tenant_key, login_key=login_key)
    return _account(row) if row else None


async def account_by_id(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> Account | None:
    """Find a user by id."""
    row = await tx.fetchrow(QUERIES["account_by_id"], tenant_id=tenant_id, user_id=user_id)
    return _account(row) if row else None


async def accounts_after(
    tx: Transaction, tenant_id: TenantId, after: str, most: int
) -> tuple[User, ...]:
    """List users by login key."""
    rows = await tx.fetch(QUERIES["accounts_after"], tenant_id=tenant_id, after=after, most=most)
    return tuple(_account(row).user for row in rows)


async def accounts_named(
    tx: Transaction, tenant_id: TenantId, user_ids: Sequence[UUID], login_keys: Sequence[str]
) -> tuple[Account, ...]:
    """Find users by id or login key."""
    rows = await tx.fetch(
        QUERIES["accounts_named"],
        tenant_id=tenant_id,
        user_ids=list(user_ids),
        login_keys=list(login_keys),
    )
    return tuple(_account(row) for row in rows)


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


async def made_before(tx: Transaction, caller: Caller, made_id: UUID, now: datetime) -> UUID | None:
    """Claim the caller's Idempotency-Key for ``made_id``, or return what it made before."""
    if caller.idempotency is None:
        return None
    owner = {"tenant_id": caller.tenant_id, "user_id": caller.principal.user_id}
    key = caller.idempotency.key
    await tx.execute(QUERIES["drop_old_keys"], **owner, before=now - KEY_LIFETIME)
    claim = {**owner, "key": key, "made_id": made_id, "now": now}
    if await tx.fetchrow(QUERIES["claim_key"], **claim):
        return None
    row = await tx.fetchrow(QUERIES["made_under_key"], **owner, key=key)
    return row["made_id"] if row else None


async def insert_credential(
    tx: Transaction,
    user: User,
    credential: Credential,
    *,
    secret_hash: bytes,
    idle_expires_at: datetime | None,
) -> None:
    """Add a session or token."""
    await tx.execute(
        QUERIES["insert_credential"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        credential_id=credential.credential_id,
        kind=credential.kind,
        name=credential.name,
        prefix=credential.prefix,
        secret_hash=secret_hash,
        now=credential.created_at,
        expires_at=credential.expires_at,
        idle_expires_at=idle_expires_at,
        address=credential.address,
        user_agent=credential.user_agent,
    )


async def principal_by_secret(tx: Transaction, secret_hash: bytes, now: datetime) -> Known | None:
    """Find whose live credential this is."""
    row = await tx.fetchrow(QUERIES["principal_by_secret"], secret_hash=secret_hash, now=now)
    if row is None:
        return None
    principal = Principal(
        tenant_id=TenantId(row["tenant_id"]),
        user_id=UserId(row["user_id"]),
        login=row["login"],
        is_admin=row["is_admin"],
        credential_id=row["credential_id"],
    )
    return Known(principal, row["kind"], row["last_used_at"])


async def touch_credential(
    tx: Transaction, principal: Principal, now: datetime, idle_expires_at: datetime
) -> None:
    """Record a use; a session's idle time starts again."""
    await tx.execute(
        QUERIES["touch_credential"],
        tenant_id=principal.tenant_id,
        credential_id=principal.credential_id,
        now=now,
        idle_expires_at=idle_expires_at,
    )


async def credentials_of_user(
    tx: Transaction, principal: Principal, kind: str, now: datetime
) -> tuple[Credential, ...]:
    """List a user's live sessions or tokens, newest first."""
    rows = await tx.fetch(
        QUERIES["credentials_of_user"],
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        kind=kind,
        now=now,
    )
    return tuple(Credential(**row) for row in rows)


async def credential_by_id(tx: Transaction, user: User, credential_id: UUID) -> Credential | None:
    """Find one of the user's credentials, and keep it until the end."""
    row = await tx.fetchrow(
        QUERIES["credential_by_id"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        credential_id=credential_id,
    )
    return Credential(**row) if row else None


async def replace_secret(
    tx: Transaction, user: User, credential: Credential, secret_hash: bytes
) -> None:
    """Give a credential a new secret, with its prefix."""
    await tx.execute(
        QUERIES["replace_secret"],
        tenant_id=user.tenant_id,
        credential_id=credential.credential_id,
        prefix=credential.prefix,
        secret_hash=secret_hash,
    )


async def delete_credential(tx: Transaction, principal: Principal, credential_id: UUID) -> bool:
    """End one of the user's credentials; False when there is none such."""
    row = await tx.fetchrow(
        QUERIES["delete_credential"],
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        credential_id=credential_id,
    )
    return row is not None


async def delete_other_sessions(tx: Transaction, principal: Principal) -> None:
    """End every session of the user but the one in use."""
    await tx.execute(
        QUERIES["delete_other_sessions"],
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        credential_id=principal.credential_id,
    )


async def delete_expired_sessions(tx: Transaction, user: User, now: datetime) -> None:
    """Clear the user's dead sessions."""
    await tx.execute(
        QUERIES["delete_expired_sessions"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        now=now,
    )


def _account(row: Mapping[str, Any]) -> Account:
    fields = dict(row)
    return Account(password_hash=fields.pop("password_hash"), user=User(**fields))
