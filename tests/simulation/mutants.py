"""The right design, and classic mistakes that the invariants have to catch."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from attrs import define, field

import bitvault.tree
import bitvault.wiring
from bitvault.actors.files.store import closing, collecting, committing, contents
from bitvault.actors.files.store.structure import Structure
from bitvault.actors.storage.actor.proof import Prover
from bitvault.actors.storage.store import Seal
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from bitvault.outbox import ConsumerLoop, Outbox, journal
from tests.simulation.access_mutants import ACCESS
from tests.simulation.database import SimTransaction
from tests.simulation.draws import crowd, duel, handful, race
from tests.simulation.garbage_mutants import GARBAGE
from tests.simulation.making import Making, Mutant, replaced, rewritten
from tests.simulation.silent_mutants import SILENT


@define(eq=False)
class _LateOutbox(Outbox):
    """Appends in a transaction of its own, after the change was committed."""

    async def append(
        self,
        tx: SimTransaction,  # type: ignore[override]
        tenant_id: TenantId,
        events: Sequence[Event],
        caller: Caller | None,
    ) -> Position:
        async def later(after: SimTransaction) -> Position:
            return await super(_LateOutbox, self).append(after, tenant_id, events, caller)

        tx.later.append(later)  # type: ignore[arg-type]
        return Position(self.ids.uuid7(), len(events))


def _event_after_commit(stack: ExitStack) -> None:
    stack.enter_context(replaced(bitvault.wiring, "Outbox", _LateOutbox))


@define(eq=False)
class _TwoSteps(ConsumerLoop):
    """Moves the cursor in one transaction and takes the effect in another."""

    mark_first: bool = field(default=False, kw_only=True)

    async def catch_up(self, tenant_id: TenantId) -> None:
        name = self.consumer.name

        async def look(tx: Any) -> tuple[int, Any]:
            after = await journal.applied(tx, name, tenant_id)
            return after, await journal.events_after(tx, tenant_id, after, 1)

        while True:
            after, events = await self.database.read(tenant_id, look)
            if not events:
                return

            async def mark(tx: Any, after: int = after, seq: int = events[0].seq) -> None:
                await journal.advance(tx, name, tenant_id, after, seq)

            async def effect(tx: Any, event: Any = events[0]) -> None:
                if event.kind in self._classes:
                    await self.consumer.apply_many(tx, [event.decoded(self._classes)])

            for step in (mark, effect) if self.mark_first else (effect, mark):
                await self.database.transact(tenant_id, step)


def _two_steps(*, mark_first: bool) -> Making:
    def loop(*arguments: Any, **named: Any) -> ConsumerLoop:
        return _TwoSteps(*arguments, **named, mark_first=mark_first)

    return lambda stack: stack.enter_context(replaced(bitvault.tree, "ConsumerLoop", loop))  # type: ignore[return-value]


def _cursor_unchecked(stack: ExitStack) -> None:
    old, new = "AND applied = $4", "AND $4::bigint >= 0"
    stack.enter_context(rewritten(journal._QUERIES, "advance_existing", old, new))


def _quota_later(stack: ExitStack) -> None:
    async def settle(tx: SimTransaction, tenant: UUID, ledger: Any) -> None:
        async def later(after: Any) -> None:
            await contents.settle(after, tenant, ledger)

        tx.later.append(later)

    stack.enter_context(replaced(committing, "settle", settle))


def _refs_later(stack: ExitStack) -> None:
    async def take(tx: SimTransaction, stamp: Any, offered: Any) -> dict[str, str]:
        async def later(after: Any) -> None:
            await contents.take_blobs(after, stamp, offered)

        tx.later.append(later)
        return {content: key for content, key, _ in reversed(offered)}

    stack.enter_context(replaced(committing, "take_blobs", take))


def _reservation_kept(stack: ExitStack) -> None:
    right = closing.close_uploads

    async def close(tx: Any, tenant: UUID, ids: Any, state: str) -> list[UUID]:
        if state != "expired":
            return await right(tx, tenant, ids, state)
        rows = await tx.fetch(closing.SQL["close_uploads"], tenant=tenant, ids=ids, state=state)
        return [row["upload_id"] for row in rows]

    stack.enter_context(replaced(collecting, "close_uploads", close))


def _node_unlocked(stack: ExitStack) -> None:
    sql = contents.SQL
    stack.enter_context(rewritten(sql, "lock_nodes", "FOR UPDATE", ""))
    last = "AS v (node_id, version, size, hash, content_type, modified)"
    stack.enter_context(rewritten(sql, "insert_versions", last, f"{last} ON CONFLICT DO NOTHING"))


def _tree_unlocked(stack: ExitStack) -> None:
    async def lock(_: Structure) -> None: ...

    stack.enter_context(replaced(Structure, "lock", lock))


def _unproved(stack: ExitStack) -> None:
    async def prove(_: Prover, _tenant: Any, entry: Any, claim: Any, _listed: Any) -> Seal:
        return Seal(entry.upload_id, claim.hash)

    stack.enter_context(replaced(Prover, "prove", prove))


def _upload_unlocked(stack: ExitStack) -> None:
    stack.enter_context(rewritten(committing.SQL, "lock_uploads", "FOR UPDATE", ""))


Later = Callable[[Any], Awaitable[Any]]
NONE = Mutant()
MUTANTS: Sequence[Mutant] = (
    Mutant("no idempotency key", "I23", keeps_keys=False, first=11),
    Mutant("event after commit", "I8 an event is lost", _event_after_commit),
    Mutant("ack before effect", "I7", _two_steps(mark_first=True)),
    Mutant("dedup mark outside the transaction", "I7", _two_steps(mark_first=False)),
    Mutant("unsigned checksum", "I1 ", store_checks=False, draw=handful),
    Mutant("bytes believed unproved", "I1 ", _unproved),
    Mutant("quota settled outside the transaction", "I19", _quota_later),
    Mutant("references added outside the transaction", "I1", _refs_later),
    Mutant("reservation kept on expiry", "I19", _reservation_kept),
    Mutant("cursor moved unchecked", "I7", _cursor_unchecked),
    Mutant("node not locked before a new version", "I15", _node_unlocked, draw=race),
    Mutant("tree lock not taken", "I12", _tree_unlocked, draw=duel),
    Mutant("upload not locked at commit", "I19", _upload_unlocked, draw=crowd),
    *GARBAGE,
    *ACCESS,
    *SILENT,
)


def mutant_named(name: str) -> Mutant:
    """Find a mutant, or the right design."""
    return next((mutant for mutant in MUTANTS if mutant.name == name), NONE)
