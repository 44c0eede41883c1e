"""A session's secret rotates: it stays the same session, and ends when it would have (ADR-0028)."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bitvault.actors.identity.contract import (
    AnswerDevice,
    BeginDevice,
    ChangePassword,
    ChangePolicy,
    ChangeTenant,
    CollectSession,
    CreateTenant,
    OpenSession,
    OpenSessionOf,
    PolicyChange,
    Unauthenticated,
)
from bitvault.actors.identity.rules import rotation
from bitvault.actors.identity.rules.tokens import token_digest
from bitvault.actors.identity.store import credentials
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.principal import Caller, Scope
from tests.actors.identity.rotating import (
    GRACE,
    HOUR,
    LAPTOP,
    PASSWORD,
    House,
    Machine,
    house,
    machine_of,
)
from tests.support.postgres import snapshot

__all__ = ["house"]


async def test_a_session_goes_on_with_new_secrets(house: House) -> None:
    """It stays the same session in the list, with the same end, and its token is an hour's."""
    machine, ends = house.machine, house.clock.now() + timedelta(days=30)
    before = await machine.who()
    listed = {one.credential_id: one for one in await house.sessions()}
    house.clock.advance(HOUR - 60)
    answer = await machine.go_on()
    assert answer.session_expires_at == ends
    assert answer.rotation.token_expires_at == house.clock.now() + timedelta(hours=1)
    after = await machine.who()
    assert (after.credential_id, after.scope) == (before.credential_id, Scope.ACCOUNT)
    now = {one.credential_id: one for one in await house.sessions()}
    assert now.keys() == listed.keys()
    own = now[after.credential_id]
    assert (own.expires_at, own.prefix) == (ends, machine.token[:10])
    assert own.created_at == listed[after.credential_id].created_at


@pytest.mark.requirement("X7")
async def test_a_token_ends_by_itself_and_the_session_goes_on(house: House) -> None:
    """Whoever found an old one in a log or a backup comes in with it no more."""
    machine = house.machine
    house.clock.advance(HOUR)
    assert await machine.who() == Unauthenticated()
    await machine.go_on()
    assert (await machine.who()).login == "ann"


@pytest.mark.requirement("X7")
async def test_the_token_before_is_good_until_the_grace_ends(house: House) -> None:
    """Calls that are under way come to their end; it gets no second longer than it had."""
    machine, first = house.machine, house.machine.token
    house.clock.advance(HOUR - 60)
    await machine.go_on()
    house.clock.advance(GRACE - 1)
    assert (await machine.who(first)).login == "ann"
    house.clock.advance(1)
    assert await machine.who(first) == Unauthenticated()
    house.clock.advance(HOUR - GRACE - 1)
    second = machine.token
    await machine.go_on()
    assert (await machine.who(second)).login == "ann"
    house.clock.advance(1)
    assert await machine.who(second) == Unauthenticated()


@pytest.mark.requirement("X7")
async def test_no_refresh_outlives_the_session(house: House) -> None:
    """The absolute end stays where it was, however often it is refreshed; the token's too."""
    machine, ends = house.machine, house.clock.now() + timedelta(days=30)
    for _ in range(2 * 29):
        house.clock.advance(HOUR * 12)
        await machine.go_on()
    house.clock.time = ends - timedelta(minutes=1)
    assert (await machine.go_on()).rotation.token_expires_at == ends
    house.clock.time = ends
    assert await machine.ask() == Unauthenticated()
    assert await machine.who() == Unauthenticated()


@pytest.mark.requirement("X7")
async def test_a_session_that_nobody_refreshes_ends_when_idle(house: House) -> None:
    """A refresh is a use; after two weeks without any it is too late."""
    machine = house.machine
    house.clock.advance(13 * 24 * HOUR)
    await machine.go_on()
    house.clock.advance(13 * 24 * HOUR)
    await machine.go_on()
    house.clock.advance(14 * 24 * HOUR)
    assert await machine.ask() == Unauthenticated()


async def test_a_session_longer_than_the_tenant_allows_is_not_refreshed(house: House) -> None:
    """A policy that was made stricter holds for sessions that exist."""
    house.clock.advance(2 * HOUR)
    change = PolicyChange(longest_session=2 * HOUR)
    await house.room.handle(ChangePolicy(house.admin, change))
    assert await house.machine.ask() == Unauthenticated()


