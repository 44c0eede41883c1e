"""Back-channel logout: what a provider ends, and who cannot pretend to be one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from bitvault.actors.identity.contract import OpenSession, SecretIssued
from bitvault.actors.sso.contract import (
    LogOut,
    LogoutRefused,
    Provider,
    RedeemSignIn,
    SignInRefused,
)
from bitvault.actors.sso.rules.logout import EVENT
from bitvault.kernel.refusal import Unavailable
from tests.actors.sharing.conftest import Asked
from tests.actors.sso.conftest import ORIGIN, PASSWORD, VERIFIER, House
from tests.actors.sso.test_hostile import SIGNERS, Json
from tests.support.rewiring import rewire


def said(house: House, provider: Provider, **changes: Any) -> Json:
    """Return the claims of a logout token; None leaves a claim out."""
    whole = {
        "iss": provider.terms.issuer,
        "aud": "bv",
        "iat": house.issuer.now(),
        "exp": house.issuer.now() + 120,
        "jti": "one",
        "events": {EVENT: {}},
        "sub": "u-1",
        **changes,
    }
    return {name: one for name, one in whole.items() if one is not None}


def token(house: House, provider: Provider, **changes: Any) -> str:
    """Return a logout token."""
    return house.issuer.signed(said(house, provider, **changes), typ="logout+jwt")


async def come_in(house: House, provider: Provider, sid: str | None, sub: str = "u-1") -> Any:
    """Sign in, in a session of the provider's."""
    login = "nina" if sub == "u-1" else f"user-{sub}"
    house.issuer.claims = {"sid": sid, "sub": sub, "preferred_username": login}
    return await house.session(await house.sign_in(provider))


@asynccontextmanager
async def nobody_goes(house: House) -> AsyncIterator[None]:
    """Expect that no session ends, no sign-in, and that nothing is remembered or told."""
    tables = ("identity.credential", "sso.ticket", "sso.logout", "outbox.event")
    before = [await house.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - ours
    yield
    assert [await house.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608


async def refused(house: House, logout_token: str, provider: Provider) -> str:
    """Expect that a token is refused, and that nothing changes; return why."""
    async with nobody_goes(house):
        answer = await house.log_out(provider, logout_token)
    assert isinstance(answer, LogoutRefused), answer
    return answer.reason


async def test_a_logout_ends_what_came_in_by_the_provider_as_that_subject(house: House) -> None:
    """At once; not what came in with a password, by another provider, or as somebody else."""
    one = await house.add("/one")
    two = await house.add("/one", name="Two")
    mine = [await come_in(house, one, "s-1"), await come_in(house, one, None)]
    others = [await come_in(house, two, "s-1"), await come_in(house, one, "s-2", "u-2")]
    others.append(await house.identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN)))
    assert all([await house.is_in(each) for each in mine])

    assert await house.log_out(one, token(house, one)) is None

    assert [await house.is_in(each) for each in mine] == [False, False]
    assert [await house.is_in(each) for each in others] == [True, True, True]
    ended = {row["owner_id"] for row in await house.events("session.ended")}
    assert ended == {str(mine[0].user.user_id)}
    assert [row["sessions"] for row in await house.events("provider.logged_out")] == [2]


@pytest.mark.parametrize("sub", ["u-1", None])
async def test_a_logout_of_one_session_leaves_the_others(house: House, sub: str | None) -> None:
    """One that the provider did not name is ended with its subject: it may be the one."""
    provider = await house.add()
    one, other = await come_in(house, provider, "s-1"), await come_in(house, provider, "s-2")
    unnamed, stranger = (
        await come_in(house, provider, None),
        await come_in(house, provider, "s-1", "u-2"),
    )
    assert await house.log_out(provider, token(house, provider, sid="s-1", sub=sub)) is None
    assert not await house.is_in(one)
    assert await house.is_in(other)
    assert await house.is_in(unnamed) is (sub is None)
    assert await house.is_in(stranger) is (sub is not None)


@pytest.mark.parametrize("changes", [{}, {"sid": "s-1"}, {"sid": "s-1", "sub": None}], ids=str)
async def test_a_sign_in_that_nobody_came_for_yet_ends_too(house: House, changes: Json) -> None:
    """Its code is worth nothing then; that of somebody else is."""
    provider = await house.add()
    house.issuer.claims = {"sid": "s-1"}
    mine = await house.sign_in(provider)
    house.issuer.claims = {"sid": "s-2", "sub": "u-2", "preferred_username": "otto"}
    others = await house.sign_in(provider)
    assert await house.log_out(provider, token(house, provider, **changes)) is None
    assert await house.sso.handle(RedeemSignIn(mine["code"], VERIFIER)) == SignInRefused()
    assert isinstance(await house.session(others), SecretIssued)


async def test_whether_there_was_anybody_is_not_said(house: House) -> None:
    """Nobody known, nobody in: the answer is the same, and the trail is not filled."""
    provider = await house.add()
    for number, sub in enumerate(["u-1", "unknown"]):
        given = token(house, provider, sub=sub, jti=f"j{number}")
        assert await house.log_out(provider, given) is None
    assert await house.events("provider.logged_out") == []


# What is not believed


