"""Mistakes that only a whole row gives away, or what happened and no client ever heard of."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from attrs import define, evolve

import bitvault.wiring
from bitvault.actors.audit import store as trail
from bitvault.actors.files.contract import MoveNode, NodeCreated, NodeMoved
from bitvault.actors.files.store import committing, contents, spaces
from bitvault.actors.files.store.structure import Structure
from bitvault.kernel.events import Event, Position
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from bitvault.outbox import Outbox, append
from tests.simulation.draws import brimful, hushed
from tests.simulation.making import Making, Mutant, replaced, rewritten


def _statement(queries: Any, name: str, old: str, new: str) -> Making:
    return lambda stack: stack.enter_context(rewritten(queries, name, old, new))


@define(eq=False)
class _Restless(Outbox):
    """Renames each new folder to its own name, for nobody."""

    async def append(
        self, tx: Any, tenant_id: TenantId, events: Sequence[Event], caller: Caller | None
    ) -> Position:
        position = await super().append(tx, tenant_id, events, caller)
        for event in events:
            if isinstance(event, NodeCreated) and event.parent_id:
                here = event.parent_id, event.name
                moved = NodeMoved(event.aggregate_id, 2, event.space_id, *here, *here)
                await super().append(tx, tenant_id, [moved], None)
        return position


def _unasked(stack: ExitStack) -> None:
    stack.enter_context(replaced(bitvault.wiring, "Outbox", _Restless))


def _new_name_forgotten(stack: ExitStack) -> None:
    right = Structure.move

    async def move(self: Structure, one: MoveNode) -> Any:
        return await right(self, evolve(one, name=None))

    stack.enter_context(replaced(Structure, "move", move))


def _folders_not_made(stack: ExitStack) -> None:
    right = committing.arrival_of

    def arrival_of(*arguments: Any) -> Any:
        arrival = right(*arguments)
        return evolve(arrival, names=arrival.names[-1:])

    stack.enter_context(replaced(committing, "arrival_of", arrival_of))


_FOLLOWED = "CASE WHEN h.follows THEN t.space_quota ELSE h.quota END"
_CONTENTS = contents.SQL
SILENT: Sequence[Mutant] = (
    Mutant(
        "quota of all spaces not checked",
        "I19 more is used",
        _statement(_CONTENTS, "reserve", _FOLLOWED, "h.quota"),
        draw=brimful,
    ),
    Mutant(
        "quota of the settings not kept",
        "I19 tenant",
        _statement(spaces.SQL, "insert_usage", "h.follows, h.space_quota", "h.follows, NULL"),
        draw=brimful,
    ),
    Mutant(
        "trail without users",
        "I7 the audit trail",
        _statement(trail.QUERIES, "insert_entries", "e.user_id,", "NULLIF(e.user_id, e.user_id),"),
    ),
    Mutant(
        "events without users",
        "I7 the author",
        _statement(append._QUERIES, "append", "$5::uuid", "NULLIF($5::uuid, $5)"),
    ),
    Mutant(
        "type of a version lost",
        "I9 version",
        _statement(_CONTENTS, "insert_versions", "v.content_type", "'text/plain'"),
    ),
    Mutant(
        "type of the version before",
        "I9 a file is not",
        _statement(_CONTENTS, "update_files", "= n.content_type", "= f.content_type"),
    ),
    Mutant("folder renamed for nobody", "I23 event", _unasked),
    Mutant("new name of what is moved forgotten", "P1 unheard", _new_name_forgotten, draw=hushed),
    Mutant("folders of an upload not made", "P1 unheard", _folders_not_made, draw=hushed),
)