async def test_who_does_not_ask_gets_a_session_as_ever(house: House) -> None:
    """One token for as long as the session, and nothing to refresh it with."""
    opened = await house.room.handle(OpenSession("acme", "ann", PASSWORD, LAPTOP))
    assert opened.rotation is None
    house.clock.advance(13 * 24 * HOUR)
    assert (await house.machine.who(opened.token)).login == "ann"
    assert await house.machine.ask(opened.token) == Unauthenticated()


async def test_the_device_flow_and_single_sign_on_make_such_sessions(house: House) -> None:
    """By the same word in their requests; a session that waits for its device has nothing yet."""
    begun = await house.room.handle(BeginDevice("bitvault on build-7", LAPTOP))
    await house.room.handle(AnswerDevice(house.ann, begun.user_code, is_approved=True))
    collected = await house.room.handle(CollectSession(begun.device_code, LAPTOP, True))
    who = house.ann.principal
    redeemed = await house.room.handle(
        OpenSessionOf(who.tenant_id, who.user_id, LAPTOP, is_refreshable=True)
    )
    for issued in (collected, redeemed):
        machine = Machine(house.room, house.clock, issued.token, issued.rotation.refresh_token)
        session = (await machine.who()).credential_id
        await machine.go_on()
        assert (await machine.who()).credential_id == session


async def test_changing_ones_own_password_keeps_the_session_in_use(house: House) -> None:
    """It goes on refreshing, as the other ones end."""
    own = Caller(await house.machine.who(), LAPTOP)
    assert await house.room.handle(ChangePassword(own, PASSWORD, "another horse")) is None
    await house.machine.go_on()
    assert (await house.machine.who()).login == "ann"


async def test_of_a_suspended_tenant_a_session_is_refreshed_to_read(house: House) -> None:
    """Whoever may log in may stay logged in."""
    made = await house.room.handle(CreateTenant("other", "eve", PASSWORD))
    eve = await machine_of(house.room, house.clock, "eve", "other")
    operator = evolve(house.admin, principal=evolve(house.admin.principal, is_operator=True))
    await house.room.handle(ChangeTenant(operator, made.tenant_id, is_suspended=True))
    await eve.go_on()
    assert (await eve.who()).is_suspended


async def test_whose_token_it_is_is_found_by_the_token(house: House) -> None:
    """Either of the two that are good is looked up in an index, however many sessions there are."""
    for _ in range(20):
        await machine_of(house.room, house.clock)
    query = credentials.QUERIES["principal_by_secret"]
    explain = Query("explain", f"EXPLAIN {query.sql}", query.parameters)
    values = {"secret_hash": bytes(32), "now": house.clock.now()}

    async def plan(tx: Transaction) -> str:
        return str(await tx.fetch(explain, **values))

    told = await house.room.database.read(None, plan)
    assert "credential_secret_hash_key" in told
    assert "credential_previous" in told
    assert "credential_user" not in told


@pytest.mark.requirement("X7", "X12")
async def test_no_secret_of_a_rotation_is_stored(house: House, database: PostgresDatabase) -> None:
    """Neither of them, in any generation, nor told in a representation (I28)."""
    machine, secrets, told, kept = house.machine, [], "", ""
    for _ in range(3):
        shown = rotation.read(machine.refresh)
        assert shown is not None
        secrets += [machine.token, machine.refresh, shown.secret.hex(), shown.family.hex()]
        kept += str(await snapshot(database, ["identity", "outbox"]))
        told += repr(await machine.go_on()) + repr(shown)
    assert "refresh_token" not in told
    assert not [one for one in secrets if one in kept or one in told]


@pytest.mark.requirement("X7")
@given(st.binary(min_size=48, max_size=48), st.binary(min_size=32, max_size=32))
def test_a_successor_comes_of_the_secret_and_the_salt(random: bytes, salt: bytes) -> None:
    """The same of the same, another of any other salt; and its two halves are not each other's."""
    first = rotation.drawn(random)
    token, following = rotation.successor(first, salt)
    assert (token, following) == rotation.successor(first, salt)
    assert rotation.read(following.render()) == following
    assert following.family == first.family
    other_salt = bytes([salt[0] ^ 1, *salt[1:]])
    other = rotation.successor(first, other_salt)
    assert len({token, other[0], following.render(), other[1].render(), first.render()}) == 5
    assert token_digest(token) not in {None, following.digest, first.digest}


def test_a_refresh_token_has_one_spelling() -> None:
    """Whoever changes a character of it has none."""
    token = rotation.drawn(bytes(range(48))).render()
    assert len(token) == 74
    assert rotation.read(token) is not None
    for index in range(len(token)):
        other = "A" if token[index] != "A" else "B"
        assert rotation.read(token[:index] + other + token[index + 1 :]) is None
