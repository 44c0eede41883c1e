"""The world a simulated installation lives in: seeded, numbered, able to go wrong (DESIGN §7).

Whatever touches the outside goes through a numbered *point*. A durable effect (a commit, a request
that changes the object store, a client's PUT) has a crash point on either side, and a fence: once a
life of the daemon is dead its code may unwind, but it has no effect any more. That is kill -9.
Volatile state dies because the next life builds new objects.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from hashlib import sha256
from typing import TypeVar

import trio
import trio.testing
from attrs import define, field
from trio._core import _run

from bitvault.kernel.refusal import DependencyDown
from tests.simulation.plans import Fault, Plan

T = TypeVar("T")

owner: ContextVar[str] = ContextVar("owner", default="world")
"""Whose doing the present code is: a client's request (handlers run in their asker's context), or
a machine's own. Points are numbered per owner, so that a plan means the same when others change."""
unheard: ContextVar[list[str] | None] = ContextVar("unheard", default=None)
"""What a client's present request met and could not know."""

CRASHES = ("crash before", "crash after")
PLACES: Mapping[str, tuple[str, ...]] = {
    "commit": (
        *CRASHES,
        "commit unanswered",
        "commit lost",
        "run again",
        "slow",
        "wake-up lost",
        "wake-up doubled",
    ),
    "store": (*CRASHES, "store down", "store unanswered", "slow"),
    "put": (*CRASHES, "store down", "store unanswered"),
    "read": ("database down",),
    "look": ("store down",),
    "publish": ("bus loses", "bus doubles"),
}
"""What can go wrong where: in a transaction, a change of the store by the daemon or by a client,
a read of either, and on the bus."""
EFFECTS = frozenset({"commit", "store", "put"})
_REFUSED = {"commit lost", "store down", "database down"}
_UNANSWERED = {"commit unanswered", "store unanswered"}
_YOUNG = 0.5
_LOOK_EVERY = 10
_LONGEST_SLOW = 4.0


class Dead(BaseException):
    """Raised inside a dead life at its next point; nothing may catch it but the world."""


@define(eq=False)
class Life:
    """One life of the daemon on one machine."""

    machine: int
    number: int
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    dead: bool = False
    born: float = field(factory=trio.current_time)
    on_crash: list[Callable[[], None]] = field(factory=list)

    def die(self) -> None:
        """Kill -9: what is open rolls back, nothing else happens any more."""
        self.dead = True
        for undo in list(self.on_crash):
            undo()
        self.scope.cancel()


