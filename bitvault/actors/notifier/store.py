"""One function per query."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from attrs import frozen
from msgspec import json

from bitvault.actors.notifier.contract import Mail
from bitvault.actors.notifier.rules.queueing import Draft, mail_id_of
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.events import Recorded
from bitvault.kernel.ids import TenantId

QUERIES = load_queries("bitvault.actors.notifier")


@frozen
class Claimed:
    """A mail whose turn it is, and which nobody else sends now."""

    tenant_id: TenantId
    mail_id: UUID
    kind: str
    recipient_id: UUID
    detail: Mapping[str, str]
    attempts: int
    """With this one."""
    queued_at: datetime


@frozen
class Outcome:
    """What became of a mail; ``next_at`` matters as long as it is queued."""

    state: str
    next_at: datetime
    error: str | None = None
    address: str | None = None


async def insert_mail(tx: Transaction, event: Recorded, draft: Draft) -> None:
    """Queue a mail."""
    await tx.execute(
        QUERIES["insert_mail"],
        tenant_id=event.tenant_id,
        mail_id=mail_id_of(event, draft),
        seq=event.seq,
        kind=draft.kind,
        recipient_id=draft.recipient_id,
        detail=json.encode(draft.detail).decode(),
        now=event.recorded_at,
    )


async def due(tx: Transaction, now: datetime, most: int) -> tuple[tuple[TenantId, UUID], ...]:
    """Return whose turn it is, across tenants."""
    rows = await tx.fetch(QUERIES["due"], now=now, most=most)
    return tuple((TenantId(row["tenant_id"]), row["mail_id"]) for row in rows)


async def claim(
    tx: Transaction, tenant_id: TenantId, mail_id: UUID, now: datetime, until: datetime
) -> Claimed | None:
    """Take a mail; None when somebody else has it."""
    place = {"tenant_id": tenant_id, "mail_id": mail_id}
    row = await tx.fetchrow(QUERIES["claim"], **place, now=now, until=until)
    if row is None:
        return None
    return Claimed(tenant_id, **{**row, "detail": json.decode(row["detail"])})


async def give_back(tx: Transaction, claimed: Claimed, next_at: datetime, error: str) -> None:
    """Leave a mail as if it had not been tried."""
    place = {"tenant_id": claimed.tenant_id, "mail_id": claimed.mail_id}
    await tx.execute(QUERIES["give_back"], **place, next_at=next_at, error=error)


async def settle(tx: Transaction, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    """Write what became of a mail."""
    await tx.execute(
        QUERIES["settle"],
        tenant_id=claimed.tenant_id,
        mail_id=claimed.mail_id,
        state=outcome.state,
        next_at=outcome.next_at,
        address=outcome.address,
        error=outcome.error,
        now=now,
    )


async def forget(tx: Transaction, tenant_id: TenantId, before: datetime) -> None:
    """Delete some of what ended long ago."""
    await tx.execute(QUERIES["forget"], tenant_id=tenant_id, before=before)


async def waiting(tx: Transaction) -> tuple[int, datetime | None]:
    """Return how many mails wait, and since when the first does; across tenants."""
    row = await tx.fetchrow(QUERIES["waiting"])
    return (row["queued"], row["oldest_at"]) if row else (0, None)


async def count_of(tx: Transaction, tenant_id: TenantId, state: str) -> tuple[int, datetime | None]:
    """Count a tenant's mails in a state; and since when the first of them is there."""
    row = await tx.fetchrow(QUERIES["count_of"], tenant_id=tenant_id, state=state)
    return (row["count"], row["oldest_at"]) if row else (0, None)


async def mails(
    tx: Transaction,
    tenant_id: TenantId,
    state: str | None,
    before: tuple[int, UUID],
    most: int,
) -> tuple[Mail, ...]:
    """List mails that lie before a seq and id, newest first."""
    place = {"tenant_id": tenant_id, "seq": before[0], "mail_id": before[1], "most": most}
    if state is None:
        rows = await tx.fetch(QUERIES["mails"], **place)
    else:
        rows = await tx.fetch(QUERIES["mails_in_state"], **place, state=state)
    return tuple(Mail(**row) for row in rows)


async def resend(tx: Transaction, tenant_id: TenantId, mail_id: UUID, now: datetime) -> Mail | None:
    """Queue a mail again; None when there is none such."""
    row = await tx.fetchrow(QUERIES["resend"], tenant_id=tenant_id, mail_id=mail_id, now=now)
    return Mail(**row) if row else None
