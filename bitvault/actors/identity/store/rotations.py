"""Sessions whose secret rotates: one function per query."""

from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.actors.identity.contract import Rotation
from bitvault.actors.identity.rules import rotation
from bitvault.actors.identity.rules.terms import strictest
from bitvault.actors.identity.store.policies import terms_of
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import TenantId, UserId

QUERIES = load_queries("bitvault.actors.identity.store", "rotations.sql")


@frozen
class Held:
    """A session, held until the transaction ends."""

    user_id: UserId
    credential_id: UUID
    client: str
    """What its program calls itself."""
    address: str
    expires_at: datetime
    secret_expires_at: datetime
    kept: rotation.Kept


def begun(first: Rotation | None) -> dict[str, object]:
    """Return what is stored of a session's first refresh token, by column."""
    shown = None if first is None else rotation.read(first.refresh_token)
    return {
        "secret_expires_at": None if first is None else first.token_expires_at,
        "family_hash": None if shown is None else shown.family_hash,
        "refresh_digest": None if shown is None else shown.digest,
    }


async def tenant_of(tx: Transaction, family_hash: bytes, now: datetime) -> TenantId | None:
    """Find the tenant of a live session by the family of its refresh tokens."""
    row = await tx.fetchrow(QUERIES["family"], family_hash=family_hash, now=now)
    if row is None:
        return None
    terms = terms_of(row["policies"])
    longest = strictest(terms.own, terms.bound).longest_session
    has_ended = longest is not None and row["created_at"] + longest <= now
    return None if has_ended else TenantId(row["tenant_id"])


async def hold(
    tx: Transaction, tenant_id: TenantId, family_hash: bytes, now: datetime
) -> Held | None:
    """Find a live session, and keep it as it is until the end."""
    row = await tx.fetchrow(
        QUERIES["hold_family"], tenant_id=tenant_id, family_hash=family_hash, now=now
    )
    if row is None:
        return None
    kept = rotation.Kept(
        row["refresh_digest"], row["previous_refresh_digest"], row["salt"], row["refreshed_at"]
    )
    return Held(
        UserId(row["user_id"]),
        row["credential_id"],
        row["name"] or row["user_agent"],
        row["address"],
        row["expires_at"],
        row["secret_expires_at"],
        kept,
    )


async def rotate(
    tx: Transaction,
    tenant_id: TenantId,
    presented: rotation.Presented,
    *,
    salt: bytes,
    secret: tuple[bytes, str, datetime],
    refresh_digest: bytes,
    now: datetime,
    idle_expires_at: datetime,
) -> None:
    """Put the next pair in the place of the present one; ``secret``: digest, prefix and end."""
    secret_hash, prefix, secret_expires_at = secret
    await tx.execute(
        QUERIES["rotate"],
        tenant_id=tenant_id,
        family_hash=presented.family_hash,
        previous_until=now + rotation.GRACE,
        secret_hash=secret_hash,
        prefix=prefix,
        secret_expires_at=secret_expires_at,
        refresh_digest=refresh_digest,
        salt=salt,
        now=now,
        idle_expires_at=idle_expires_at,
    )
