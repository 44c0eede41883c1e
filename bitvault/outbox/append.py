"""Appending: the last statement before COMMIT (reliability §4.1)."""

from collections.abc import Sequence

import attrs
from attrs import frozen
from msgspec import json

from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.principal import Caller, Origin
from bitvault.outbox.coding import encode
from bitvault.outbox.wakeup import Wakeups

_QUERIES = load_queries("bitvault.outbox")
_MOST_ORIGIN = 512


@frozen(eq=False)
class Outbox:
    """Numbers events per tenant and keeps them with the change that caused them."""

    ids: Ids
    clock: Clock
    wakeups: Wakeups

    async def append(
        self,
        tx: Transaction,
        tenant_id: TenantId,
        events: Sequence[Event],
        caller: Caller | Origin | None,
    ) -> Position:
        """Append one or more events; the i-th of k gets seq ``position.seq - k + 1 + i``.

        Must be the last statement of the transaction: it takes the tenant's counter row, which
        every other writer of the tenant then waits for until the commit. An ``Origin`` stands for
        somebody who is not known, None for the platform itself.

        Raises:
            ValueError: there is no event.
        """
        if not events:
            raise ValueError("append needs an event: a position stands for one")
        row = await tx.fetchrow(
            _QUERIES["append"],
            tenant_id=tenant_id,
            epoch=self.ids.uuid7(),
            now=self.clock.now(),
            user_id=caller.principal.user_id if isinstance(caller, Caller) else None,
            origin=_origin(tenant_id, caller),
            event_ids=[self.ids.uuid7() for _ in events],
            kinds=[event.kind for event in events],
            aggregate_ids=[event.aggregate_id for event in events],
            revisions=[event.revision for event in events],
            versions=[event.schema for event in events],
            payloads=[encode(event) for event in events],
        )
        if row is None:
            raise RuntimeError("append returned no position")
        tx.after_commit(lambda: self.wakeups.add(tenant_id))
        return Position(row["epoch"], row["last"])


def _origin(tenant_id: TenantId, caller: Caller | Origin | None) -> str:
    origin = caller.origin if isinstance(caller, Caller) else caller
    members: dict[str, str] = {} if origin is None else attrs.asdict(origin)
    if isinstance(caller, Caller):
        is_own = caller.tenant_id == tenant_id
        # Of somebody from elsewhere the tenant learns what they are, and no more.
        credential = str(caller.principal.credential_id)
        members |= {"credential_id": credential} if is_own else {"by": "operator"}
    return json.encode({key: bounded(value) for key, value in members.items()}).decode()


def bounded(value: str) -> str:
    """Return what the database can hold of a client's header, and no more than is of use."""
    return value[:_MOST_ORIGIN].replace("\0", "").encode(errors="replace").decode()
