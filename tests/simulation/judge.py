"""Judges what the clients saw against the journal: every answer must have been possible.

A change that was acknowledged is held to the state just before its own events. A refusal, a read
and a "nothing to do" may come from any state between the first question and the last answer. What
nobody heard of may have happened once, or not at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from attrs import field, frozen

from tests.simulation.model import Event, Tree
from tests.simulation.observations import (
    Answer,
    Done,
    Listed,
    No,
    Nothing,
    Observation,
    Step,
    Unknown,
)
from tests.simulation.plans import Knobs
from tests.simulation.rules import Change, Place, Refused, Same, expect, land, place, visible
from tests.simulation.unheard import comes_to, done_by

_ROUNDS = 4
"""How often an upload may reserve its bytes, when it has to be begun anew."""


@frozen
class Journal:
    """A tenant's events, and the tree before the first and after each of them."""

    events: tuple[Event, ...]
    states: tuple[Tree, ...]
    broken: tuple[str, ...]

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Journal":
        """Build every state from the events in order."""
        states, broken = [Tree()], []
        for event in events:
            tree, wrong = states[-1].after(event)
            states.append(tree)
            broken += wrong
        return cls(tuple(events), tuple(states), tuple(broken))

    def runs(self, request: str) -> list[list[Event]]:
        """Return the changes of trees that a request caused, run by run of consecutive ones."""
        found: list[list[Event]] = []
        for event in self.events:
            if event.request != request or event.is_root:
                continue
            if found and found[-1][-1].seq == event.seq - 1:
                found[-1].append(event)
            else:
                found.append([event])
        return found

    def window(self, lo: int, hi: int) -> tuple[Tree, ...]:
        """Return the states that somebody may have met between two moments."""
        return self.states[lo : hi + 1]


