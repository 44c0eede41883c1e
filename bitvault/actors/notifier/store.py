"""One function per query."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen
from msgspec import json

from bitvault.actors.notifier.contract import Mail
from bitvault.actors.notifier.rules.queueing import Draft, mail_id_of, urgency_of
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.events import Recorded
from bitvault.kernel.ids import TenantId
from bitvault.kernel.limits import Charge, Verdict, decide

QUERIES = load_queries("bitvault.actors.notifier")
FIRST = UUID(int=0)
"""Before all tenants."""
_TENANTS = 50
"""How many one look passes: a turn costs the same however many have mail that waits."""


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
    until: datetime
    """When it is another's turn to try; the mark by which this attempt is known."""


@frozen
class Due:
    """Mails whose turn it is, and after which tenant to look the next time."""

    mails: tuple[tuple[TenantId, UUID], ...]
    after: UUID


@frozen
class Outcome:
    """What became of a mail; ``next_at`` matters as long as it is queued."""

    state: str
    next_at: datetime
    error: str | None = None
    address: str | None = None


async def insert_mail(tx: Transaction, event: Recorded, draft: Draft) -> bool:
    """Queue a mail; False when it is there already."""
    row = await tx.fetchrow(
        QUERIES["insert_mail"],
        tenant_id=event.tenant_id,
        mail_id=mail_id_of(event, draft),
        seq=event.seq,
        kind=draft.kind,
        recipient_id=draft.recipient_id,
        detail=json.encode(draft.detail).decode(),
        urgency=urgency_of(draft.kind),
        now=event.recorded_at,
    )
    return row is not None


async def drop_mail(
    tx: Transaction, tenant_id: TenantId, mail_id: UUID, error: str, now: datetime
) -> None:
    """Do not send a mail that was just queued."""
    place = {"tenant_id": tenant_id, "mail_id": mail_id}
    await tx.execute(QUERIES["drop_mail"], **place, error=error, now=now)


async def judge(
    tx: Transaction, tenant_id: TenantId, charges: Sequence[Charge], now: datetime
) -> tuple[Verdict, ...]:
    """Say what the limits say to charges, without making them."""
    keys = [charge.key for charge in charges]
    rows = await tx.fetch(QUERIES["arrivals"], tenant_id=tenant_id, keys=keys)
    kept, seconds = {row["key"]: float(row["arrival"]) for row in rows}, now.timestamp()
    return tuple(decide(kept.get(one.key, 0.0), seconds, one.limit, one.cost) for one in charges)


async def spend(
    tx: Transaction, tenant_id: TenantId, charges: Sequence[Charge], now: datetime
) -> bool:
    """Make all of the charges, or none: then it is False."""
    verdicts = await judge(tx, tenant_id, charges, now)
    if not all(verdict.is_allowed for verdict in verdicts):
        return False
    keys, arrivals = [one.key for one in charges], [verdict.arrival for verdict in verdicts]
    await tx.execute(QUERIES["spend"], tenant_id=tenant_id, keys=keys, arrivals=arrivals)
    await tx.execute(QUERIES["forget_spent"], tenant_id=tenant_id, now=now.timestamp())
    return True


async def due(tx: Transaction, urgency: int, after: UUID, most: int, now: datetime) -> Due:
    """Return whose turn it is of one urgency, across tenants: of each tenant one, then another."""
    rows = await tx.fetch(
        QUERIES["due"], urgency=urgency, after=after, tenants=_TENANTS, most=most, now=now
    )
    found = [row for row in rows if row["mail_id"] is not None]
    walked = {row["tenant_id"] for row in rows}
    last = max(walked) if len(walked) == _TENANTS else FIRST
    if sum(row["place"] == 1 for row in found) > most:
        last = found[most - 1]["tenant_id"]
    return Due(tuple((TenantId(row["tenant_id"]), row["mail_id"]) for row in found[:most]), last)


async def claim(
    tx: Transaction, tenant_id: TenantId, mail_id: UUID, now: datetime, until: datetime
) -> Claimed | None:
    """Take a mail; None when somebody else has it."""
    place = {"tenant_id": tenant_id, "mail_id": mail_id}
    row = await tx.fetchrow(QUERIES["claim"], **place, now=now, until=until)
    if row is None:
        return None
    members = {**row, "detail": json.decode(row["detail"]), "until": until}
    return Claimed(tenant_id, **members)


async def give_back(tx: Transaction, claimed: Claimed, next_at: datetime, error: str) -> None:
    """Leave a mail as if it had not been tried."""
    place = {"tenant_id": claimed.tenant_id, "mail_id": claimed.mail_id, "until": claimed.until}
    await tx.execute(QUERIES["give_back"], **place, next_at=next_at, error=error)


async def settle(tx: Transaction, claimed: Claimed, outcome: Outcome, now: datetime) -> bool:
    """Write what became of a mail; False: it was claimed again meanwhile."""
    settled = await tx.execute(
        QUERIES["settle"],
        tenant_id=claimed.tenant_id,
        mail_id=claimed.mail_id,
        until=claimed.until,
        state=outcome.state,
        next_at=outcome.next_at,
        address=outcome.address,
        error=outcome.error,
        now=now,
    )
    return bool(settled)


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