LIES = [
    ("iss", {"iss": "https://other.example.org"}),
    ("iss", {"iss": None}),
    ("aud", {"aud": "other"}),
    ("aud", {"aud": ["other"]}),
    ("aud", {"aud": None}),
    ("exp", {"exp": None}),
    ("exp", {"exp": "tomorrow"}),
    ("iat", {"iat": None}),
    ("events", {"events": None}),
    ("events", {"events": {}}),
    ("events", {"events": [EVENT]}),
    ("events", {"events": {EVENT: True}}),
    ("events", {"events": {"http://example.org/other": {}}}),
    ("nonce", {"nonce": "n"}),
    ("nonce", {"nonce": ""}),
    ("sub, sid", {"sub": None}),
    ("sub", {"sub": ""}),
    ("sub", {"sub": 5}),
    ("sub", {"sub": "x" * 256}),
    ("sid", {"sid": ""}),
    ("sid", {"sid": 5}),
    ("sid", {"sid": "a\u202eb"}),
    ("jti", {"jti": None}),
    ("jti", {"jti": ""}),
    ("jti", {"jti": 7}),
]
"""Each rule of section 2.6, by the claim that the answer names."""


@pytest.mark.requirement("X2")
async def test_x2_a_logout_that_is_not_signed_by_the_issuer_is_refused(house: House) -> None:
    """In any of the ways in which an ID token is."""
    provider = await house.add()
    await come_in(house, provider, "s-1")
    for sign in SIGNERS.values():
        await refused(house, sign(house.issuer)(said(house, provider)), provider)


@pytest.mark.requirement("X2")
async def test_x2_a_logout_token_that_breaks_a_rule_is_refused(house: House) -> None:
    """Each rule of section 2.6, and the answer names the claim."""
    provider = await house.add()
    await come_in(house, provider, "s-1")
    for claim, lie in LIES:
        assert f"({claim})" in await refused(house, token(house, provider, **lie), provider), lie
    assert await house.log_out(provider, token(house, provider)) is None


@pytest.mark.requirement("X2")
async def test_x2_times_of_a_logout_hold_within_a_minute(house: House) -> None:
    """And a token that would be good for more than a day is not remembered for so long."""
    provider, now = await house.add(), house.issuer.now()
    for lie in ({"exp": now - 61}, {"iat": now + 61}, {"exp": now + 86_401}):
        await refused(house, token(house, provider, **lie), provider)
    for number, good in enumerate(({"exp": now - 59}, {"iat": now + 59}, {"exp": now + 86_400})):
        given = token(house, provider, jti=f"j{number}", **good)
        assert await house.log_out(provider, given) is None


@pytest.mark.requirement("X2")
async def test_x2_a_token_of_another_kind_is_no_logout(house: House) -> None:
    """Neither an ID token nor an access token; the type may be left out, as it once was."""
    provider = await house.add()
    await come_in(house, provider, "s-1")
    id_token = {"nonce": "n", "events": None, "jti": None}
    await refused(house, token(house, provider, **id_token), provider)
    access = house.issuer.signed(said(house, provider), typ="at+jwt")
    assert "(typ)" in await refused(house, access, provider)
    assert await house.log_out(provider, house.issuer.signed(said(house, provider))) is None


@pytest.mark.requirement("X6")
async def test_x6_a_provider_logs_out_nobody_of_another(house: House) -> None:
    """Its token at another's address is another issuer's; nor is there an address of nobody's."""
    one, two = await house.add("/one"), await house.add("/two", name="Two")
    await come_in(house, two, "s-1")
    assert "(iss)" in await refused(house, token(house, one), two)
    nobody = LogOut(UUID(int=7), token(house, one), ORIGIN)
    assert isinstance(await house.sso.handle(nobody), LogoutRefused)


@pytest.mark.requirement("X2")
async def test_x2_a_logout_token_is_good_once(house: House) -> None:
    """For as long as it would be good; after that it is forgotten, and refused as too old."""
    provider = await house.add()
    given = token(house, provider)
    await come_in(house, provider, "s-1")
    assert await house.log_out(provider, given) is None
    again = await come_in(house, provider, "s-1")
    assert "(jti)" in await refused(house, given, provider)
    house.clock.advance(179)
    assert "(jti)" in await refused(house, given, provider)
    assert await house.is_in(again)
    house.clock.advance(1)
    assert "(exp)" in await refused(house, given, provider)
    assert await house.log_out(provider, token(house, provider, jti="two")) is None
    assert len(await house.rows("SELECT * FROM sso.logout")) == 1


async def test_a_logout_that_was_interrupted_may_be_said_again(house: House) -> None:
    """The token is remembered when the sessions are gone, and not before."""
    provider = await house.add()
    session = await come_in(house, provider, "s-1")
    identity = house.sso.identity

    class Down:
        async def handle(self, _: Any) -> Any:
            return Unavailable("postgres")

    rewire(house.sso, identity=Asked(Down()))
    given = token(house, provider)
    assert await house.log_out(provider, given) == Unavailable("identity")
    rewire(house.sso, identity=identity)
    assert await house.is_in(session)
    assert await house.log_out(provider, given) is None
    assert not await house.is_in(session)


async def test_an_issuer_that_cannot_be_asked_is_no_reason_to_believe(house: House) -> None:
    """Without its keys nothing can be judged: it is asked to come again, and told no more."""
    provider = await house.add()
    session = await come_in(house, provider, "s-1")
    house.clock.advance(601)
    house.issuer.metadata = {"jwks_uri": "http://10.0.0.1/jwks"}
    answer = await house.log_out(provider, token(house, provider))
    assert answer == Unavailable("the identity provider")
    assert await house.is_in(session)
