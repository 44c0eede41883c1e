"""The room on the disk that is kept free."""

from collections.abc import Callable

import attrs


@attrs.frozen
class DiskReserve:
    """Room on the disk of what runs embedded, kept for what is under way and for removing things.

    A database that runs out of it crashes, and cannot start again: so writing ends before that.
    """

    free: Callable[[], int]
    """Bytes, now."""
    keep: int = 0
    """Bytes; 0: no watch is kept."""
    holds_objects: bool = False
    """Whether the bytes of uploads go to the same disk."""

    @property
    def is_touched(self) -> bool:
        """Say whether less is free than is to be kept."""
        return bool(self.keep) and self.free() < self.keep

    def holds(self, size: int) -> bool:
        """Say whether an upload of so many bytes leaves the reserve alone."""
        return not (self.keep and self.holds_objects) or self.free() - size >= self.keep
