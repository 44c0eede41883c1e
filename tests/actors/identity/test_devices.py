"""Logging in on a machine without a browser (RFC 8628), and everything that must not come of it."""

from typing import Any

import pytest
from attrs import define, evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AccessDenied,
    AnswerDevice,
    Authenticate,
    AuthorizationPending,
    BeginDevice,
    ChangePassword,
    ChangeTenant,
    ChangeUser,
    CloseOtherSessions,
    CloseSession,
    CollectSession,
    CreateTenant,
    CreateUser,
    DeleteUser,
    DeviceBegun,
    DeviceNotFound,
    ExpiredToken,
    FindDevice,
    ListCredentials,
    OpenSession,
    SecretIssued,
    SlowDown,
    TooManyCodes,
    TooManyDevices,
    Unauthenticated,
)
from bitvault.actors.identity.rules import IdentityOptions, codes
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.principal import Caller, Origin, Scope
from bitvault.kernel.refusal import Invalid
from tests.actors.identity.conftest import PASSWORD
from tests.actors.identity.racing import overtaken
from tests.support.determinism import FixedClock
from tests.support.postgres import snapshot, unchanged
from tests.support.rewiring import rewire

ROBOT = Origin("r", "198.51.100.7", "bitvault/1")
DESK = Origin("r", "192.0.2.1", "browser")
WRONG = "BBBB-BBBB"


@define
class Flow:
    """The room, a machine that asks to be let in, and ann, who sits at another."""

    room: Identity
    clock: FixedClock
    admin: Caller
    ann: Caller
    time: float = 1000.0

    async def begin(self, origin: Origin = ROBOT) -> Any:
        """Ask for codes."""
        return await self.room.handle(BeginDevice("bitvault on build-7", origin))

    async def poll(self, begun: DeviceBegun, seconds: float = 5) -> Any:
        """Poll after a while."""
        self.time += seconds
        self.clock.advance(seconds)
        return await self.room.handle(CollectSession(begun.device_code, ROBOT))

    async def answer(self, code: str, *, is_approved: bool = True, by: Caller | None = None) -> Any:
        """Answer a code."""
        return await self.room.handle(AnswerDevice(by or self.ann, code, is_approved))

    async def approved(self) -> DeviceBegun:
        """Begin, and have ann approve it."""
        begun = await self.begin()
        assert await self.answer(begun.user_code) is None
        return begun  # type: ignore[no-any-return]

    async def who(self, issued: Any) -> Any:
        """Say whose token it is."""
        return await self.room.handle(Authenticate(issued.token, ROBOT))

    async def log_in(self, login: str) -> Caller:
        """Open a session."""
        opened = await self.room.handle(OpenSession("acme", login, PASSWORD, DESK))
        return Caller(await self.room.handle(Authenticate(opened.token, DESK)), DESK)


@pytest.fixture
async def flow(identity: Identity, clock: FixedClock) -> Flow:
    """Return the room behind a clock of its own; three wrong codes at once."""
    nobody: Any = None
    flow = Flow(identity, clock, nobody, nobody)
    rewire(
        identity,
        limits=MemoryLimits(now=lambda: flow.time),
        options=IdentityOptions(guesses=3, guess_seconds=30),
    )
    flow.admin = await flow.log_in("root")
    await identity.handle(CreateUser(flow.admin, "ann", PASSWORD))
    flow.ann = await flow.log_in("ann")
    return flow


