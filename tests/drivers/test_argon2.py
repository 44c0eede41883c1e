"""Password hashing: right, wrong, nobody, and what is too weak by now."""

import pytest
import trio
from argon2 import PasswordHasher

from bitvault.drivers.passwords.argon2 import Argon2Passwords


async def test_only_the_right_password_fits() -> None:
    """A hash verifies with its own password and with no other."""
    passwords = Argon2Passwords()
    phc = await passwords.hash("correct horse")
    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(phc, "correct horse")
    assert not await passwords.verify(phc, "wrong horse")


@pytest.mark.requirement("X13")
async def test_an_unknown_user_never_fits() -> None:
    """None is refused whatever the password, even the one of the stand-in hash."""
    passwords = Argon2Passwords()
    assert not await passwords.verify(None, "nobody")
    assert not await passwords.verify("not a hash", "nobody")


@pytest.mark.requirement("X13")
async def test_at_most_two_hashes_run_at_once() -> None:
    """A burst waits its turn at the limiter."""
    passwords = Argon2Passwords()
    most = 0
    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(passwords.hash, "x")
        while nursery.child_tasks:
            most = max(most, passwords.limiter.borrowed_tokens)
            await trio.lowlevel.checkpoint()
    assert most == 2


@pytest.mark.requirement("X13")
def test_weaker_parameters_are_outdated() -> None:
    """A hash from weaker parameters is to be made again."""
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("x")
    assert Argon2Passwords().outdated(weak)
