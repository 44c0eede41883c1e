"""An exchange without a connection: what it asks of one is written down."""

from collections.abc import Callable
from typing import Any

import attrs
import trio

from bitvault.edge.places import Places
from bitvault.http.exchange import Answers, Unhurried
from bitvault.http.patience import Patience
from bitvault.http.turns import Turns


@attrs.define(eq=False)
class Line:
    """Keeps what an exchange asked."""

    unsent: int = 0
    dues: list[float] = attrs.field(factory=list)
    waited: list[float] = attrs.field(factory=list)
    forgotten: int = 0
    proceeded: int = 0
    is_cut: bool = False
    is_read: bool = False

    def due(self, _exchange: object, when: float) -> None:
        """Note a deadline."""
        self.dues.append(when)

    def waits(self, _exchange: object, since: float) -> None:
        """Note since when the body is waited for."""
        self.waited.append(since)

    def forget(self, _exchange: object) -> None:
        """Note that a request is over."""
        self.forgotten += 1

    def cut(self) -> None:
        """Note that the connection has to end."""
        self.is_cut = True

    async def proceed(self) -> None:
        """Note that the body may come."""
        self.proceeded += 1

    def has_request(self) -> bool:
        """Say whether all of the request has been read."""
        return self.is_read


def unhurried(
    application: Any, line: Line | None = None, places: Places | None = None, most: int = 100
) -> Any:
    """Return the application as it is served on a connection."""
    answers = Answers(places or Places(1000), most)
    turns = Turns()
    return Unhurried(application, Patience(), line or Line(), answers, lambda _: turns.of("a"))


async def until(check: Callable[[], bool]) -> None:
    """Wait for what a server in the same run does of itself: it has no event to wait for."""
    while not check():  # noqa: ASYNC110 - other tasks run meanwhile, and the test has a deadline
        await trio.lowlevel.checkpoint()
