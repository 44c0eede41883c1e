"""Logins that wait on a machine without a browser: one function per query.

Codes wait in no tenant's name (``codes.NO_TENANT``); what was approved is a session of its user.
"""

from datetime import datetime
from uuid import UUID

from bitvault.actors.identity.contract import Credential, Rotation, User
from bitvault.actors.identity.rules.codes import NO_TENANT
from bitvault.actors.identity.store.rotations import begun
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.addresses import site
from bitvault.kernel.principal import Caller, Origin

QUERIES = load_queries("bitvault.actors.identity.store", "devices.sql")


async def forget_old(tx: Transaction, now: datetime) -> None:
    """Clear some of what has expired: more than one login adds."""
    await tx.execute(QUERIES["forget_old"], tenant_id=NO_TENANT, now=now)


async def count(tx: Transaction, now: datetime, most: int) -> int:
    """Count what waits for an answer, up to ``most``."""
    row = await tx.fetchrow(QUERIES["waiting"], tenant_id=NO_TENANT, now=now, most=most)
    return int(row["count"]) if row else 0


async def make_room(tx: Transaction, now: datetime, most: int, number: int) -> None:
    """Drop some that wait: one after the other, the oldest of the site that has most then."""
    place = {"tenant_id": NO_TENANT, "now": now}
    await tx.execute(QUERIES["make_room"], **place, most=most, number=number)


async def insert_device(
    tx: Transaction,
    hashes: tuple[bytes, bytes],
    name: str,
    origin: Origin,
    *,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Let a login wait under the digests of its two codes; False when one is taken."""
    device_hash, user_hash = hashes
    row = await tx.fetchrow(
        QUERIES["insert_device"],
        tenant_id=NO_TENANT,
        device_hash=device_hash,
        user_hash=user_hash,
        name=name,
        address=origin.address,
        site=site(origin.address),
        user_agent=origin.user_agent,
        now=now,
        expires_at=expires_at,
    )
    return row is not None


async def device_typed(tx: Transaction, user_hash: bytes, now: datetime) -> Row | None:
    """Find what waits under a code that somebody typed."""
    query = QUERIES["device_typed"]
    return await tx.fetchrow(query, tenant_id=NO_TENANT, user_hash=user_hash, now=now)


async def device_polling(tx: Transaction, device_hash: bytes, now: datetime) -> Row | None:
    """Find what a device polls for."""
    query = QUERIES["device_polling"]
    return await tx.fetchrow(query, tenant_id=NO_TENANT, device_hash=device_hash, now=now)


async def insert_unclaimed(
    tx: Transaction, user: User, credential: Credential, unclaimed: bytes
) -> bool:
    """Add a session that nobody has the secret of; False when there is one for this code."""
    row = await tx.fetchrow(
        QUERIES["insert_unclaimed"],
        tenant_id=user.tenant_id,
        user_id=user.user_id,
        credential_id=credential.credential_id,
        kind=credential.kind,
        name=credential.name,
        unclaimed=unclaimed,
        now=credential.created_at,
        expires_at=credential.expires_at,
        address=credential.address,
        user_agent=credential.user_agent,
        scope=credential.scope.name.lower(),
    )
    return row is not None


async def answer_device(
    tx: Transaction, user_hash: bytes, caller: Caller, credential_id: UUID | None, now: datetime
) -> bool:
    """Approve, by a session of the caller's for it to take, or deny; False when it is too late."""
    is_approved = credential_id is not None
    row = await tx.fetchrow(
        QUERIES["answer_device"],
        tenant_id=NO_TENANT,
        user_hash=user_hash,
        state="approved" if is_approved else "denied",
        for_tenant_id=caller.tenant_id if is_approved else None,
        for_user_id=caller.principal.user_id if is_approved else None,
        credential_id=credential_id,
        now=now,
    )
    return row is not None


async def claim_session(
    tx: Transaction,
    user: User,
    credential: Credential,
    *,
    secrets: tuple[bytes, bytes],
    idle_expires_at: datetime,
    first: Rotation | None,
) -> str | None:
    """Give a session its secret, in place of what stood for it; answer its name.

    None when it was taken, or has ended.
    """
    unclaimed, secret_hash = secrets
    row = await tx.fetchrow(
        QUERIES["claim_session"],
        tenant_id=user.tenant_id,
        credential_id=credential.credential_id,
        unclaimed=unclaimed,
        secret_hash=secret_hash,
        prefix=credential.prefix,
        now=credential.created_at,
        expires_at=credential.expires_at,
        idle_expires_at=idle_expires_at,
        address=credential.address,
        user_agent=credential.user_agent,
        **begun(first),
    )
    return None if row is None else str(row["name"])
