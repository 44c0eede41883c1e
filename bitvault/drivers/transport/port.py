"""The way to services of other processes."""

from typing import Protocol


class Transport(Protocol):
    """Carries messages; what is in them it does not know."""

    async def carry(self, service: str, asked: bytes) -> bytes:
        """Bring what a service is asked to it, and return what it answers.

        The asker cancels when it gives up. An answer that is too large to be held is not one.

        Raises:
            DependencyDown: The service cannot be reached, or the way broke; it may have acted.
        """
        ...