@define(eq=False)
class World:
    """What outlives a crash: the plan, the points passed, the trace, who is alive."""

    plan: Plan
    look: Callable[[], None] = lambda: None
    """Called now and then between two effects, and after each crash."""
    effects: list[str] = field(factory=list)
    """The points that are durable effects: where a crash is worth trying."""
    injected: list[Fault] = field(factory=list)
    lives: dict[int, Life] = field(factory=dict)
    """The present life of each machine."""
    seen: Counter[str] = field(factory=Counter)
    """Sometimes-counters: what a run really visited."""
    found: list[str] = field(factory=list)
    """What the world itself saw break."""
    deadlocks: list[str] = field(factory=list)
    """What each transaction of a deadlock waited for, and had written by then."""
    chaos: bool = True
    """Whether faults are still drawn; those of the plan strike at any time."""
    trace: list[str] = field(factory=list)
    points: int = 0
    _passed: Counter[str] = field(factory=Counter)
    _births: int = 0
    _rng: random.Random = field(init=False)
    _dice: random.Random = field(init=False)
    _planned: dict[str, set[str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Seed the world's randomness, apart from the scheduler's; faults have dice of their own.

        A plan with its faults written down draws none, and must not disturb anything by that.
        """
        self._rng = random.Random(self.plan.seed)  # noqa: S311 - the same again is the point
        self._dice = random.Random(self.plan.seed + 1)  # noqa: S311 - the same
        self._planned = {}
        for fault in self.plan.faults:
            self._planned.setdefault(fault.point, set()).add(fault.kind)

    def birth(self, machine: int) -> Life:
        """Begin a life."""
        self._births += 1
        self.lives[machine] = Life(machine, self._births)
        return self.lives[machine]

    async def effect(
        self, life: Life | None, place: str, label: str, act: Callable[[], Awaitable[T]]
    ) -> T:
        """Do one durable effect for a life of the daemon, or for a client (None)."""
        wrong = await self.point(life, place, label)
        return await self.carry_out(life, wrong, act)

    async def point(self, life: Life | None, place: str, label: str) -> frozenset[str]:
        """Pass a point: let others run, number it, and say what goes wrong here."""
        await self.pause(life)
        self.points += 1
        who = owner.get()
        self._passed[who] += 1
        here = f"{who}:{self._passed[who]}"
        if place in EFFECTS:
            self.effects.append(here)
        wrong = self._planned.get(here, set()) & set(PLACES[place]) | self._drawn(place)
        self.injected += [Fault(here, kind) for kind in sorted(wrong)]
        self.trace.append(f"{here} {life.number if life else '-'} {label} {sorted(wrong)}")
        if "slow" in wrong:
            self.saw("a slow effect")
            await trio.sleep(self._rng.random() * _LONGEST_SLOW)
            self._check(life)
        if "database down" in wrong or (place == "look" and wrong):
            raise DependencyDown(_system(place), "does not answer")
        return frozenset(wrong)

    async def carry_out(
        self, life: Life | None, wrong: frozenset[str], act: Callable[[], Awaitable[T]]
    ) -> T:
        """Do what a point is about, with what goes wrong before and after it."""
        if "crash before" in wrong:
            self._crash(life, "crash before")
        if refused := wrong & _REFUSED:
            self.saw(*refused)
            raise DependencyDown(_system(*refused), "was lost", unknown=True)
        result = await act()
        if len(self.effects) % _LOOK_EVERY == 0:
            self.look()
        if "crash after" in wrong:
            self._crash(life, "crash after")
        if unanswered := wrong & _UNANSWERED:
            self.saw(*unanswered)
            if (heard := unheard.get()) is not None:
                heard += sorted(unanswered)
            raise DependencyDown(_system(*unanswered), "did not answer", unknown=True)
        return result

    async def pause(self, life: Life | None) -> None:
        """Let others run for a random moment; raise ``Dead`` if this life is over."""
        self._check(life)
        await trio.sleep(self._rng.random() * 0.01)
        self._check(life)

    def saw(self, *what: str) -> None:
        """Count that something worth visiting happened."""
        self.seen.update(what)

    def digest(self) -> str:
        """Return the hash of the trace."""
        return sha256("\n".join(self.trace).encode()).hexdigest()

    def _check(self, life: Life | None) -> None:
        if life is not None and life.dead:
            raise Dead

    def _drawn(self, place: str) -> set[str]:
        rates = self.plan.knobs.rates
        if not rates or not self.chaos:
            return set()
        crashed = sum(fault.kind in CRASHES for fault in self.injected)
        drawn = {kind for kind in PLACES[place] if self._dice.random() < rates.get(kind, 0.0)}
        if crashed >= self.plan.knobs.most_crashes:
            drawn -= set(CRASHES)
        return drawn

    def _crash(self, life: Life | None, how: str) -> None:
        """End the life that is at this point; a client's point ends any one that is alive."""
        alive = [each for each in self.lives.values() if not each.dead]
        victim = life or (alive[self.points % len(alive)] if alive else None)
        if victim is None:
            return
        self.saw(how, *(["crashed during recovery"] if self._recovers(victim) else []))
        if life is None:
            self.saw("crashed while a client was sending")
        victim.die()
        self.look()
        if life is not None:
            raise Dead

    def _recovers(self, life: Life) -> bool:
        return life.number > self.plan.knobs.machines and trio.current_time() - life.born < _YOUNG


def _system(*words: str) -> str:
    return (
        "object store" if any("store" in word or word == "look" for word in words) else "postgresql"
    )


def run_world(world: World, scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in virtual time under a scheduler seeded by the plan.

    Raises:
        RuntimeError: when Trio no longer has the private names that make it deterministic.
    """
    if not hasattr(_run, "_ALLOW_DETERMINISTIC_SCHEDULING") or not hasattr(_run, "_r"):
        raise RuntimeError("this Trio cannot be seeded; see DESIGN §7")
    allowed, before = _run._ALLOW_DETERMINISTIC_SCHEDULING, random.getstate()
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True
    _run._r.seed(world.plan.seed)
    random.seed(world.plan.seed)  # the supervisors' backoff draws its jitter there
    try:
        trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING = allowed
        random.setstate(before)
