"""Uploads that end without a commit, and reading those that are open."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import UploadClosed, UploadEnded, UploadNotFound
from bitvault.actors.files.rules.quota import Ledger
from bitvault.actors.files.store.committing import within_reach
from bitvault.actors.files.store.contents import Stamp, settle
from bitvault.actors.files.store.dropping import give_slots_back
from bitvault.actors.files.store.outcomes import SQL
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.ids import UploadId
from bitvault.kernel.refusal import Refusal


@frozen
class Aborted:
    """What became of each upload, in order, and those that were open until now."""

    outcomes: tuple[UploadEnded | Refusal, ...]
    closed: list[UUID]


async def abort_uploads(tx: Transaction, stamp: Stamp, ids: Sequence[UUID]) -> Aborted:
    """End uploads of the caller; a commit that is under way is waited for, and then stands."""
    rows = await tx.fetch(
        SQL["lock_uploads"],
        tenant=stamp.tenant,
        user_id=stamp.caller.principal.user_id,
        ids=list(dict.fromkeys(ids)),
    )
    states = {row["upload_id"]: row["state"] for row in await within_reach(tx, stamp, rows)}
    still_open = [one for one, state in states.items() if state == "open"]
    closed = []
    if still_open:
        closed = await close_uploads(tx, stamp.tenant, still_open, "aborted")
        states |= dict.fromkeys(closed, "aborted")
    return Aborted(tuple(_ended(one, states.get(one)) for one in ids), closed)


def _ended(upload_id: UUID, state: str | None) -> UploadEnded | Refusal:
    if state is None:
        return UploadNotFound()
    if state == "committed":
        return UploadClosed(state)
    return UploadEnded(UploadId(upload_id), state)


async def close_uploads(
    tx: Transaction, tenant: UUID, ids: Sequence[UUID], state: str
) -> list[UUID]:
    """End these uploads as ``aborted`` or ``expired`` and give back what they reserved.

    Answers those that were open until now.
    """
    rows = await tx.fetch(SQL["close_uploads"], tenant=tenant, ids=list(ids), state=state)
    await _give_back(tx, tenant, rows)
    return [row["upload_id"] for row in rows]


async def withdraw_uploads(tx: Transaction, tenant: UUID, ids: Sequence[UUID]) -> None:
    """Forget uploads that nobody was told of, and give back what they reserved."""
    rows = await tx.fetch(SQL["withdraw_uploads"], tenant=tenant, ids=list(ids))
    await _give_back(tx, tenant, rows)


async def _give_back(tx: Transaction, tenant: UUID, rows: Sequence[Row]) -> None:
    ledger = Ledger(tenant, {})
    for row in rows:
        ledger.add(row["space_id"], reserved=-row["size"])
    await give_slots_back(tx, tenant, [row["user_id"] for row in rows if row["visit"]])
    await settle(tx, tenant, ledger)


async def renew_upload(
    tx: Transaction, stamp: Stamp, upload_id: UUID, until: datetime
) -> Row | None:
    """Let an open upload of the caller live longer; None: it does already, or is over."""
    return await tx.fetchrow(
        SQL["renew_upload"],
        tenant=stamp.tenant,
        user_id=stamp.caller.principal.user_id,
        upload_id=upload_id,
        expires_at=until,
    )


async def open_page(tx: Transaction, stamp: Stamp, before: UUID, limit: int) -> list[Row]:
    """Return the caller's open uploads, newest first, and one more than ``limit``."""
    return await tx.fetch(
        SQL["open_uploads"],
        tenant=stamp.tenant,
        user_id=stamp.caller.principal.user_id,
        before=before,
        limit=limit + 1,
    )