async def test_a_machine_is_let_in_by_who_approves_it(flow: Flow) -> None:
    """It polls until somebody says yes, and then is a session of theirs, named after itself."""
    begun = await flow.begin()
    assert (begun.expires_in, begun.interval) == (600, 5)
    assert await flow.poll(begun) == AuthorizationPending()
    shown = await flow.room.handle(FindDevice(flow.ann, begun.user_code))
    assert (shown.name, shown.address, shown.user_agent) == (
        "bitvault on build-7", "198.51.100.7", "bitvault/1",
    )  # fmt: skip
    assert not shown.is_near
    assert await flow.answer(begun.user_code) is None
    issued = await flow.poll(begun)
    assert isinstance(issued, SecretIssued)
    principal = await flow.who(issued)
    assert (principal.login, principal.scope) == ("ann", Scope.ACCOUNT)
    listed = await flow.room.handle(ListCredentials(flow.ann, "session"))
    own = next(one for one in listed if one.credential_id == principal.credential_id)
    assert (own.name, own.address, own.prefix) == (
        "bitvault on build-7", "198.51.100.7", issued.token[:10],
    )  # fmt: skip
    lasting = issued.credential.expires_at - flow.clock.now()
    assert lasting.days == 30


async def test_the_session_is_given_out_once(flow: Flow) -> None:
    """Whoever polls again with the same code gets nothing, and harms nothing."""
    begun = await flow.approved()
    issued = await flow.poll(begun)
    assert await flow.poll(begun) == AccessDenied()
    assert (await flow.who(issued)).login == "ann"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("then", [True, False])
async def test_a_code_has_one_answer(flow: Flow, first: bool, then: bool) -> None:  # noqa: FBT001 - the cases
    """Who answers second finds nothing, be it somebody else."""
    begun = await flow.begin()
    assert await flow.answer(begun.user_code, is_approved=first) is None
    late = await flow.answer(begun.user_code, is_approved=then, by=flow.admin)
    assert late == DeviceNotFound()
    done = await flow.poll(begun)
    assert done.user.login == "ann" if first else done == AccessDenied()


@pytest.mark.requirement("X8")
@pytest.mark.parametrize("is_other", [False, True])
async def test_two_who_approve_at_once_approve_once(flow: Flow, *, is_other: bool) -> None:
    """A double click, or two users: the second is told what a later one is told."""
    begun = await flow.begin()
    first, second = await overtaken(
        flow.room,
        lambda: flow.answer(begun.user_code),
        lambda: flow.answer(begun.user_code, by=flow.admin if is_other else flow.ann),
    )
    assert (first, second) == (None, DeviceNotFound())
    assert (await flow.poll(begun)).user.login == "ann"
    listed = await flow.room.handle(ListCredentials(flow.admin, "session"))
    assert [one.name for one in listed if one.name == "bitvault on build-7"] == []


async def test_what_was_denied_stays_out(flow: Flow) -> None:
    """However often it asks."""
    begun = await flow.begin()
    await flow.answer(begun.user_code, is_approved=False)
    assert [await flow.poll(begun) for _ in range(3)] == [AccessDenied()] * 3


async def test_codes_expire(flow: Flow) -> None:
    """After ten minutes both are worth nothing; approved or not."""
    waiting, approved = await flow.begin(), await flow.approved()
    flow.clock.advance(600)
    assert await flow.answer(waiting.user_code) == DeviceNotFound()
    assert [await flow.poll(one) for one in (waiting, approved)] == [ExpiredToken()] * 2
    listed = await flow.room.handle(ListCredentials(flow.ann, "session"))
    assert [one.credential_id for one in listed] == [flow.ann.principal.credential_id]


async def test_an_unknown_code_is_like_an_expired_one(flow: Flow) -> None:
    """Also the typed one, and one that is none, where the device's is wanted."""
    begun = await flow.begin()
    for code in ("bvd_unknown", begun.user_code, "\ud800", ""):
        flow.time += 10
        assert await flow.room.handle(CollectSession(code, ROBOT)) == ExpiredToken()


async def test_polling_too_fast_is_slowed_down(flow: Flow) -> None:
    """The third within an interval waits, and waiting is enough."""
    begun = await flow.begin()
    told = [await flow.poll(begun, 0) for _ in range(3)]
    assert told[:2] == [AuthorizationPending()] * 2
    assert told[2] == SlowDown(5)
    assert await flow.poll(begun, 5) == AuthorizationPending()


