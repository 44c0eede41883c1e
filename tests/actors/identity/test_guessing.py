"""How fast passwords may be guessed, and that guessing closes no account to its owner."""

import pytest
from attrs import define

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    BadCredentials,
    OpenSession,
    SecretIssued,
    TooManyAttempts,
)
from bitvault.actors.identity.rules import IdentityOptions, guessing
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.kernel.principal import Origin
from tests.actors.identity.conftest import PASSWORD
from tests.support.rewiring import rewire

WRONG = "wrong horse"
HOME = "192.0.2.1"


@define
class Door:
    """The room behind a clock of its own: three guesses, and one more every thirty seconds."""

    room: Identity
    time: float = 1000.0

    def __attrs_post_init__(self) -> None:
        rewire(
            self.room,
            options=IdentityOptions(guesses=3, guess_seconds=30),
            limits=MemoryLimits(now=lambda: self.time),
        )

    async def knock(self, password: str, address: str = HOME, login: str = "root") -> object:
        """Try a password; answer True for in, False for wrong, or the seconds to wait."""
        origin = Origin("r", address, "pytest")
        reply = await self.room.handle(OpenSession("acme", login, password, origin))
        if isinstance(reply, TooManyAttempts):
            return reply.retry_after
        assert isinstance(reply, SecretIssued | BadCredentials)
        return isinstance(reply, SecretIssued)


@pytest.fixture
def door(identity: Identity) -> Door:
    """Return the door of ``root``."""
    return Door(identity)


@pytest.mark.requirement("X9")
async def test_guesses_run_out_and_come_back_one_by_one(door: Door) -> None:
    """Three at once, then one every thirty seconds, and the right one waits like the others."""
    assert [await door.knock(WRONG) for _ in range(4)] == [False, False, False, 30]
    door.time += 30
    assert await door.knock(WRONG) is False
    assert await door.knock(PASSWORD) == 30


async def test_a_right_password_costs_no_guess(door: Door) -> None:
    """Logging in all day long is no attack."""
    assert [await door.knock(PASSWORD) for _ in range(20)] == [True] * 20


@pytest.mark.requirement("X9")
async def test_one_network_guesses_at_all_accounts_together(door: Door) -> None:
    """Another login for every guess does not help, and neither does another address of a /64."""
    answers = [
        await door.knock(WRONG, f"2001:db8::{number:x}", f"user-{number}") for number in range(16)
    ]
    assert answers == [False] * 15 + [6]


@pytest.mark.requirement("X15")
async def test_who_guesses_elsewhere_does_not_close_the_account(door: Door) -> None:
    """However long one network has been guessing, the owner's password opens from another."""
    for _ in range(200):
        await door.knock(WRONG, "203.0.113.1")
        door.time += 1
    assert await door.knock(PASSWORD, HOME) is True


@pytest.mark.requirement("X15")
async def test_not_even_many_networks_close_it(door: Door) -> None:
    """With the account's own limit used up, every network has one guess, and then a long wait."""
    besieging = [await door.knock(WRONG, f"203.0.113.{number // 3}") for number in range(120)]
    assert besieging[:30] == [False] * 30
    assert besieging[30:33] == [False, 300, 300]
    assert await door.knock(PASSWORD, HOME) is True
    assert await door.knock(WRONG, HOME) is False
    assert await door.knock(PASSWORD, HOME) == 300
    door.time += 300
    assert await door.knock(PASSWORD, HOME) is True


@pytest.mark.requirement("X15")
async def test_refused_guesses_do_not_use_up_the_account(door: Door) -> None:
    """One network that goes on though it has to wait does not bring the siege about."""
    for _ in range(1000):
        await door.knock(WRONG, "203.0.113.1")
    assert [await door.knock(WRONG, HOME) for _ in range(3)] == [False, False, False]


@pytest.mark.requirement("X9")
async def test_a_restarted_room_remembers_who_has_to_wait(door: Door) -> None:
    """The room crashes; the wait goes on, because its state is not the room's."""
    for _ in range(3):
        await door.knock(WRONG)
    before = door.room
    door.room = Identity(
        before.database, before.passwords, before.clock, before.ids, before.limits, before.options
    )
    assert await door.knock(PASSWORD) == 30


@pytest.mark.requirement("X9")
def test_questions_for_passwords_and_logins_share_no_limit() -> None:
    """What a flood under a limit leaves may be read by all of its name: for minutes here."""
    asked = {charge.limit.name for charge in guessing.reset_charges("a", "192.0.2.1")}
    guess = guessing.login_guess(IdentityOptions(), "a", "192.0.2.1")
    tried = {charge.limit.name for charge in (*guess.near, guess.account, guess.besieged)}
    assert not asked & tried
