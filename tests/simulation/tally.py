"""Counting runs: how fast, what broke, and what was visited at least once."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from attrs import define, evolve, field

from tests.simulation.plans import Plan, keep
from tests.simulation.scenario import Outcome, run_plan
from tests.simulation.sessions import Sessions

SOMETIMES = (
    "a client gave up",
    "a condemned blob was taken over",
    "a file took another's place",
    "a life was cut short",
    "a second version",
    "a slow effect",
    "a spent key was used again",
    "a transaction was run again",
    "an ask timed out",
    "an upload aborted",
    "an upload expired",
    "an upload was committed twice at once",
    "an upload was resumed",
    "blobs_collected",
    "bus doubles",
    "bus loses",
    "bytes were sent again",
    "commit lost",
    "commit unanswered, then asked again",
    "committed without bytes",
    "complete_multipart without an answer",
    "copied",
    "crashed during recovery",
    "crashed while a client was sending",
    "damaged bytes were refused",
    "deletions_repeated",
    "moved",
    "objects_judged",
    "one blob for two versions",
    "purged",
    "refused: name_taken",
    "refused: node_not_found",
    "refused: quota_exceeded",
    "refused: stale_base",
    "restored from the trash",
    "rows_purged",
    "waited for a lock",
    "wake-up lost",
)
"""What a simulation that means something has to visit (reliability §3a, rule 7)."""
SHARED_SOMETIMES = (
    "a life was cut short",
    "a restricted folder held somebody",
    "crashed during recovery",
    "cut: done, after a lost answer",
    "disable: done",
    "enable: done",
    "guest: False",
    "guest: True",
    "join: done, after a lost answer",
    "leave: done",
    "let in: False",
    "lift: done",
    "link: forbidden",
    "logged in: True",
    "moved",
    "restored from the trash",
    "restrict: done",
    "revive: done",
    "see: False",
    "see: True",
    "share: forbidden",
    "share: node_not_found",
    "shut out: login",
    "shut out: session",
    "unshare: done, after a lost answer",
    "unshare: grant_not_found",
)
"""What it has to visit when it shares."""
_ENOUGH = 150
"""Runs with drawn faults from which on each of them has to have come about."""


@define(eq=False)
class Tally:
    """What some runs came to."""

    tell: Callable[[str], None]
    wanted: Sequence[str] = SOMETIMES
    runs: int = 0
    effects: int = 0
    broken: int = 0
    seen: Counter[str] = field(factory=Counter)
    deadlocks: Counter[str] = field(factory=Counter)
    _begin: float = field(factory=time.perf_counter)

    def add_all(self, plans: Iterable[Plan], sessions: Sessions) -> None:
        """Run plans and count."""
        for plan in plans:
            self.add(run_plan(plan, sessions))

    def add(self, outcome: Outcome) -> None:
        """Count one run; a broken one is kept, and told of."""
        self.runs += 1
        self.effects += len(outcome.world.effects)
        self.seen.update(outcome.world.seen)
        self.deadlocks.update(outcome.world.deadlocks)
        if outcome.broken:
            self.broken += 1
            path = keep(evolve(outcome.plan, broken=outcome.broken))
            self.tell("BROKEN " + "\n  ".join([*outcome.broken, str(outcome.plan.knobs)]))
            self.tell(f"  python -m tests.simulation replay {path}")

    def lacking(self) -> list[str]:
        """Return what had to be visited and was not; of a few runs nothing is asked."""
        return [what for what in self.wanted if not self.seen[what]] if self.runs >= _ENOUGH else []

    def report(self, what: str) -> None:
        """Tell the figures."""
        seconds = time.perf_counter() - self._begin
        rate, each = self.runs / seconds, self.effects / max(1, self.runs)
        self.tell(
            f"{what}: {self.runs} runs, {rate:.1f} runs/s, {each:.0f} effects a run, "
            f"{self.broken} broken"
        )
        for name, count in sorted(self.seen.items()):
            self.tell(f"  {count:6} {name}")
        for name, count in self.deadlocks.most_common():
            self.tell(f"  {count:6} deadlocks: {name}")
