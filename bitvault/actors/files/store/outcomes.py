"""Idempotency: outcomes kept in the transaction that made them true (reliability §4.7)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from attrs import frozen

from bitvault.actors.files import contract
from bitvault.actors.storage import contract as storage
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import IdempotencyConflict, Refused
from bitvault.kernel.tags import tags_of

SQL = load_queries("bitvault.actors.files.store", "uploads.sql")
KEY_LIFETIME = timedelta(hours=24)


@frozen
class OpenedUpload:
    """An init's outcome as it is kept: the transfers are signed again for a repeat."""

    upload_id: UUID


_KINDS = {**tags_of([contract, storage]), "opened_upload": OpenedUpload}
_TAGS = {kind: tag for tag, kind in _KINDS.items()}


def dump(outcome: Any) -> dict[str, Any]:
    """Render an outcome as JSON values."""
    return {"kind": _TAGS[type(outcome)], "value": msgspec.to_builtins(outcome)}


def restore(kept: dict[str, Any]) -> Any:
    """Read an outcome back."""
    return msgspec.convert(kept["value"], _KINDS[kept["kind"]])


async def repeated(tx: Transaction, caller: Caller, now: datetime) -> list[Any] | None:
    """Claim the caller's Idempotency-Key, or answer the outcomes of its first use.

    Raises:
        Refused: ``IdempotencyConflict`` when the key came with another request.
    """
    key = caller.idempotency
    if key is None:
        return None
    claimed = await tx.fetchrow(
        SQL["claim_key"],
        tenant=caller.tenant_id,
        user_id=caller.principal.user_id,
        key=key.key,
        fingerprint=key.fingerprint,
        expires_at=now + KEY_LIFETIME,
        now=now,
    )
    if claimed:
        return None
    row = await tx.fetchrow(SQL["key_row"], **_owner(caller), key=key.key)
    if row is None or bytes(row["fingerprint"]) != key.fingerprint:
        raise Refused(IdempotencyConflict())
    return [restore(one) for one in row["outcomes"]]


async def keep(tx: Transaction, caller: Caller, outcomes: Sequence[Any]) -> None:
    """Keep the outcomes for a repeat, if the caller sent a key."""
    if caller.idempotency:
        kept = [dump(one) for one in outcomes]
        await tx.execute(
            SQL["keep_outcomes"], **_owner(caller), key=caller.idempotency.key, outcomes=kept
        )


def _owner(caller: Caller) -> dict[str, UUID]:
    return {"tenant": caller.tenant_id, "user_id": caller.principal.user_id}
