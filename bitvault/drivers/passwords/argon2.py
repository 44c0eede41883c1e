"""Argon2id in few threads of its own, which let everybody else go first.

A flood of logins would hash on every core. Threads of the least priority get what others leave,
and a small share when those leave nothing: logins take longer, and no other request waits.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import get_native_id
from typing import TypeVar

import trio
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from attrs import define, field

T = TypeVar("T")

_CONCURRENT = max(1, min(2, (os.cpu_count() or 1) // 2))
"""Half of the cores, and two at most."""
_LAST = 19


def _yield_to_others() -> None:
    """Give this thread the least priority; only Linux has one for each thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, get_native_id(), _LAST)


def _threads() -> ThreadPoolExecutor:
    """Return threads that are used for nothing else: a priority cannot be raised again."""
    return ThreadPoolExecutor(_CONCURRENT, "argon2", initializer=_yield_to_others)


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
    _threads: ThreadPoolExecutor = field(factory=_threads, init=False)
    _nobody: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the hash that an unknown user is compared with; no password is known for it."""
        self._nobody = self.hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        """Return a salted hash in PHC string form."""
        return await self._apart(partial(self.hasher.hash, password))

    async def verify(self, phc: str | None, password: str) -> bool:
        """Compare in constant time; None does the same work and is False."""
        stored = self._nobody if phc is None else phc
        same = await self._apart(partial(self._same, stored, password))
        return same and phc is not None

    def outdated(self, phc: str) -> bool:
        """Return whether the hash was made with other parameters than today's."""
        return self.hasher.check_needs_rehash(phc)

    async def _apart(self, work: Callable[[], T]) -> T:
        """Run it in one of the threads; who is cancelled meanwhile waits for its end."""
        async with self.limiter:
            done, token = trio.Event(), trio.lowlevel.current_trio_token()
            future = self._threads.submit(work)
            future.add_done_callback(lambda _: token.run_sync_soon(done.set))
            with trio.CancelScope(shield=True):
                await done.wait()
            return future.result()

    def _same(self, phc: str, password: str) -> bool:
        try:
            return self.hasher.verify(phc, password)
        except (VerificationError, InvalidHashError):
            return False
