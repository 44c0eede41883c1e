"""New passwords by mail, addresses that have to be confirmed, and wrong passwords in the trail."""

import json
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AllowReset,
    Authenticate,
    BadCredentials,
    ChangePassword,
    ChangeUser,
    ConfirmEmail,
    CreateUser,
    GetMailSettings,
    LinkSpent,
    MailNotConfigured,
    MailSettings,
    MintConfirmation,
    MintReset,
    Mute,
    OpenSession,
    ProposeEmail,
    ProposeOwnEmail,
    Refusals,
    RequestReset,
    SecretIssued,
    SecretLetter,
    TellRefusals,
    TooManyAttempts,
    TooManyProposals,
    Unauthenticated,
    User,
    UseReset,
    UserNotFound,
)
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.identity.conftest import ORIGIN
from tests.actors.identity.racing import overtaken
from tests.support.determinism import FixedClock
from tests.support.rewiring import rewire

PASSWORD, NEW = "correct horse", "battery staple"
EMAIL = "root@example.org"
EVENTS = Query(
    "events", "SELECT kind, payload::text, origin::text FROM outbox.event ORDER BY seq", ()
)


@pytest.fixture
async def root(identity: Identity, session: SecretIssued) -> Caller:
    """Be the tenant's admin with a confirmed address, on a server that sends mail."""
    rewire(identity, options=evolve(identity.options, sends_mail=True))
    principal = await identity.handle(Authenticate(session.token, ORIGIN))
    assert isinstance(principal, Principal)
    caller = Caller(principal, ORIGIN)
    await identity.handle(ProposeOwnEmail(caller, EMAIL, PASSWORD))
    mint = MintConfirmation(principal.tenant_id, principal.user_id)
    letter = await identity.handle(mint)
    assert isinstance(letter, SecretLetter)
    confirmed = await identity.handle(ConfirmEmail(caller, letter.token))
    assert confirmed == MailSettings(EMAIL)
    return caller


async def events(identity: Identity, kind: str) -> list[Row]:
    """Return what was published of a kind."""

    async def work(tx: Transaction) -> list[Row]:
        return [row for row in await tx.fetch(EVENTS) if row["kind"] == kind]

    return await identity.database.read(None, work)


async def letter_for(identity: Identity, caller: Caller) -> SecretLetter | None:
    """Have the mail with the new secret written."""
    principal = caller.principal
    reply = await identity.handle(MintReset(principal.tenant_id, principal.user_id))
    assert reply is None or isinstance(reply, SecretLetter)
    return reply


async def token_for(identity: Identity, caller: Caller) -> str:
    """Return that secret."""
    letter = await letter_for(identity, caller)
    assert letter is not None
    return letter.token


def use(token: str, password: str = NEW) -> UseReset:
    """Return the request of whoever got the mail."""
    return UseReset(token, password, ORIGIN)


@pytest.mark.requirement("X14")
async def test_a_reset_is_good_once_and_ends_all_sessions(
    identity: Identity, root: Caller, session: SecretIssued
) -> None:
    """The new password is the only one, and nobody is logged in any more."""
    token = await token_for(identity, root)
    assert isinstance(await identity.handle(use(token, "short")), Invalid)
    assert await identity.handle(use(token)) is None
    assert await identity.handle(use(token)) == LinkSpent()
    assert await identity.handle(Authenticate(session.token, ORIGIN)) == Unauthenticated()
    assert await identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN)) == BadCredentials()
    opened = await identity.handle(OpenSession("acme", "root", NEW, ORIGIN))
    assert isinstance(opened, SecretIssued)
    assert len(await events(identity, "user.password_reset")) == 1


@pytest.mark.requirement("X14")
async def test_a_reset_dies_by_itself(identity: Identity, root: Caller, clock: FixedClock) -> None:
    """After 30 minutes, by a later mail, or by a change of the password; forged ones never live."""
    token = await token_for(identity, root)
    clock.advance(30 * 60 + 1)
    assert await identity.handle(use(token)) == LinkSpent()
    token, later = await token_for(identity, root), await token_for(identity, root)
    assert await identity.handle(use(token)) == LinkSpent()
    await identity.handle(ChangePassword(root, PASSWORD, PASSWORD + "!"))
    assert await identity.handle(use(later)) == LinkSpent()
    for forged in ("", "bvr_x", "bv_x", later[:-1], "bve_" + later[4:], "bvr_é"):
        assert await identity.handle(use(forged)) == LinkSpent()


