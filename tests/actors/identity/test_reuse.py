"""A refresh token that comes back: a lost answer is told again, a copy ends the session."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from attrs import evolve

from bitvault.actors.identity.contract import (
    Authenticate,
    ChangePassword,
    ChangeUser,
    CloseOtherSessions,
    CloseSession,
    CloseSessionsOf,
    ConfirmEmail,
    DeleteUser,
    DueErasures,
    Erasure,
    MintConfirmation,
    MintReset,
    ProposeOwnEmail,
    ScheduleErasure,
    SessionRefreshed,
    TooManyAttempts,
    Unauthenticated,
    User,
    UseReset,
)
from bitvault.actors.identity.rules import IdentityOptions, rotation
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.principal import Caller
from tests.actors.files.counting import CountingDatabase
from tests.actors.identity.rotating import (
    GRACE,
    HOUR,
    LAPTOP,
    PASSWORD,
    THIEF,
    House,
    house,
    machine_of,
)
from tests.actors.identity.test_resets import events
from tests.support.postgres import unchanged
from tests.support.rewiring import rewire

__all__ = ["house"]


@pytest.mark.requirement("X7")
async def test_a_lost_answer_is_told_again(house: House) -> None:
    """For ten seconds the one before gets the same pair, however often; nothing is changed."""
    machine, first = house.machine, house.machine.refresh
    answer = await machine.go_on()
    house.clock.advance(GRACE - 1)
    async with unchanged(house.room.database, "identity", "outbox"):  # type: ignore[arg-type]
        assert [await machine.ask(first) for _ in range(3)] == [answer] * 3
    assert (await machine.who()).login == "ann"


@pytest.mark.requirement("X7")
async def test_many_who_refresh_at_once_are_told_the_same(house: House) -> None:
    """Processes that share one file and no lock: one pair, and nobody is logged out."""
    told: list[Any] = []

    async def ask() -> None:
        told.append(await house.machine.ask())

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(ask)
    assert len({(one.token, one.rotation.refresh_token) for one in told}) == 1
    house.machine.refresh = told[0].rotation.refresh_token
    await house.machine.go_on()
    assert (await house.machine.who()).login == "ann"


@pytest.mark.requirement("X7")
@pytest.mark.parametrize("first", ["owner", "thief"])
async def test_a_copy_that_is_used_ends_the_session_for_both(house: House, first: str) -> None:
    """Whoever comes second ends it, be it the owner: nobody can tell which is which."""
    machine, copied = house.machine, house.machine.refresh
    session = (await machine.who()).credential_id
    house.clock.advance(HOUR)
    one, other = (LAPTOP, THIEF) if first == "owner" else (THIEF, LAPTOP)
    taken = await machine.ask(copied, one)
    assert isinstance(taken, SessionRefreshed)
    house.clock.advance(GRACE)
    assert (await house.room.handle(Authenticate(taken.token, one))).login == "ann"
    assert await machine.ask(copied, other) == Unauthenticated()
    assert await house.room.handle(Authenticate(taken.token, one)) == Unauthenticated()
    assert await machine.ask(taken.rotation.refresh_token) == Unauthenticated()
    assert session not in [each.credential_id for each in await house.sessions()]
    (told,) = await events(house.room, "session.refresh_reused")
    assert f'"{house.ann.principal.user_id}"' in told["payload"]
    assert '"192.0.2.1"' in told["payload"]
    assert f'"{other.address}"' in told["origin"]
    assert (await house.room.handle(Authenticate(house.machine.token, one))) == Unauthenticated()


@pytest.mark.requirement("X7")
@pytest.mark.parametrize("generations", [2, 3, 40])
async def test_an_old_copy_is_known_however_old(house: House, generations: int) -> None:
    """One that is two or more generations old ends the session at once, within the grace too."""
    copied = house.machine.refresh
    for _ in range(generations):
        await house.machine.go_on()
    assert await house.machine.ask(copied) == Unauthenticated()
    assert await house.machine.who() == Unauthenticated()
    assert len(await events(house.room, "session.refresh_reused")) == 1


@pytest.mark.requirement("X7")
async def test_a_secret_that_is_made_up_needs_a_family(house: House) -> None:
    """With a family that was handed out it is reuse; with one that was not it harms nobody."""
    genuine = rotation.read(house.machine.refresh)
    assert genuine is not None
    guessed = evolve(genuine, family=bytes(16)).render()
    async with unchanged(house.room.database, "identity", "outbox"):  # type: ignore[arg-type]
        assert await house.machine.ask(guessed) == Unauthenticated()
    assert await house.machine.ask(evolve(genuine, secret=bytes(32)).render()) == Unauthenticated()
    assert await house.machine.who() == Unauthenticated()


@pytest.mark.requirement("X7")
async def test_what_is_no_refresh_token_is_answered_like_what_was_one(house: House) -> None:
    """Unknown, misspelt, an access token, one of a session that ended or expired: all alike."""
    room, machine = house.room, house.machine
    ended, expired = await machine_of(room, house.clock), await machine_of(room, house.clock)
    await room.handle(CloseSession(house.ann, (await ended.who()).credential_id))
    house.clock.advance(13 * 24 * HOUR)
    await machine.go_on()
    house.clock.advance(24 * HOUR)
    unknown = rotation.drawn(bytes(rotation.DRAWN_BYTES)).render()
    odd = ["bvf_", "é", machine.token, f"{machine.refresh}x", machine.refresh[:-1], unknown]
    async with unchanged(room.database, "identity", "outbox"):  # type: ignore[arg-type]
        for token in (*odd, ended.refresh, expired.refresh):
            assert await machine.ask(token) == Unauthenticated()
    assert (await machine.who(machine.refresh)) == Unauthenticated()


async def disabled(house: House) -> None:
    """Have an admin disable ann."""
    user_id = house.ann.principal.user_id
    assert isinstance(
        await house.room.handle(ChangeUser(house.admin, user_id, is_disabled=True)), User
    )


async def disabled_and_enabled(house: House) -> None:
    """Have an admin disable ann, and think better of it."""
    await disabled(house)
    user_id = house.ann.principal.user_id
    await house.room.handle(ChangeUser(house.admin, user_id, is_disabled=False))


async def deleted(house: House) -> None:
    """Have an admin delete ann."""
    assert await house.room.handle(DeleteUser(house.admin, house.ann.principal.user_id)) is None


async def password_changed(house: House) -> None:
    """Have ann change her password elsewhere."""
    assert await house.room.handle(ChangePassword(house.ann, PASSWORD, "another horse")) is None


async def password_reset(house: House) -> None:
    """Have ann choose a new password by mail."""
    handle, who = house.room.handle, house.ann.principal
    rewire(house.room, options=evolve(house.room.options, sends_mail=True))
    await handle(ProposeOwnEmail(house.ann, "ann@example.org", PASSWORD))
    letter = await handle(MintConfirmation(who.tenant_id, who.user_id))
    await handle(ConfirmEmail(house.ann, letter.token))
    letter = await handle(MintReset(who.tenant_id, who.user_id))
    assert await handle(UseReset(letter.token, "another horse", LAPTOP)) is None


async def others_closed(house: House) -> None:
    """Have ann log out everywhere else."""
    assert await house.room.handle(CloseOtherSessions(house.ann)) is None


async def logged_out(house: House) -> None:
    """Log out on the machine itself."""
    own = Caller(await house.machine.who(), LAPTOP)
    assert await house.room.handle(CloseSession(own)) is None


async def closed_elsewhere(house: House) -> None:
    """Have ann end this one session from her desk."""
    session = (await house.machine.who()).credential_id
    assert await house.room.handle(CloseSession(house.ann, session)) is None


async def closed_by_an_admin(house: House) -> None:
    """Have an admin end all of ann's sessions."""
    user_id = house.ann.principal.user_id
    assert await house.room.handle(CloseSessionsOf(house.admin, user_id)) is None


