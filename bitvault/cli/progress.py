"""Progress with rate and time left, on a terminal only; silence in a pipe."""

import sys
import threading
import time
from typing import TextIO

from bitvault.cli.output import human_size

_EVERY = 0.1
"""Seconds between two drawings."""


class Terminal:
    """Counts always, draws one line on ``stream`` when that is a terminal; notes are kept."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._draws = not quiet and self._stream.isatty()
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._drawn = 0.0
        self.expected = 0
        self.done = 0
        self.notes: list[str] = []

    def expect(self, size: int) -> None:
        """Add to the total."""
        with self._lock:
            self.expected += size

    def advance(self, size: int) -> None:
        """Count, and draw now and then."""
        with self._lock:
            self.done += size
            if self._draws:
                self._draw()

    def note(self, text: str) -> None:
        """Keep it for the end."""
        with self._lock:
            self.notes.append(text)

    def finish(self) -> None:
        """Wipe the line."""
        if self._draws and self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn < _EVERY:
            return
        self._drawn = now
        self._stream.write(f"\r\x1b[K{line(self.done, self.expected, now - self._started)}")
        self._stream.flush()


class Countdown:
    """Says how long something still waits; on a terminal only, where it is wiped at the end."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._draws = self._stream.isatty()

    def show(self, left: float) -> None:
        """Draw the seconds that are left."""
        if self._draws:
            text = f"Waiting; the code expires in {int(left) // 60}:{int(left) % 60:02d}."
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def finish(self) -> None:
        """Wipe the line."""
        if self._draws:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def line(done: int, expected: int, seconds: float) -> str:
    """Render the state of a transfer: how much, how fast, how long still."""
    rate = done / seconds if seconds > 0 else 0.0
    text = f"{human_size(done)} of {human_size(expected)}  {human_size(rate)}/s"
    if rate and expected > done:
        left = int((expected - done) / rate)
        text += f"  ETA {left // 60}:{left % 60:02d}"
    return text
