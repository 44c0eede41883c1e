"""The disk port."""

from typing import Protocol


class Disk(Protocol):
    """Where everything embedded keeps its bytes."""

    def free(self) -> int:
        """Return how many bytes an unprivileged account may still write."""
        ...
