"""The right design, and classic mistakes that the invariants have to catch.

A mistake is made by replacing one name of the product, or one statement, while a run lasts.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from attrs import define, evolve, field, frozen

import bitvault.tree
from bitvault.actors.files.actor import collecting as files_collecting
from bitvault.actors.files.contract import ObjectInDoubt
from bitvault.actors.files.store import closing, collecting, committing, contents
from bitvault.actors.files.store.structure import Structure
from bitvault.actors.storage.actor.proof import Prover
from bitvault.actors.storage.store import Seal
from bitvault.drivers.postgres.port import Query
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from bitvault.outbox import ConsumerLoop, Outbox, journal
from tests.simulation.database import SimTransaction
from tests.simulation.draws import duel, handful, race, sweep, wild
from tests.simulation.plans import Plan

Making = Callable[[ExitStack], None]


@contextmanager
def _replaced(owner: Any, name: str, new: Any) -> Iterator[None]:
    kept = getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, kept)


@contextmanager
def _rewritten(queries: Mapping[str, Query], name: str, old: str, new: str) -> Iterator[None]:
    kept = queries[name]
    if old not in kept.sql:
        raise AssertionError(f"the statement {name} has changed; so must its mutant")
    queries[name] = evolve(kept, sql=kept.sql.replace(old, new))  # type: ignore[index]
    try:
        yield
    finally:
        queries[name] = kept  # type: ignore[index]


@frozen
class Mutant:
    """One mistake, and the invariant, by its number, that must give it away."""

    name: str = "none"
    breaks: str = ""
    make: Making = lambda _: None
    keeps_keys: bool = True
    """Whether clients repeat with the same Idempotency-Key."""
    store_checks: bool = True
    """Whether the store holds a PUT to its signed checksum."""
    draw: Callable[[int], Plan] = wild
    """Which plans give it away soonest."""
    first: int = 1
    """A seed near one that does."""

    def caught_by(self, broken: Sequence[str]) -> bool:
        """Return whether the invariant that it must break is among the broken ones."""
        return any(each.startswith(self.breaks) for each in broken)

    def plans(self, count: int) -> Iterator[Plan]:
        """Yield plans to try it with."""
        for seed in range(self.first, self.first + count):
            yield evolve(self.draw(seed), mutant=self.name)

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the mistake while a run lasts."""
        with ExitStack() as stack:
            self.make(stack)
            yield


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
    stack.enter_context(_replaced(bitvault.tree, "Outbox", _LateOutbox))


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
                await self.consumer.apply(tx, event)

            for step in (mark, effect) if self.mark_first else (effect, mark):
                await self.database.transact(tenant_id, step)


def _two_steps(*, mark_first: bool) -> Making:
    def loop(*arguments: Any) -> ConsumerLoop:
        return _TwoSteps(*arguments, mark_first=mark_first)

    return lambda stack: stack.enter_context(_replaced(bitvault.tree, "ConsumerLoop", loop))  # type: ignore[return-value]


def _cursor_unchecked(stack: ExitStack) -> None:
    rewritten = _rewritten(
        journal._QUERIES, "advance_existing", "AND applied = $4", "AND $4::bigint >= 0"
    )
    stack.enter_context(rewritten)


def _quota_later(stack: ExitStack) -> None:
    async def settle(tx: SimTransaction, tenant: UUID, ledger: Any) -> None:
        async def later(after: Any) -> None:
            await contents.settle(after, tenant, ledger)

        tx.later.append(later)

    stack.enter_context(_replaced(committing, "settle", settle))


def _refs_later(stack: ExitStack) -> None:
    async def take(tx: SimTransaction, stamp: Any, offered: Any) -> dict[str, str]:
        async def later(after: Any) -> None:
            await contents.take_blobs(after, stamp, offered)

        tx.later.append(later)
        return {content: key for content, key, _ in reversed(offered)}

    stack.enter_context(_replaced(committing, "take_blobs", take))


def _reservation_kept(stack: ExitStack) -> None:
    right = closing.close_uploads

    async def close(tx: Any, tenant: UUID, ids: Any, state: str) -> list[UUID]:
        if state != "expired":
            return await right(tx, tenant, ids, state)
        rows = await tx.fetch(closing.SQL["close_uploads"], tenant=tenant, ids=ids, state=state)
        return [row["upload_id"] for row in rows]

    stack.enter_context(_replaced(collecting, "close_uploads", close))


def _node_unlocked(stack: ExitStack) -> None:
    sql = contents.SQL
    stack.enter_context(_rewritten(sql, "lock_nodes", "FOR UPDATE", ""))
    last = "AS v (node_id, version, size, hash, content_type, modified)"
    stack.enter_context(_rewritten(sql, "insert_versions", last, f"{last} ON CONFLICT DO NOTHING"))


def _tree_unlocked(stack: ExitStack) -> None:
    async def lock(_: Structure) -> None: ...

    stack.enter_context(_replaced(Structure, "lock", lock))


def _unproved(stack: ExitStack) -> None:
    async def prove(_: Prover, _tenant: Any, entry: Any, claim: Any, _listed: Any) -> Seal:
        return Seal(entry.upload_id, claim.hash)

    stack.enter_context(_replaced(Prover, "prove", prove))


def _blob_before_upload(stack: ExitStack) -> None:
    async def judge(tx: Any, tenant: UUID, objects: Sequence[ObjectInDoubt]) -> Any:
        rows = await tx.fetch(
            collecting.SQL["named_among"],
            tenant=tenant,
            hashes=[one.hash for one in objects if one.key],
            object_keys=[one.key for one in objects if one.key],
        )
        named = {row["object_key"] for row in rows}
        ids = [one.upload_id for one in objects]
        rows = await tx.fetch(collecting.SQL["open_among"], tenant=tenant, upload_ids=ids)
        waiting = {row["upload_id"] for row in rows}
        return tuple(collecting._verdict(one, waiting, named) for one in objects)

    stack.enter_context(_replaced(files_collecting, "judge", judge))


def _condemned_key_kept(stack: ExitStack) -> None:
    old = "CASE WHEN b.state = 'live' THEN b.object_key ELSE excluded.object_key END"
    stack.enter_context(_rewritten(contents.SQL, "take_blobs", old, "b.object_key"))


def _upload_unlocked(stack: ExitStack) -> None:
    stack.enter_context(_rewritten(committing.SQL, "lock_uploads", "FOR UPDATE", ""))


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
    Mutant("blob looked at before its upload", "I15b", _blob_before_upload, draw=sweep),
    Mutant("condemned blob used with its old key", "I1", _condemned_key_kept, draw=sweep),
    Mutant("upload not locked at commit", "I19", _upload_unlocked, draw=race),
)


def mutant_named(name: str) -> Mutant:
    """Find a mutant, or the right design."""
    return next((mutant for mutant in MUTANTS if mutant.name == name), NONE)
