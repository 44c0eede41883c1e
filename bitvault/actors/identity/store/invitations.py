"""Invitations: one function per query."""

from datetime import datetime
from uuid import UUID

from bitvault.actors.identity.contract import Invitation, InvitationLetter, Invited
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import GroupId, TenantId, UserId

QUERIES = load_queries("bitvault.actors.identity.store", "invitations.sql")


async def insert_invitation(
    tx: Transaction, tenant_id: TenantId, one: Invitation, login_key: str
) -> bool:
    """Keep an invitation, in the place of an expired one; False when there is one by this login."""
    now = one.created_at
    place = {"tenant_id": tenant_id, "login_key": login_key}
    await tx.execute(QUERIES["drop_expired_invitation"], **place, now=now)
    row = await tx.fetchrow(
        QUERIES["insert_invitation"],
        **place,
        invitation_id=one.invitation_id,
        email=one.email,
        login=one.login,
        display_name=one.display_name,
        is_admin=one.is_admin,
        group_ids=list(one.group_ids),
        invited_by=one.invited_by,
        now=now,
        expires_at=one.expires_at,
    )
    return row is not None


async def login_exists(tx: Transaction, tenant_id: TenantId, login_key: str) -> bool:
    """Say whether a user has this login."""
    row = await tx.fetchrow(QUERIES["login_exists"], tenant_id=tenant_id, login_key=login_key)
    return row is not None


async def invitations_after(
    tx: Transaction, tenant_id: TenantId, after: UUID, most: int
) -> tuple[Invitation, ...]:
    """List invitations by id."""
    query = QUERIES["invitations_after"]
    rows = await tx.fetch(query, tenant_id=tenant_id, after=after, most=most)
    return tuple(map(_invitation, rows))


async def invitation_by_id(
    tx: Transaction, tenant_id: TenantId, invitation_id: UUID
) -> Invitation | None:
    """Find an invitation."""
    query = QUERIES["invitation_by_id"]
    row = await tx.fetchrow(query, tenant_id=tenant_id, invitation_id=invitation_id)
    return _invitation(row) if row else None


async def renew_invitation(
    tx: Transaction,
    tenant_id: TenantId,
    invitation_id: UUID,
    expires_at: datetime,
    invited_by: UserId,
) -> Invitation | None:
    """Give an invitation more time, its secret none, and who answers for it; None: none such."""
    row = await tx.fetchrow(
        QUERIES["renew_invitation"],
        tenant_id=tenant_id,
        invitation_id=invitation_id,
        expires_at=expires_at,
        invited_by=invited_by,
    )
    return _invitation(row) if row else None


async def delete_invitation(
    tx: Transaction, tenant_id: TenantId, invitation_id: UUID
) -> str | None:
    """Delete an invitation and return its login; None when there is none such."""
    query = QUERIES["delete_invitation"]
    row = await tx.fetchrow(query, tenant_id=tenant_id, invitation_id=invitation_id)
    return str(row["login"]) if row else None


async def invitation_by_secret(
    tx: Transaction, secret_hash: bytes, now: datetime
) -> tuple[TenantId, Invited] | None:
    """Find what a secret invites to, in whichever tenant."""
    row = await tx.fetchrow(QUERIES["invitation_by_secret"], secret_hash=secret_hash, now=now)
    if row is None:
        return None
    members = dict(row)
    return TenantId(members.pop("tenant_id")), Invited(**members)


async def take_invitation(
    tx: Transaction, tenant_id: TenantId, secret_hash: bytes, now: datetime
) -> Invitation | None:
    """Take an invitation that is still good; nobody else finds it."""
    query = QUERIES["take_invitation"]
    row = await tx.fetchrow(query, tenant_id=tenant_id, secret_hash=secret_hash, now=now)
    return _invitation(row) if row else None


async def mint_invitation(
    tx: Transaction,
    tenant_id: TenantId,
    invitation_id: UUID,
    token: str,
    secret_hash: bytes,
    now: datetime,
) -> InvitationLetter | None:
    """Give an invitation a secret; None when it is not good any more."""
    row = await tx.fetchrow(
        QUERIES["mint_invitation"],
        tenant_id=tenant_id,
        invitation_id=invitation_id,
        secret_hash=secret_hash,
        now=now,
    )
    if row is None:
        return None
    members = dict(row)
    inviter = members.pop("inviter")
    return InvitationLetter(Invited(**members), inviter, token)


async def is_suspended(tx: Transaction, tenant_id: TenantId) -> bool:
    """Say whether the tenant may only read."""
    row = await tx.fetchrow(QUERIES["tenant_is_suspended"], tenant_id=tenant_id)
    return row is not None


def _invitation(row: Row) -> Invitation:
    groups = tuple(map(GroupId, row["group_ids"]))
    return Invitation(**{**row, "group_ids": groups, "invited_by": UserId(row["invited_by"])})