async def test_who_gets_no_reset_is_asked_for_in_vain(identity: Identity, root: Caller) -> None:
    """Nobody, a user without an address or with an unconfirmed one, a disabled one, a service."""
    ann = await identity.handle(CreateUser(root, "ann", PASSWORD))
    robot = await identity.handle(CreateUser(root, "robot", None, kind="service"))
    assert isinstance(ann, User)
    assert isinstance(robot, User)
    await identity.handle(ProposeEmail(root, ann.user_id, "ann@example.org"))
    for login in ("nobody", "ann", "robot"):
        assert await identity.handle(RequestReset("acme", login, ORIGIN)) is None
    assert await events(identity, "user.reset_requested") == []
    for user in (ann, robot):
        assert await identity.handle(MintReset(root.tenant_id, user.user_id)) is None
    assert await identity.handle(RequestReset("ACME", "Root", ORIGIN)) is None
    [event] = await events(identity, "user.reset_requested")
    assert json.loads(event["origin"])["address"] == "192.0.2.1"
    assert json.loads(event["payload"]) == {}
    second = await identity.handle(CreateUser(root, "second", PASSWORD, is_admin=True))
    assert isinstance(second, User)
    token = await token_for(identity, root)
    operator = evolve(root, principal=evolve(root.principal, is_operator=True))
    await identity.handle(ChangeUser(operator, root.principal.user_id, is_disabled=True))
    assert await identity.handle(use(token)) == LinkSpent()
    assert await letter_for(identity, root) is None


async def test_questions_are_limited_by_what_is_typed(identity: Identity, root: Caller) -> None:
    """Three at once for a login, whether there is one or not; and twenty from a network."""
    assert root
    rewire(identity, limits=MemoryLimits(now=lambda: 1000.0))
    for login in ("root", "nobody"):
        asked = [await identity.handle(AllowReset("acme", login, ORIGIN)) for _ in range(4)]
        assert asked == [None, None, None, TooManyAttempts(600)]
    many = [await identity.handle(AllowReset("acme", f"l{n}", ORIGIN)) for n in range(15)]
    assert many == [None] * 14 + [TooManyAttempts(60)]
    rewire(identity, options=evolve(identity.options, sends_mail=False))
    assert await identity.handle(AllowReset("acme", "x", ORIGIN)) == MailNotConfigured()


async def test_an_address_is_nobodys_before_it_is_confirmed(
    identity: Identity, root: Caller
) -> None:
    """Not by a guess, by another user, or by a stolen session without the password."""
    assert (
        await identity.handle(ProposeOwnEmail(root, "new@example.org", "wrong")) == BadCredentials()
    )
    await identity.handle(ProposeOwnEmail(root, "new@example.org", PASSWORD))
    assert await identity.handle(GetMailSettings(root)) == MailSettings(EMAIL, "new@example.org")
    mint = MintConfirmation(root.tenant_id, root.principal.user_id)
    letter = await identity.handle(mint)
    assert isinstance(letter, SecretLetter)
    assert letter.email == "new@example.org"
    made = await identity.handle(CreateUser(root, "ann", PASSWORD))
    assert isinstance(made, User)
    ann = evolve(root, principal=evolve(root.principal, user_id=made.user_id, is_admin=False))
    assert await identity.handle(ConfirmEmail(ann, letter.token)) == LinkSpent()
    assert isinstance(
        await identity.handle(ProposeEmail(ann, root.principal.user_id, "e@x.org")), Forbidden
    )
    reset = await token_for(identity, root)
    assert await identity.handle(ConfirmEmail(root, letter.token)) == MailSettings(
        "new@example.org"
    )
    assert await identity.handle(use(reset)) == LinkSpent()
    assert await identity.handle(ProposeOwnEmail(root, None, PASSWORD)) == MailSettings()
    assert isinstance(await identity.handle(Mute(root, ("password",))), Invalid)
    assert await identity.handle(Mute(root, ("share",))) == MailSettings(muted=("share",))


