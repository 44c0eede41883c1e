"""Turns: the requests of one address begin a few at a time, in the order in which they came.

Trio runs every task that is ready once in a pass, so each request of a flood would delay each step
of everybody else's. A turn ends with its request, or after a moment: a request that takes longer
waits for something, and does not compute.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field

AT_ONCE = 2
"""Requests of one address that may compute at the same time."""
_LONGEST = 0.05
"""Seconds that a turn lasts at most."""


@define(eq=False)
class _Turn:
    ends: float


@define(eq=False)
class _Line:
    """The requests of one address: those that have a turn, oldest first, and those that wait."""

    most: int
    taken: dict[_Turn, None] = field(factory=dict)
    waiting: int = 0
    front: trio.Lock = field(factory=trio.Lock)
    """Held by the one that is next."""
    freed: trio.Event = field(factory=trio.Event)

    def is_full(self) -> bool:
        """Say whether no turn is free now; forget those that have lasted too long."""
        now = trio.current_time()
        while self.taken and (first := next(iter(self.taken))).ends <= now:
            del self.taken[first]
        return len(self.taken) >= self.most

    async def wait(self) -> None:
        """Wait until a turn is free, behind those that came before."""
        self.waiting += 1
        try:
            async with self.front:
                while self.is_full():
                    self.freed = trio.Event()
                    with trio.move_on_at(next(iter(self.taken)).ends):
                        await self.freed.wait()
        finally:
            self.waiting -= 1


@define(eq=False)
class Turns:
    """Gives each address up to ``most`` turns at a time."""

    most: int = AT_ONCE
    _lines: dict[str, _Line] = field(factory=dict, init=False)

    @asynccontextmanager
    async def of(self, address: str) -> AsyncIterator[None]:
        """Hold a turn of an address; wait for one first."""
        line = self._lines.setdefault(address, _Line(self.most))
        turn = None
        try:
            if line.waiting or line.is_full():
                await line.wait()
            turn = _Turn(trio.current_time() + _LONGEST)
            line.taken[turn] = None
            yield
        finally:
            if turn is not None:
                line.taken.pop(turn, None)
            line.freed.set()
            if self._lines.get(address) is line and not (line.taken or line.waiting):
                del self._lines[address]
