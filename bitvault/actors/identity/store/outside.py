"""Identities outside that stand for users: one function per query."""

from datetime import datetime

from bitvault.actors.identity.contract import Outsider, User
from bitvault.actors.identity.store.accounts import account_of
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import TenantId, UserId

QUERIES = load_queries("bitvault.actors.identity.store", "outside.sql")


async def outsider(tx: Transaction, tenant_id: TenantId, issuer: str, subject: str) -> User | None:
    """Return whose identity this is, and keep them as they are until the end."""
    row = await tx.fetchrow(
        QUERIES["outsider"], tenant_id=tenant_id, issuer=issuer, subject=subject
    )
    return account_of(row).user if row else None


async def provisioned(tx: Transaction, tenant_id: TenantId, external_id: str) -> User | None:
    """Return whom a directory made, and nobody outside is yet; keep them as they are."""
    query = QUERIES["provisioned"]
    row = await tx.fetchrow(query, tenant_id=tenant_id, external_id=external_id)
    return account_of(row).user if row else None


async def insert_outsider(tx: Transaction, user: User, identity: Outsider, now: datetime) -> None:
    """Tie an account to an identity outside."""
    await tx.execute(
        QUERIES["insert_outsider"],
        tenant_id=user.tenant_id,
        issuer=identity.issuer,
        subject=identity.subject,
        user_id=user.user_id,
        now=now,
    )


async def forget_outsiders(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """Tie an account to nobody outside."""
    await tx.execute(QUERIES["forget_outsiders"], tenant_id=tenant_id, user_id=user_id)