async def erased(house: House) -> None:
    """Have an operator erase the tenant."""
    operator = evolve(house.admin, principal=evolve(house.admin.principal, is_operator=True))
    tenant_id = house.ann.tenant_id
    begun = await house.room.handle(ScheduleErasure(operator, tenant_id, "acme", 0))
    assert isinstance(begun, Erasure)
    assert await house.room.handle(DueErasures()) == (tenant_id,)


ENDS = (
    disabled, disabled_and_enabled, deleted, password_changed, password_reset, others_closed,
    logged_out, closed_elsewhere, closed_by_an_admin, erased,
)  # fmt: skip


@pytest.mark.requirement("X7", "X8")
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_what_ends_a_session_ends_its_refresh_token(
    house: House, end: Callable[[House], Awaitable[None]]
) -> None:
    """Its secrets are in the session's row: there is no second list to forget."""
    await end(house)
    assert await house.machine.ask() == Unauthenticated()
    assert await house.machine.who() == Unauthenticated()
    assert await events(house.room, "session.refresh_reused") == []


@pytest.mark.requirement("X7")
async def test_wrong_tokens_are_limited_and_right_ones_never_wait(house: House) -> None:
    """As passwords are, by network; a neighbour who tries all day logs nobody else out."""
    room = house.room
    rewire(
        room,
        limits=MemoryLimits(now=lambda: 1000.0),
        options=IdentityOptions(guesses=3, guess_seconds=30),
    )
    wrong = rotation.drawn(bytes(rotation.DRAWN_BYTES)).render()
    for _ in range(15):
        assert await house.machine.ask(wrong) == Unauthenticated()
    assert isinstance(await house.machine.ask(wrong), TooManyAttempts)
    assert isinstance(await house.machine.ask("none"), TooManyAttempts)
    assert await house.machine.ask(wrong, THIEF) == Unauthenticated()
    await house.machine.go_on()


@pytest.mark.requirement("X7")
async def test_a_reuse_is_noticed_though_the_network_is_out_of_guesses(house: House) -> None:
    """A thief cannot keep the session alive by guessing first."""
    room, copied = house.room, house.machine.refresh
    rewire(
        room,
        limits=MemoryLimits(now=lambda: 1000.0),
        options=IdentityOptions(guesses=1, guess_seconds=30),
    )
    await house.machine.go_on()
    await house.machine.go_on()
    told = [await house.machine.ask("none", THIEF) for _ in range(6)]
    assert isinstance(told[-1], TooManyAttempts)
    assert isinstance(await house.machine.ask(copied, THIEF), TooManyAttempts)
    assert await house.machine.who() == Unauthenticated()


@pytest.mark.requirement("X7")
async def test_what_is_refused_took_the_same_way(house: House, database: PostgresDatabase) -> None:
    """One look and one transaction, whether there was such a session or never one."""
    ended = await machine_of(house.room, house.clock)
    session = (await ended.who()).credential_id
    await house.room.handle(CloseSession(house.ann, session))
    unknown = rotation.drawn(bytes(rotation.DRAWN_BYTES)).render()
    copied = house.machine.refresh
    await house.machine.go_on()
    await house.machine.go_on()
    ways = []
    for token in (unknown, ended.refresh, copied):
        counting = CountingDatabase(database)
        rewire(house.room, database=counting)
        assert await house.machine.ask(token) == Unauthenticated()
        ways.append({name: counting.runs[name] for name in ("family", "hold_family")})
    assert ways == [{"family": 1, "hold_family": 1}] * 3