@frozen
class Judge:
    """One tenant's journal, and what was seen of it."""

    journal: Journal
    seen: Sequence[Observation]
    knobs: Knobs
    broken: list[str] = field(factory=list)

    def judge(self) -> list[str]:
        """Return everything that cannot have been."""
        self.broken.extend(self.journal.broken)
        for each in self.seen:
            self._authors(each)
            if each.steps and each.steps[0].kind == "upload":
                self._uploads(each)
            else:
                self._steps(each)
        asked = {each.request for each in self.seen}
        self.broken.extend(
            f"I23 event {event.seq}, {event.kind}, was asked for by nobody"
            for event in self.journal.events
            if event.kind.startswith("node.") and not event.is_root and event.request not in asked
        )
        return self.broken

    def _authors(self, seen: Observation) -> None:
        events = [event for run in self.journal.runs(seen.request) for event in run]
        others = {event.actor for event in events} - {seen.user}
        if others:
            self._say("I7 the author", seen, f"is said to be {others}, not {seen.user}")

    def _steps(self, seen: Observation) -> None:
        runs = self.journal.runs(seen.request)
        if len(runs) > 1:
            self._say("I23", seen, "took effect more than once")
            return
        run = runs[0] if runs else []
        if any(isinstance(answer, Unknown) for answer in seen.answers):
            if run and not comes_to(self.journal, seen.steps, seen.login, run):
                self._say("P1 unheard:", seen, f"{seen.steps} do not come to {run}")
            return
        here = run[0].seq - 1 if run else None
        for step, answer in zip(seen.steps, seen.answers, strict=True):
            here = self._step(seen, step, answer, run, here)
        if run and here != run[-1].seq:
            self._say("I23", seen, f"has events that no answer tells of: {run[-1].kind}")

    def _step(
        self, seen: Observation, step: Step, answer: Answer, run: list[Event], here: int | None
    ) -> int | None:
        """Judge one step of a batch; ``here`` is the last seq before it, where that is known."""
        if isinstance(answer, Done) and answer.seq is not None:
            if here is None or not run[0].seq <= answer.seq <= run[-1].seq:
                self._say("P1", seen, "was acknowledged, and is not in the journal")
                return here
            return self._change(seen, step, answer, here)
        states = [self.journal.states[here]] if here is not None else None
        self._one_of(seen, step, answer, states or self.journal.window(seen.lo, seen.hi))
        return here

    def _change(self, seen: Observation, step: Step, answer: Done, before: int) -> int:
        """Hold a change to the state before it; return the seq of its last event."""
        self._check_time(seen, answer)
        expected = expect(self.journal.states[before], step, seen.login)
        last = (answer.seq or 0) + (expected.more if isinstance(expected, Change) else 0)
        after = self.journal.window(last, last)
        if not isinstance(expected, Change) or not after or not expected.fits(after[0], answer):
            self._say("P1", seen, f"{step.kind} {step.path!r} came to {answer}, not {expected}")
        return last

    def _check_time(self, seen: Observation, answer: Done) -> None:
        if not seen.lo < (answer.seq or 0) <= seen.hi:
            self._say("I5", seen, f"event {answer.seq} is not between {seen.lo} and {seen.hi}")
        node = self.journal.states[answer.seq or 0].nodes.get(answer.node_id)
        if node is not None and (node.name, node.version) != (answer.name, answer.version):
            self._say("P1", seen, f"was told {answer}, but it is {node}")

    def _one_of(
        self, seen: Observation, step: Step, answer: Answer, states: Iterable[Tree]
    ) -> None:
        expected = [expect(tree, step, seen.login) for tree in states]
        if isinstance(answer, Listed):
            self._listed(seen, answer, expected)
        elif isinstance(answer, No) and answer.code == "quota_exceeded":
            self._quota(seen, step)
        elif not any(_possible(each, answer) for each in expected):
            self._say("P1", seen, f"{step.kind} {step.path!r}: {answer} is not among {expected}")

    def _listed(self, seen: Observation, answer: Listed, expected: Sequence[object]) -> None:
        folders = {each.node.node_id for each in expected if isinstance(each, Same)}
        possible = (
            tuple(sorted(node.name for node in tree.children(folder)))
            for tree in self.journal.window(seen.lo, seen.hi)
            for folder in sorted(folders)
            if folder in tree.nodes
        )
        if tuple(sorted(answer.names)) not in possible:
            self._say("I6", seen, f"was shown {answer.names}")

    def _quota(self, seen: Observation, step: Step) -> None:
        """A refusal for want of room must be possible; reservations are known as a bound only."""
        sizes = [step.size for each in self.seen for step in each.steps]
        trees = self.journal.window(seen.lo, seen.hi)
        used = max(sum(s for n in tree.nodes.values() for s, _ in n.versions) for tree in trees)
        limits = [q for q in (self.knobs.space_quota, self.knobs.tenant_quota) if q is not None]
        if not limits or used + _ROUNDS * sum(sizes) + step.size + used <= min(limits):
            self._say("I19", seen, "was refused for want of room, and there was room")

    # Uploads

    def _uploads(self, seen: Observation) -> None:
        runs = self.journal.runs(seen.request)
        told: set[int] = set()
        for step, answer in zip(seen.steps, seen.answers, strict=True):
            made = [
                event
                for run in runs
                for event in run
                if event.kind == "node.committed" and event.payload["hash"] == step.hash
            ]
            told.update(seq for event in made for seq in _commit_of(event.seq, runs))
            if len(made) > 1:
                self._say("I23", seen, f"{step.path!r} took effect {len(made)} times")
            elif isinstance(answer, Done) and answer.seq is not None:
                self._committed(seen, step, answer, runs)
            elif made and isinstance(answer, Unknown):
                self._unheard(seen, step, made[0], runs)
            elif made:
                self._say("I23", seen, f"{step.path!r}: {answer}, but event {made[0].seq}")
            elif isinstance(answer, Done | No):
                self._uncommitted(seen, step, answer)
        more = [event for run in runs for event in run if event.seq not in told]
        if more:
            self._say("I23", seen, f"has events that no file tells of: {more}")

    def _committed(
        self, seen: Observation, step: Step, answer: Done, runs: list[list[Event]]
    ) -> None:
        commit = _commit_of(answer.seq or 0, runs)
        if not commit:
            self._say("P1", seen, f"{step.path!r} was acknowledged, and is not in the journal")
            return
        self._check_time(seen, answer)
        self._landed("P1", seen, step, answer, commit)

    def _unheard(self, seen: Observation, step: Step, made: Event, runs: list[list[Event]]) -> None:
        """Hold a file that was committed, which its client never heard of, to where it may be."""
        done = done_by(made, self.journal.states[made.seq])
        self._landed("P1 unheard:", seen, step, done, _commit_of(made.seq, runs))

    def _landed(
        self, number: str, seen: Observation, step: Step, done: Done, commit: range
    ) -> None:
        tree, after = self.journal.states[commit[0] - 1], self.journal.states[commit[-1]]
        ways = [land(tree, step, at) for at in self._ways(seen, step, tree)]
        if not any(isinstance(way, Change) and way.fits(after, done) for way in ways):
            self._say(number, seen, f"upload {step.path!r} came to {done}, not one of {ways}")

    def _uncommitted(self, seen: Observation, step: Step, answer: Answer) -> None:
        if isinstance(answer, No) and answer.code == "quota_exceeded":
            self._quota(seen, step)
            return
        for tree in self.journal.window(seen.lo, seen.hi):
            if any(_possible(land(tree, step, at), answer) for at in self._ways(seen, step, tree)):
                return
            if self._gone(seen, step, tree) and answer == No("node_not_found"):
                return
        self._say("P1", seen, f"upload {step.path!r}: no state explains {answer}")

    def _ways(self, seen: Observation, step: Step, tree: Tree) -> Iterator[Place]:
        """Yield where an upload may lead in this tree.

        An upload is anchored at init, to the deepest folder there was then; it follows that folder
        when it is moved.
        """
        direct = place(tree, step.path, seen.login)
        if direct is not None:
            yield direct
        for anchor, names in self._anchors(seen, step):
            chain = visible(tree, anchor, seen.login)
            if chain is not None:
                met, missing = tree.walk(anchor, names)
                yield Place((*chain, *met), missing)

    def _gone(self, seen: Observation, step: Step, tree: Tree) -> bool:
        anchors = self._anchors(seen, step)
        return any(visible(tree, anchor, seen.login) is None for anchor, _ in anchors)

    def _anchors(self, seen: Observation, step: Step) -> set[tuple[UUID, tuple[str, ...]]]:
        anchors = set()
        for tree in self.journal.window(seen.lo, seen.opened):
            at = place(tree, step.path, seen.login)
            if at is not None and at.missing and at.node.kind == "folder":
                anchors.add((at.node.node_id, at.missing))
            elif at is not None and not at.missing:
                anchors.add((at.met[-2].node_id, (at.node.name,)))
        return anchors

    def _say(self, number: str, seen: Observation, what: str) -> None:
        self.broken.append(f"{number} {seen.request} {what}")


def _commit_of(seq: int, runs: list[list[Event]]) -> range:
    """Return the seqs of one file's commit: of the folders made for it, and its own."""
    for run in runs:
        if not run[0].seq <= seq <= run[-1].seq:
            continue
        first = seq
        while first > run[0].seq and run[first - 1 - run[0].seq].kind == "node.created":
            first -= 1
        return range(first, seq + 1)
    return range(0)


def _possible(expected: object, answer: Answer) -> bool:
    match answer:
        case No():
            return isinstance(expected, Refused) and answer.code in expected.codes
        case Done():
            if not isinstance(expected, Same):
                return False
            node = expected.node
            wanted = (node.node_id, node.version, node.name)
            return wanted == (answer.node_id, answer.version, answer.name)
        case Nothing() | Unknown():
            return True
    return False
