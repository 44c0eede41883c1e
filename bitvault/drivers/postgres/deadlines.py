"""The time that statements have: one timer for all of a pool, where a scope for each costs more."""

import asyncio

import trio
from attrs import define, field

from bitvault.drivers.postgres.wire import Wire


@define(eq=False)
class Deadlines:
    """Ends sessions whose server has not answered within ``seconds``."""

    seconds: float
    _due: dict[Wire, float] = field(factory=dict, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def start(self, wire: Wire) -> None:
        """Give a statement its time from now on."""
        due = self._due[wire] = trio.current_time() + self.seconds
        if self._timer is None:
            self._wake_at(due)

    def is_over(self, wire: Wire) -> bool:
        """Return whether the statement has been ended here."""
        return wire not in self._due

    def stop(self, wire: Wire) -> None:
        """Note that the statement has ended."""
        self._due.pop(wire, None)

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _wake_at(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._end_overdue)

    def _end_overdue(self) -> None:
        self._timer = None
        now = trio.current_time()
        for wire in [wire for wire, due in self._due.items() if due <= now]:
            del self._due[wire]
            wire.connection.terminate()
        if self._due:
            self._wake_at(min(self._due.values()))
