"""What a client never heard of: whether its steps can have come to what the journal says."""

from collections.abc import Iterator, Sequence
from typing import Protocol
from uuid import UUID

from attrs import evolve

from tests.simulation.model import Event, Tree
from tests.simulation.observations import Done, Step
from tests.simulation.rules import Change, expect

_MAY_LACK_ROOM = frozenset({"copy", "revert"})
"""What may be refused for want of room, of which the tree knows nothing."""


class _States(Protocol):
    @property
    def states(self) -> Sequence[Tree]:
        """Return the tree before the first event and after each."""
        ...


def done_by(event: Event, after: Tree) -> Done:
    """Return what the client would have been told."""
    node = after.nodes.get(event.subject)
    version, name = (node.version, node.name) if node else (None, "")
    return Done(event.subject, event.seq, version, name)


def comes_to(journal: _States, steps: Sequence[Step], login: str, run: Sequence[Event]) -> bool:
    """Say whether steps, each done or refused, come to exactly these consecutive events."""
    here = {run[0].seq - 1}
    for step in steps:
        here = {seq for before in here for seq in _after(journal, step, login, run, before)}
    return run[-1].seq in here


def _after(
    journal: _States, step: Step, login: str, run: Sequence[Event], before: int
) -> Iterator[int]:
    """Yield the last seqs that a step may have, where the one before it had ``before``."""
    expected = expect(journal.states[before], step, login)
    if not isinstance(expected, Change) or step.kind in _MAY_LACK_ROOM:
        yield before
    if not isinstance(expected, Change):
        return
    for event in run:
        last = event.seq + expected.more
        if before < event.seq and last <= run[-1].seq:
            after = journal.states[last]
            done = done_by(event, after)
            entries = {entry for one in run if before < one.seq <= last for entry in _entries(one)}
            if any(expected.fits(after, evolve(done, entry=entry)) for entry in (None, *entries)):
                yield last


def _entries(event: Event) -> Iterator[UUID]:
    if "entry_id" in event.payload:
        yield UUID(event.payload["entry_id"])