async def test_an_operators_address_is_not_an_admins_to_set(
    identity: Identity, root: Caller
) -> None:
    """Else a tenant's admin could become an operator by way of a mail."""
    operator = evolve(root, principal=evolve(root.principal, is_operator=True))
    user_id = root.principal.user_id
    await identity.handle(ChangeUser(operator, user_id, is_operator=True))
    admin = evolve(root, principal=evolve(root.principal, is_operator=False))
    refused = await identity.handle(ProposeEmail(admin, user_id, "eve@example.org"))
    assert refused == Forbidden("operate the platform")


@pytest.mark.requirement("X14")
async def test_proposed_addresses_are_limited(identity: Identity, root: Caller) -> None:
    """Each is sent a mail, so nobody has us write to strangers; to have none is always possible."""
    rewire(identity, limits=MemoryLimits(now=lambda: 1.0))
    user_id = root.principal.user_id
    for number in range(5):
        email = f"stranger{number}@example.net"
        assert isinstance(
            await identity.handle(ProposeOwnEmail(root, email, PASSWORD)), MailSettings
        )
    more = TooManyProposals(600)
    assert await identity.handle(ProposeOwnEmail(root, EMAIL, PASSWORD)) == more
    assert await identity.handle(ProposeEmail(root, user_id, EMAIL)) == more
    nobody = ProposeEmail(root, UserId(UUID(int=7)), EMAIL)
    refused = [await identity.handle(nobody) for _ in range(8)]
    assert {type(one) for one in refused} == {UserNotFound}
    assert await identity.handle(ProposeOwnEmail(root, None, PASSWORD)) == MailSettings()


async def test_wrong_passwords_are_one_event_a_minute(
    identity: Identity, root: Caller, clock: FixedClock
) -> None:
    """With their count and where they began; for nobody's logins there is a counter alone."""
    assert root
    for _ in range(3):
        await identity.handle(OpenSession("acme", "root", "wrong", ORIGIN))
    for number in range(5):
        other = Origin("r", f"198.51.100.{number}", "pytest")
        await identity.handle(OpenSession("acme", f"nobody{number}", "wrong", other))
    assert await identity.handle(TellRefusals()) == Refusals(5, 0)
    assert await events(identity, "session.refused") == []
    clock.advance(60)
    await identity.handle(TellRefusals())
    await identity.handle(TellRefusals())
    elsewhere = Origin("r", "203.0.113.9", "pytest")
    await identity.handle(OpenSession("acme", "root", "wrong", elsewhere))
    await identity.on_stop()
    event, last = await events(identity, "session.refused")
    assert json.loads(last["payload"])["count"] == 1
    payload = json.loads(event["payload"])
    assert (payload["count"], payload["address"]) == (3, "192.0.2.1")
    assert json.loads(event["origin"])["address"] == "192.0.2.1"


@pytest.mark.requirement("X14")
async def test_an_address_that_was_removed_opens_nothing(identity: Identity, root: Caller) -> None:
    """What was sent there before is spent."""
    letter = await letter_for(identity, root)
    assert letter is not None

    assert await identity.handle(ProposeOwnEmail(root, None, PASSWORD)) == MailSettings()

    assert await identity.handle(UseReset(letter.token, NEW, ORIGIN)) == LinkSpent()
    assert await letter_for(identity, root) is None
    assert len(await events(identity, "user.email_removed")) == 1


@pytest.mark.requirement("X14")
@pytest.mark.parametrize("first", ["confirm", "mint"])
async def test_a_new_password_is_not_sent_to_a_former_address(
    identity: Identity, root: Caller, first: str
) -> None:
    """Whichever of the two comes first: the secret goes to the new address, or is spent."""
    place = root.tenant_id, root.principal.user_id
    await identity.handle(ProposeOwnEmail(root, "new@example.org", PASSWORD))
    confirmation = await identity.handle(MintConfirmation(*place))
    asks = {
        "confirm": lambda: identity.handle(ConfirmEmail(root, confirmation.token)),
        "mint": lambda: identity.handle(MintReset(*place)),
    }
    second = "mint" if first == "confirm" else "confirm"

    answers = dict(
        zip((first, second), await overtaken(identity, asks[first], asks[second]), strict=True)
    )

    assert answers["confirm"] == MailSettings("new@example.org")
    letter = answers["mint"]
    used = await identity.handle(UseReset(letter.token, NEW, ORIGIN))
    assert (letter.email, used) in [("new@example.org", None), (EMAIL, LinkSpent())]
    assert letter.email == ("new@example.org" if first == "confirm" else EMAIL)
