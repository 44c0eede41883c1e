"""Argon2id by argon2-cffi, in worker threads, two at a time (OWASP: m=19 MiB, t=2, p=1).

Unlimited, a flood of logins would take 19 MiB and a core for each; the limiter makes them queue.
"""

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from attrs import define, field

_CONCURRENT = 2


@define(eq=False)
class Argon2Passwords:
    """The real thing behind the ``Passwords`` port."""

    _hasher: PasswordHasher = field(
        factory=lambda: PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    )
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(_CONCURRENT))
    _nobody: str | None = field(default=None, init=False)

    async def hash(self, password: str) -> str:
        """Return a salted hash in PHC form."""
        return await trio.to_thread.run_sync(self._hasher.hash, password, limiter=self._limiter)

    async def verify(self, phc: str | None, password: str) -> bool:
        """Compare; without a hash, do the work on a stand-in and say no."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        known = await trio.to_thread.run_sync(
            self._matches, phc or self._nobody, password, limiter=self._limiter
        )
        return known and phc is not None

    def _matches(self, phc: str, password: str) -> bool:
        try:
            return self._hasher.verify(phc, password)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, phc: str) -> bool:
        """Return whether the hash has other parameters than today's."""
        return self._hasher.check_needs_rehash(phc)
