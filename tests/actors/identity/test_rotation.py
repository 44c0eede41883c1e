"""A session's secret rotates: what follows on what, and a copy that is used ends it (ADR-0028)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import trio
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AnswerDevice,
    Authenticate,
    BeginDevice,
    ChangePassword,
    ChangePolicy,
    ChangeTenant,
    ChangeUser,
    CloseOtherSessions,
    CloseSession,
    CloseSessionsOf,
    CollectSession,
    ConfirmEmail,
    CreateTenant,
    CreateUser,
    DeleteUser,
    DueErasures,
    Erasure,
    ListCredentials,
    MintConfirmation,
    MintReset,
    OpenSession,
    OpenSessionOf,
    PolicyChange,
    ProposeOwnEmail,
    RefreshSession,
    ScheduleErasure,
    SessionRefreshed,
    TooManyAttempts,
    Unauthenticated,
    User,
    UseReset,
)
from bitvault.actors.identity.rules import IdentityOptions, rotation, token_digest
from bitvault.actors.identity.store import credentials
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.principal import Caller, Origin, Scope
from tests.actors.files.counting import CountingDatabase
from tests.actors.identity.test_resets import events
from tests.support.determinism import FixedClock
from tests.support.postgres import snapshot, unchanged

PASSWORD = "correct horse"
LAPTOP = Origin("r", "192.0.2.1", "bitvault/1")
THIEF = Origin("r", "203.0.113.5", "curl/8")
HOUR, GRACE = 3600, 10


@define
class Machine:
    """A command line whose session rotates."""

    room: Identity
    clock: FixedClock
    token: str
    refresh: str

    async def who(self, token: str | None = None) -> Any:
        """Say whose token it is, past what is remembered for a second."""
        self.room.principals._known.clear()
        return await self.room.handle(Authenticate(token or self.token, LAPTOP))

    async def ask(self, refresh: str | None = None, origin: Origin = LAPTOP) -> Any:
        """Present a refresh token, the present one by default."""
        return await self.room.handle(RefreshSession(refresh or self.refresh, origin))

    async def go_on(self) -> SessionRefreshed:
        """Refresh, and keep what is answered."""
        answer = await self.ask()
        assert isinstance(answer, SessionRefreshed)
        self.token, self.refresh = answer.token, answer.rotation.refresh_token
        return answer


@define
class House:
    """The room, its admin, and ann with a rotating session besides her ordinary one."""

    room: Identity
    clock: FixedClock
    admin: Caller
    ann: Caller
    machine: Machine

    async def sessions(self) -> list[Any]:
        """List ann's sessions."""
        return list(await self.room.handle(ListCredentials(self.ann, "session")))


async def machine_of(
    room: Identity, clock: FixedClock, login: str = "ann", tenant: str = "acme"
) -> Machine:
    """Log in as the command line does."""
    request = OpenSession(tenant, login, PASSWORD, LAPTOP, is_refreshable=True)
    opened = await room.handle(request)
    return Machine(room, clock, opened.token, opened.rotation.refresh_token)


async def caller(room: Identity, login: str, tenant: str = "acme") -> Caller:
    """Log in as a browser does."""
    opened = await room.handle(OpenSession(tenant, login, PASSWORD, LAPTOP))
    return Caller(await room.handle(Authenticate(opened.token, LAPTOP)), LAPTOP)


@pytest.fixture
async def house(identity: Identity, clock: FixedClock) -> House:
    """Return it."""
    admin = await caller(identity, "root")
    await identity.handle(CreateUser(admin, "ann", PASSWORD))
    ann = await caller(identity, "ann")
    return House(identity, clock, admin, ann, await machine_of(identity, clock))


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
    house.room.options = evolve(house.room.options, sends_mail=True)
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


@pytest.mark.requirement("X7")
async def test_wrong_tokens_are_limited_and_right_ones_never_wait(house: House) -> None:
    """As passwords are, by network; a neighbour who tries all day logs nobody else out."""
    room = house.room
    room.limits = MemoryLimits(now=lambda: 1000.0)
    room.options = IdentityOptions(guesses=3, guess_seconds=30)
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
    room.limits = MemoryLimits(now=lambda: 1000.0)
    room.options = IdentityOptions(guesses=1, guess_seconds=30)
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
        house.room.database = counting
        assert await house.machine.ask(token) == Unauthenticated()
        ways.append({name: counting.runs[name] for name in ("family", "hold_family")})
    assert ways == [{"family": 1, "hold_family": 1}] * 3


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
