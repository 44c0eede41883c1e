"""Children that crash on cue and an observer that can be waited on. Part of the product."""

from typing import TypeVar

import attrs
import trio

from supervisors.child import Child
from supervisors.report import Report
from supervisors.spec import ChildSpec

__all__ = ["Puppet", "RecordingObserver"]

R = TypeVar("R", bound=Report)


@attrs.define(eq=False)
class RecordingObserver:
    """Keeps every report, and wakes those who wait for one."""

    reports: list[Report] = attrs.field(factory=list)
    _changed: trio.Event = attrs.field(factory=trio.Event)

    def __call__(self, report: Report) -> None:
        """Record a report."""
        self.reports.append(report)
        self._changed.set()
        self._changed = trio.Event()

    def of(self, kind: type[R], path: str | None = None) -> list[R]:
        """Return the reports of a kind, about a path if given."""
        return [r for r in self.reports if isinstance(r, kind) and path in (None, r.path)]

    async def wait_for(self, kind: type[R], path: str | None = None, count: int = 1) -> R:
        """Wait until there are `count` such reports; return the last of them."""
        while len(found := self.of(kind, path)) < count:
            await self._changed.wait()
        return found[count - 1]


@attrs.define(eq=False)
class Puppet:
    """A child under a test's control.

    Attributes:
        lives: How many lives have begun.
        deaf: Ignore the polite stop.
        refuse: Exceptions the next lives raise instead of starting, first one first.
        journal: Shared list of what happened, such as ("start", "a").
    """

    id: str
    journal: list[tuple[str, str]] = attrs.field(factory=list)
    deaf: bool = False
    refuse: list[Exception | None] = attrs.field(factory=list)
    lives: int = 0
    _cue: trio.Event = attrs.field(factory=trio.Event)
    _end: Exception | None = None

    def crash(self, error: Exception | None = None) -> None:
        """End the present life abnormally."""
        self._end = error or RuntimeError(f"{self.id} crashed on cue")
        self._cue.set()

    def finish(self) -> None:
        """End the present life normally."""
        self._end = None
        self._cue.set()

    async def live(self, child: Child) -> None:
        """Be the child."""
        self.lives += 1
        if self.refuse:
            refusal = self.refuse.pop(0)
            if refusal is not None:
                raise refusal
        self._cue, self._end = trio.Event(), None
        self.journal.append(("start", self.id))
        child.started(self)
        try:
            async with trio.open_nursery() as nursery:
                if not self.deaf:
                    nursery.start_soon(self._leave_when_asked, child, nursery.cancel_scope)
                await self._cue.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.journal.append(("stop", self.id))
        if self._end is not None:
            raise self._end

    async def _leave_when_asked(self, child: Child, scope: trio.CancelScope) -> None:
        await child.stopping.wait()
        scope.cancel()

    def spec(self, **options: object) -> ChildSpec:
        """Describe this puppet as a child."""
        return ChildSpec(self.id, self.live, **options)  # type: ignore[arg-type]
