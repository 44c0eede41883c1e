"""The world a simulated daemon lives in: seeded, numbered, and able to kill it (DESIGN §7).

Every durable effect goes through ``World.effect``: a scheduling point, a numbered crash point on
either side, and a fence. Once an incarnation is dead its code may unwind, but it has no effect any
more: that is kill -9. Volatile state dies because the next incarnation builds new objects.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import trio
import trio.testing
from attrs import define, field, frozen
from trio._core import _run

T = TypeVar("T")
Side = Literal["before", "after"]


class Dead(BaseException):
    """Raised inside a dead incarnation at its next effect; nothing may catch it but the world."""


@frozen(order=True)
class CrashPoint:
    """Kill the daemon ``before`` or ``after`` the effect with this number (1, 2, …)."""

    effect: int
    side: Side


@frozen
class Plan:
    """A run, whole: the same plan gives the same trace."""

    seed: int
    crashes: tuple[CrashPoint, ...] = ()
    mutant: str = "none"


@define(eq=False)
class World:
    """What outlives a crash: the plan, the count of effects, the trace, the current incarnation."""

    plan: Plan
    effects: int = 0
    incarnation: int = 0
    trace: list[tuple[int, int, str]] = field(factory=list)
    on_crash: list[Callable[[], None]] = field(factory=list)
    kill: trio.CancelScope = field(factory=trio.CancelScope)
    seen: dict[str, int] = field(factory=dict)
    """Sometimes-counters: what a run really visited."""
    rng: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Seed the world's own randomness, apart from the scheduler's."""
        self.rng = random.Random(self.plan.seed)  # noqa: S311 - the same again is the point

    async def effect(self, incarnation: int, label: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do one durable effect on behalf of an incarnation, unless it is dead or dies here."""
        await self.pause(incarnation)
        self.effects += 1
        here = self.effects
        self.trace.append((here, incarnation, label))
        self._crash_if(CrashPoint(here, "before"))
        result = await act()
        self._crash_if(CrashPoint(here, "after"))
        return result

    async def pause(self, incarnation: int) -> None:
        """Let others run for a random moment; raise ``Dead`` if this incarnation is."""
        if incarnation != self.incarnation:
            raise Dead
        await trio.sleep(self.rng.random() * 0.01)
        if incarnation != self.incarnation:
            raise Dead

    def saw(self, what: str) -> None:
        """Count that something worth visiting happened."""
        self.seen[what] = self.seen.get(what, 0) + 1

    def _crash_if(self, point: CrashPoint) -> None:
        if point not in self.plan.crashes:
            return
        self.trace.append((self.effects, self.incarnation, f"crash {point.side}"))
        self.saw(f"crash {point.side} effect")
        self.incarnation += 1
        for die in self.on_crash:
            die()
        self.on_crash.clear()
        self.kill.cancel()
        raise Dead


def run_world(world: World, scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in virtual time under a scheduler seeded by the plan.

    Raises:
        RuntimeError: when Trio no longer has the private names that make it deterministic.
    """
    if not hasattr(_run, "_ALLOW_DETERMINISTIC_SCHEDULING") or not hasattr(_run, "_r"):
        raise RuntimeError("this Trio cannot be seeded; see DESIGN §7")
    allowed = _run._ALLOW_DETERMINISTIC_SCHEDULING
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True
    _run._r.seed(world.plan.seed)
    try:
        trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING = allowed
