"""How slow a peer may be: a least rate over any stretch of time, never a fixed total. Pure.

A total would cut who downloads a large object over a slow line; an idle limit alone is met by a
byte now and then. Only the time counts in which the peer is waited for, not what a disk takes.
"""

import attrs


@attrs.define
class Pace:
    """One transfer, measured stretch by stretch.

    Attributes:
        seconds: how long a stretch is.
        least: bytes that must move within it.
        began: when the running stretch began; later by as much as it was not waited.
        moved: bytes moved in all.
        over: nothing waits for the peer any more.
    """

    seconds: float
    least: int
    began: float
    moved: int = 0
    over: bool = False
    _at_start: int = attrs.field(init=False)
    _paused: float = attrs.field(init=False)
    _waiting: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._at_start, self._paused = self.moved, self.began

    def resume(self, now: float) -> float:
        """Begin to wait for the peer; returns when the stretch must have moved its bytes."""
        self.began += now - self._paused
        self._paused, self._waiting = now, True
        return self.began + self.seconds

    def pause(self, moved: int, now: float) -> bool:
        """Note how much moved in all; True when the stretch has its bytes and a new one begins.

        What had come before anybody waited for it took no time.
        """
        if self._waiting:
            self._paused, self._waiting = now, False
        self.moved = moved
        if moved - self._at_start < self.least:
            return False
        self.began, self._at_start = self._paused, moved
        return True

    def waited(self, now: float) -> float:
        """Seconds for which the peer was waited for in the running stretch."""
        return (now if self._waiting else self._paused) - self.began

    def rate(self, now: float) -> float:
        """Bytes per second of the running stretch."""
        return (self.moved - self._at_start) / max(self.waited(now), 1e-9)
