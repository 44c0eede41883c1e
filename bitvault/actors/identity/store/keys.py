"""What an Idempotency-Key has made."""

from datetime import datetime, timedelta
from uuid import UUID

from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.principal import Caller

QUERIES = load_queries("bitvault.actors.identity.store", "keys.sql")
KEY_LIFETIME = timedelta(hours=24)


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