async def test_wrong_codes_are_limited(flow: Flow, database: PostgresDatabase) -> None:
    """Three at once; then even the right one waits. A right one costs nothing."""
    begun = await flow.begin()
    for _ in range(10):
        await flow.room.handle(FindDevice(flow.ann, begun.user_code))
    async with unchanged(database, "identity"):
        for code in (WRONG, "", "\0"):
            assert await flow.room.handle(FindDevice(flow.ann, code)) == DeviceNotFound()
        assert await flow.answer(begun.user_code) == TooManyCodes(30)
    assert await flow.answer(begun.user_code, by=flow.admin) is None


async def test_a_code_is_typed_as_people_do(flow: Flow) -> None:
    """Small letters, spaces and no hyphen are fine."""
    begun = await flow.begin()
    code = f" {begun.user_code.lower().replace('-', ' ')} "
    assert await flow.answer(code) is None


async def test_asking_for_codes_is_limited(flow: Flow, database: PostgresDatabase) -> None:
    """By network, so that nobody fills the table; what expired is cleared by the next."""
    begun = [await flow.begin() for _ in range(21)]
    assert isinstance(begun[19], DeviceBegun)
    assert isinstance(begun[20], TooManyDevices)
    assert isinstance(await flow.begin(evolve(ROBOT, address="203.0.113.1")), DeviceBegun)
    flow.clock.advance(600)
    flow.time += 600
    await flow.begin()
    assert len((await snapshot(database, ["identity"]))["identity.device"]) == 1


async def test_a_wider_network_has_its_share(flow: Flow) -> None:
    """A /48 is 65,536 networks of one customer, a /24 may be: then others still may ask."""
    told = []
    for number in range(201):
        address = f"2001:db8:7:{number:x}::1"
        told.append(await flow.begin(evolve(ROBOT, address=address)))
    assert {type(one) for one in told[:200]} == {DeviceBegun}
    assert told[200] == TooManyDevices(3)
    elsewhere = evolve(ROBOT, address="2001:db8:8::1")
    assert isinstance(await flow.begin(elsewhere), DeviceBegun)


