"""Argon2id in worker threads, two at a time: a burst of logins may not take every core."""

from functools import partial

import trio
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from attrs import define, field

_CONCURRENT = 2


def _owasp() -> PasswordHasher:
    """Return OWASP's minimum for Argon2id: 19 MiB, two passes, one lane."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


@define(eq=False)
class Argon2Passwords:
    """Implements ``Passwords``.

    Attributes:
        hasher: The parameters of today.
        limiter: How many hashes run at once; further ones wait their turn.
    """

    hasher: PasswordHasher = field(factory=_owasp)
    limiter: trio.CapacityLimiter = field(factory=partial(trio.CapacityLimiter, _CONCURRENT))
    _nobody: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the hash that an unknown user is compared with; no password is known for it."""
        self._nobody = self.hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        """Return a salted hash in PHC string form."""
        return await trio.to_thread.run_sync(self.hasher.hash, password, limiter=self.limiter)

    async def verify(self, phc: str | None, password: str) -> bool:
        """Compare in constant time; None does the same work and is False."""
        stored = self._nobody if phc is None else phc
        same = await trio.to_thread.run_sync(self._same, stored, password, limiter=self.limiter)
        return same and phc is not None

    def outdated(self, phc: str) -> bool:
        """Return whether the hash was made with other parameters than today's."""
        return self.hasher.check_needs_rehash(phc)

    def _same(self, phc: str, password: str) -> bool:
        try:
            return self.hasher.verify(phc, password)
        except (VerificationError, InvalidHashError):
            return False
