"""Turns: what a worker does again and again, and a way to ask for one out of its time.

    loop (one per worker)                 this file
    ---------------------                 ---------
    turns.taken_by(child, ring)  ------>  there is somebody who takes turns
    with turns.turn() as turn:   ------>  it began
        turn.count("sent", 3)             what it did
        turn.fail("no answer")            why it did not
                                 ------>  it ended
    turns.rest(child, seconds)   <------  ask() cuts it short

One loop takes the turns of a kind, one after the other, so that no two run at once, whoever asks.
What is kept is of this process; the next life of a worker goes on with it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import trio
from attrs import define, field

from supervisors.child import Child

__all__ = ["Bell", "Board", "Turn", "Turns"]


@define(eq=False)
class Turn:
    """One turn. Times are those of ``trio.current_time()``."""

    number: int
    """1 for the first of the process."""
    began: float
    ended: float | None = field(default=None, init=False)
    did: Counter[str] = field(factory=Counter, init=False)
    error: str = field(default="", init=False)
    """Why it failed; "" when it did not."""

    def count(self, name: str, number: int) -> None:
        """Note what it did."""
        if number:
            self.did[name] += number

    def fail(self, error: str) -> None:
        """Note that it failed, for those who run the platform to read."""
        self.error = error


@define(eq=False)
class Bell:
    """Cuts a loop's rest short; rung while nobody rests, it is not heard."""

    _rest: trio.CancelScope | None = field(default=None, init=False)

    def ring(self) -> None:
        """End the rest."""
        if self._rest is not None:
            self._rest.cancel()

    async def rest(self, child: Child, seconds: float) -> None:
        """Wait until the time is over, somebody rings, or the child is to stop."""
        with trio.move_on_after(seconds) as self._rest:
            await child.stopping.wait()
        self._rest = None


def _nobody() -> None:
    """Ring where nobody takes turns: whoever comes begins with one."""


@define(eq=False)
class Turns:
    """The turns of one kind.

    Attributes:
        name: What they are asked for by.
        worker: The path of the child that takes them; "" while there is none.
        due: When the next one is, if nobody asks; None: unknown.
        last: The latest, which may not have ended.
        worked: The latest that ended and did something.
        asked: The latest that ended and somebody had asked for.
        failed: The latest that failed.
        failures: How many failed in a row, up to the latest that ended.
        totals: What all of them did.
    """

    name: str
    worker: str = field(default="", init=False)
    due: float | None = field(default=None, init=False)
    last: Turn | None = field(default=None, init=False)
    worked: Turn | None = field(default=None, init=False)
    asked: Turn | None = field(default=None, init=False)
    failed: Turn | None = field(default=None, init=False)
    failures: int = field(default=0, init=False)
    totals: Counter[str] = field(factory=Counter, init=False)
    is_wanted: bool = field(default=False, init=False)
    """Whether somebody asked for a turn that has not begun."""
    _bell: Bell = field(factory=Bell, init=False)
    _ring: Callable[[], None] = field(default=_nobody, init=False)

    @property
    def ended(self) -> int:
        """Return how many have ended, which is the number of the latest of them."""
        if self.last is None:
            return 0
        return self.last.number - (self.last.ended is None)

    def ask(self) -> int:
        """Ask for a turn that begins from now on; return its number.

        However many ask before it begins, it is one turn.
        """
        self.is_wanted = True
        self._ring()
        return 1 if self.last is None else self.last.number + 1

    @contextmanager
    def taken_by(self, child: Child, ring: Callable[[], None] | None = None) -> Iterator[None]:
        """Say who takes turns; ``ring`` wakes it when it rests elsewhere than here."""
        self.worker, self._ring = child.path, self._bell.ring if ring is None else ring
        try:
            yield
        finally:
            self.worker, self._ring, self.due = "", _nobody, None

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Take a turn; what is raised out of it ends it as failed, and goes on its way."""
        turn = Turn(1 if self.last is None else self.last.number + 1, trio.current_time())
        self.last, self.due = turn, None
        was_wanted, self.is_wanted = self.is_wanted, False
        try:
            yield turn
        except Exception as error:
            # Its type alone: the text may hold what is somebody else's.
            turn.fail(type(error).__name__)
            raise
        finally:
            turn.ended = trio.current_time()
            self._note(turn, was_wanted=was_wanted)

    def _note(self, turn: Turn, *, was_wanted: bool) -> None:
        if turn.did:
            self.worked = turn
        if was_wanted:
            self.asked = turn
        if turn.error:
            self.failed = turn
        self.failures = self.failures + 1 if turn.error else 0
        self.totals.update(turn.did)

    async def rest(self, child: Child, seconds: float) -> None:
        """Wait for the next turn: until it is due or asked for, or the child is to stop."""
        self.due = trio.current_time() + seconds
        await self._bell.rest(child, 0.0 if self.is_wanted else seconds)


@define(eq=False)
class Board:
    """All turns of a tree by name: workers take them, and others look and ask."""

    _known: dict[str, Turns] = field(factory=dict, init=False)

    def turns(self, name: str) -> Turns:
        """Return the turns of a name, for whoever takes them."""
        return self._known.setdefault(name, Turns(name))

    def find(self, name: str) -> Turns | None:
        """Return the turns of a name, if anybody ever took them."""
        return self._known.get(name)

    @property
    def names(self) -> Sequence[str]:
        """Return all names, in the order they came."""
        return tuple(self._known)
