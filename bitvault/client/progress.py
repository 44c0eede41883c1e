"""What a transfer tells while it runs. Called from many threads; must be quick and not raise."""

from typing import Protocol


class Progress(Protocol):
    """Listens to a transfer. Byte counts may be negative: a failed try takes its own back."""

    def expect(self, size: int) -> None:
        """More bytes are to be moved than was known."""

    def advance(self, size: int) -> None:
        """Some bytes were moved, or need not be."""

    def note(self, text: str) -> None:
        """Something was left out; ``text`` says what and why."""


class Silent:
    """Tells nobody."""

    def expect(self, size: int) -> None:
        """Ignore it."""

    def advance(self, size: int) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""


SILENT = Silent()
