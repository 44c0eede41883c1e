"""Sign-ins under way: one function per query."""

from datetime import datetime
from uuid import UUID

from attrs import field, frozen

from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import TenantId, UserId

QUERIES = load_queries("bitvault.actors.sso.store", "sign_ins.sql")


@frozen
class Attempt:
    """What a browser was sent away with."""

    return_to: str
    client_state: str
    challenge: str
    redirect_uri: str


@frozen
class Ticket:
    """A sign-in that succeeded; its code is kept as a digest."""

    provider_id: UUID
    user_id: UserId
    challenge: str
    code_hash: bytes = field(repr=False)
    expires_at: datetime
    subject: str
    sid: str | None


@frozen
class Taken:
    """A ticket that was good."""

    user_id: UserId
    challenge: str
    provider_id: UUID
    sid: str | None


async def drop_old(tx: Transaction, tenant_id: TenantId, now: datetime) -> None:
    """Clear what nobody came back for."""
    await tx.execute(QUERIES["drop_old_attempts"], tenant_id=tenant_id, now=now)
    await tx.execute(QUERIES["drop_old_tickets"], tenant_id=tenant_id, now=now)
    await tx.execute(QUERIES["drop_old_logouts"], tenant_id=tenant_id, now=now)


async def insert_attempt(
    tx: Transaction,
    tenant_id: TenantId,
    provider_id: UUID,
    attempt: Attempt,
    *,
    state_hash: bytes,
    browser_hash: bytes,
    expires_at: datetime,
) -> bool:
    """Add a sign-in; False when its provider is leaving."""
    row = await tx.fetchrow(
        QUERIES["insert_attempt"],
        tenant_id=tenant_id,
        state_hash=state_hash,
        browser_hash=browser_hash,
        provider_id=provider_id,
        return_to=attempt.return_to,
        client_state=attempt.client_state,
        challenge=attempt.challenge,
        redirect_uri=attempt.redirect_uri,
        expires_at=expires_at,
    )
    return row is not None


async def take_attempt(
    tx: Transaction,
    tenant_id: TenantId,
    provider_id: UUID,
    *,
    state_hash: bytes,
    browser_hash: bytes,
    now: datetime,
) -> Attempt | None:
    """Take a sign-in up: nobody can a second time."""
    row = await tx.fetchrow(
        QUERIES["take_attempt"],
        tenant_id=tenant_id,
        state_hash=state_hash,
        browser_hash=browser_hash,
        provider_id=provider_id,
        now=now,
    )
    return Attempt(**row) if row else None


async def insert_ticket(tx: Transaction, tenant_id: TenantId, ticket: Ticket) -> bool:
    """Keep a sign-in that succeeded for its client; False when its provider is leaving."""
    row = await tx.fetchrow(
        QUERIES["insert_ticket"],
        tenant_id=tenant_id,
        code_hash=ticket.code_hash,
        provider_id=ticket.provider_id,
        user_id=ticket.user_id,
        challenge=ticket.challenge,
        expires_at=ticket.expires_at,
        subject=ticket.subject,
        sid=ticket.sid,
    )
    return row is not None


async def tenant_of_ticket(tx: Transaction, code_hash: bytes) -> TenantId | None:
    """Return whose ticket it is; reads across tenants."""
    row = await tx.fetchrow(QUERIES["tenant_of_ticket"], code_hash=code_hash)
    return TenantId(row["tenant_id"]) if row else None


async def take_ticket(
    tx: Transaction, tenant_id: TenantId, code_hash: bytes, now: datetime
) -> Taken | None:
    """Take a ticket, good or not, and return it if it is alive."""
    row = await tx.fetchrow(
        QUERIES["take_ticket"], tenant_id=tenant_id, code_hash=code_hash, now=now
    )
    if row is None or not row["is_live"]:
        return None
    return Taken(UserId(row["user_id"]), row["challenge"], row["provider_id"], row["sid"])


async def drop_tickets(
    tx: Transaction, tenant_id: TenantId, provider_id: UUID, subject: str | None, sid: str | None
) -> None:
    """Take from clients what they have not come for yet."""
    given = {"subject": subject, "sid": sid}
    await tx.execute(QUERIES["drop_tickets"], tenant_id=tenant_id, provider_id=provider_id, **given)


async def is_heeded(
    tx: Transaction, tenant_id: TenantId, provider_id: UUID, token_hash: bytes
) -> bool:
    """Say whether a logout token was heeded before."""
    token = {"provider_id": provider_id, "token_hash": token_hash}
    return await tx.fetchrow(QUERIES["is_heeded"], tenant_id=tenant_id, **token) is not None


async def insert_logout(
    tx: Transaction,
    tenant_id: TenantId,
    provider_id: UUID,
    token_hash: bytes,
    expires_at: datetime,
) -> bool:
    """Remember a logout token; False when another request has just done so."""
    token = {"provider_id": provider_id, "token_hash": token_hash, "expires_at": expires_at}
    return await tx.fetchrow(QUERIES["insert_logout"], tenant_id=tenant_id, **token) is not None
