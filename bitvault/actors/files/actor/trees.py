"""Apply: operations on a tree, in order, in one transaction; each succeeds or is refused."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from attrs import define, evolve

from bitvault.actors.files.actor.options import FilesOptions
from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    Apply,
    CopyNode,
    MakeFolder,
    MoveNode,
    Operation,
    PurgeEntry,
    RestoreEntry,
    RestoreVersion,
    TrashNode,
    Written,
)
from bitvault.actors.files.rules.drafts import check_batch
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.copying import Restricting, copy_node, restore_version
from bitvault.actors.files.store.drawing import Drawn
from bitvault.actors.files.store.outcomes import keep, repeated
from bitvault.actors.files.store.places import node_of
from bitvault.actors.files.store.purging import purge_entry
from bitvault.actors.files.store.structure import Done, Structure
from bitvault.actors.files.store.written import position_of
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Position
from bitvault.kernel.ids import Ids
from bitvault.kernel.refusal import Refused
from supervisors import handles


@define(eq=False)
class Trees:
    """Everything that changes the shape of a tree."""

    transactions: FilesTransactions
    clock: Clock
    ids: Ids
    options: FilesOptions
    restrict: Restricting | None

    @handles(Apply)
    async def apply(self, message: Apply) -> Any:
        """Apply the operations under the tenant's tree lock."""
        check_batch(len(message.operations), "operations")
        stamp = Stamp(message.caller, self.clock.now())

        async def work(tx: Transaction) -> list[Any]:
            outcomes = await self._apply(tx, stamp, message.operations)
            if message.is_dry:
                raise _Foreseen(outcomes)
            return outcomes

        try:
            return tuple(await self.transactions.write(message.caller, work))
        except _Foreseen as foreseen:
            return tuple(map(_unmade, foreseen.outcomes))

    async def _apply(
        self, tx: Transaction, stamp: Stamp, operations: Sequence[Operation]
    ) -> list[Any]:
        before = await repeated(tx, stamp.caller, stamp.now)
        if before is not None:
            return before
        structure = Structure(tx, stamp, self.ids, self.options.purge_at_once)
        await structure.lock()
        done = []
        for part in _parts(operations):
            await structure.drawing.prepare(part)
            for one in part:
                done.append(await _one(structure, one, self.restrict))
                await structure.finish()
            await structure.drawing.write()
        position = await self.transactions.appender(stamp.caller)(tx, structure.events)
        outcomes = [_outcome(one, position, len(structure.events)) for one in done]
        await keep(tx, stamp.caller, outcomes)
        return outcomes


class _Foreseen(Exception):  # noqa: N818 - not an error: rolls a dry run back, with its answer
    def __init__(self, outcomes: Sequence[Any]) -> None:
        self.outcomes = outcomes


def _unmade(outcome: Any) -> Any:
    """Return an outcome without the event and the entry that did not come about."""
    if not isinstance(outcome, Written):
        return outcome
    return evolve(outcome, position=None, entry_id=None)


def _parts(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """Cut a batch into runs that are drawn and written at once; other operations stand alone."""
    for drawn, run in groupby(operations, lambda one: isinstance(one, Drawn)):
        if drawn:
            yield list(run)
        else:
            yield from ([one] for one in run)


async def _one(  # noqa: PLR0911 - one line for each operation
    structure: Structure, one: Operation, restrict: Restricting | None
) -> Any:
    try:
        match one:
            case MakeFolder():
                return await structure.make_folder(one)
            case MoveNode():
                return await structure.move(one)
            case TrashNode():
                return await structure.trash(one)
            case RestoreEntry():
                return await structure.restore(one)
            case PurgeEntry():
                return await purge_entry(structure, one)
            case CopyNode():
                return await copy_node(structure, one, restrict)
            case RestoreVersion():
                return await restore_version(structure, one)
    except Refused as refused:
        return refused.refusal


def _outcome(one: Any, position: Position | None, count: int) -> Any:
    if not isinstance(one, Done):
        return one
    node = node_of(one.row, one.space_id, one.path)
    return Written(node, position_of(position, count, one.event), one.entry_id)
