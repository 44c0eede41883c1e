"""Password hashing: right, wrong, nobody, and what is too weak by now."""

import os
import sys
from threading import get_native_id

import pytest
import trio
from argon2 import PasswordHasher

from bitvault.drivers.passwords.argon2 import Argon2Passwords
from tests.support.passwords import CountingHasher


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
async def test_an_unknown_user_is_as_much_work_as_a_known_one() -> None:
    """For None a hash is computed once, with the parameters of everybody's."""
    hasher = CountingHasher(time_cost=3, memory_cost=64, parallelism=1)
    passwords = Argon2Passwords(hasher)

    await passwords.verify(await passwords.hash("x"), "wrong horse")
    await passwords.verify(None, "wrong horse")

    known, unknown = hasher.compared
    assert known == unknown
    assert (unknown.time_cost, unknown.memory_cost) == (3, 64)


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
    assert most == passwords.limiter.total_tokens <= max(1, (os.cpu_count() or 1) // 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
async def test_hashing_lets_everybody_else_go_first() -> None:
    """Its threads have the least priority there is, and this one keeps its own."""
    passwords, own = Argon2Passwords(), os.getpriority(os.PRIO_PROCESS, get_native_id())

    priority = await passwords._apart(lambda: os.getpriority(os.PRIO_PROCESS, get_native_id()))

    assert priority == 19
    assert os.getpriority(os.PRIO_PROCESS, get_native_id()) == own


async def test_who_is_cancelled_waits_for_the_hash() -> None:
    """Nothing goes on behind the back of whoever asked, and the next one is served."""
    passwords = Argon2Passwords()
    with trio.move_on_after(0):
        await passwords.hash("x")
    assert passwords.limiter.borrowed_tokens == 0
    assert await passwords.verify(await passwords.hash("x"), "x")


@pytest.mark.requirement("X13")
def test_weaker_parameters_are_outdated() -> None:
    """A hash from weaker parameters is to be made again."""
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("x")
    assert Argon2Passwords().outdated(weak)
