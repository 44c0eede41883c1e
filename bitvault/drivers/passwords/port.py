"""The password hashing port: slow on purpose, so it runs beside the scheduler, never on it."""

from typing import Protocol


class Passwords(Protocol):
    """Argon2id in PHC string form; parameters travel in the hash."""

    async def hash(self, password: str) -> str:
        """Return a salted hash."""
        ...

    async def verify(self, phc: str | None, password: str) -> bool:
        """Compare in constant time; None does the same work and is False (no user oracle)."""
        ...

    def outdated(self, phc: str) -> bool:
        """Return whether the hash was made with weaker parameters than today's."""
        ...