async def test_a_full_table_locks_nobody_out(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has most waiting gives way, the oldest first; what was answered takes no place."""
    monkeypatch.setattr(codes, "MOST_WAITING", 4)
    monkeypatch.setattr(codes, "MADE_ROOM", 1)
    answered = await flow.approved()
    mine = await flow.begin()
    flood = []
    for number in range(6):
        flow.clock.advance(1)
        flood.append(await flow.begin(evolve(ROBOT, address=f"2001:db8:7:{number}::1")))
    other = await flow.begin(evolve(ROBOT, address="203.0.113.9"))
    await flow.begin(evolve(ROBOT, address="203.0.114.9"))
    told = [await flow.poll(one) for one in (mine, other, *flood)]
    waits, gone = AuthorizationPending(), ExpiredToken()
    assert told == [waits, waits, gone, gone, gone, gone, gone, waits]
    assert isinstance(await flow.poll(answered), SecretIssued)


async def test_what_expired_is_cleared_in_slices(flow: Flow, database: PostgresDatabase) -> None:
    """No login pays for a flood that came before it."""
    for number in range(120):
        address = f"2001:db8:7:{number:x}::1"
        await flow.begin(evolve(ROBOT, address=address))
    flow.clock.advance(600)
    flow.time += 600
    await flow.begin()
    assert len((await snapshot(database, ["identity"]))["identity.device"]) == 21


async def test_a_name_cannot_deceive(flow: Flow) -> None:
    """Who approves is shown it: no control characters, no overrides, no novel."""
    for name in ("", "a\nb", "x" * 129, "cod\u202eexe"):
        refused = await flow.room.handle(BeginDevice(name, ROBOT))
        assert isinstance(refused, Invalid)
        assert refused.field == "clientName"


@pytest.mark.requirement("X12")
async def test_no_code_is_stored(flow: Flow, database: PostgresDatabase) -> None:
    """Neither of the two, nor the session's token before and after it was taken (I28)."""
    begun = await flow.approved()
    kept = str(await snapshot(database, ["identity", "outbox"]))
    issued = await flow.poll(begun)
    kept += str(await snapshot(database, ["identity", "outbox"]))
    for secret in (begun.device_code, begun.user_code, issued.token):
        assert secret not in kept
        assert secret not in repr(begun) + repr(issued)


async def test_nobody_comes_in_with_a_code(flow: Flow) -> None:
    """An approved session has no token until its device takes it."""
    begun = await flow.approved()
    for token in (begun.device_code, begun.user_code, f"bv_{begun.device_code}"):
        assert await flow.room.handle(Authenticate(token, ROBOT)) == Unauthenticated()


@pytest.mark.requirement("X8")
@pytest.mark.parametrize(
    "end", ["disable", "delete", "password", "others", "itself", "disable and enable"]
)
async def test_what_ends_sessions_ends_one_that_was_not_taken(flow: Flow, end: str) -> None:
    """Between approval and poll: disabled, deleted, a new password, logged out elsewhere."""
    begun = await flow.approved()
    ann, handle = flow.ann.principal.user_id, flow.room.handle
    listed = await handle(ListCredentials(flow.ann, "session"))
    if end.startswith("disable"):
        await handle(ChangeUser(flow.admin, ann, is_disabled=True))
    if end.endswith("enable"):
        await handle(ChangeUser(flow.admin, ann, is_disabled=False))
    if end == "delete":
        await handle(ChangeUser(flow.admin, ann, is_disabled=True))
        await handle(DeleteUser(flow.admin, ann))
    if end == "password":
        assert await handle(ChangePassword(flow.ann, PASSWORD, "another horse")) is None
    if end == "others":
        await handle(CloseOtherSessions(flow.ann))
    if end == "itself":
        waiting = next(one for one in listed if one.name == "bitvault on build-7")
        assert await handle(CloseSession(flow.ann, waiting.credential_id)) is None
    assert await flow.poll(begun) == AccessDenied()


async def test_logging_out_after_the_approval_is_fine(flow: Flow) -> None:
    """The page ends its own session; what it approved is another."""
    begun = await flow.approved()
    assert await flow.room.handle(CloseSession(flow.ann)) is None
    assert (await flow.poll(begun)).user.login == "ann"


async def test_of_a_suspended_tenant_it_only_reads(flow: Flow) -> None:
    """As with a password: one comes in, and is told so on whatever changes something."""
    handle = flow.room.handle
    operator = evolve(flow.admin, principal=evolve(flow.admin.principal, is_operator=True))
    made = await handle(CreateTenant("other", "eve", PASSWORD))
    opened = await handle(OpenSession("other", "eve", PASSWORD, DESK))
    eve = Caller(await handle(Authenticate(opened.token, DESK)), DESK)
    begun = await flow.begin()
    assert await flow.answer(begun.user_code, by=eve) is None
    await handle(ChangeTenant(operator, made.tenant_id, is_suspended=True))
    issued = await flow.poll(begun)
    principal = await flow.who(issued)
    assert (principal.tenant_id, principal.is_suspended) == (made.tenant_id, True)


def test_codes_are_many_and_plain() -> None:
    """Of 20^8, without vowels, and each as likely as the next."""
    drawn = {codes.user_code(number.to_bytes(16)) for number in range(5000)}
    assert len(drawn) == 5000
    assert all(codes.typed_digest(one) == codes.digest_of(one) for one in drawn)
    assert len(codes._ALPHABET) ** codes._LETTERS >= 20**8
    assert not set("AEIOU0123456789") & set("".join(drawn))
