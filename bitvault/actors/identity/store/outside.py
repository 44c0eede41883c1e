"""Identities outside that stand for users: one function per query."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from bitvault.actors.identity.contract import Outsider, User, Vouching
from bitvault.actors.identity.store.accounts import account_of
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
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


async def insert_vouched(
    tx: Transaction, user: User, credential_id: UUID, vouching: Vouching
) -> None:
    """Keep whose word a session rests on."""
    await tx.execute(
        QUERIES["insert_vouched"],
        tenant_id=user.tenant_id,
        credential_id=credential_id,
        user_id=user.user_id,
        source=vouching.source,
        sid=vouching.sid,
    )


async def end_vouched(
    tx: Transaction, tenant_id: TenantId, source: str, user_id: UserId | None, sid: str | None
) -> Sequence[Row]:
    """End sessions that rest on a source's word: of a user, or of whoever had a sid."""
    given = {"tenant_id": tenant_id, "source": source, "sid": sid}
    if user_id is None:
        return await tx.fetch(QUERIES["end_vouched_by_sid"], **given)
    return await tx.fetch(QUERIES["end_vouched_of_user"], **given, user_id=user_id)


async def take_back(tx: Transaction, tenant_id: TenantId, source: str, limit: int) -> Sequence[Row]:
    """Take users out of groups that a source put them in; return the memberships."""
    given = {"tenant_id": tenant_id, "source": source, "limit": limit}
    return await tx.fetch(QUERIES["take_back"], **given)


async def forget_outsiders(tx: Transaction, tenant_id: TenantId, user_id: UserId) -> None:
    """Tie an account to nobody outside."""
    await tx.execute(QUERIES["forget_outsiders"], tenant_id=tenant_id, user_id=user_id)
