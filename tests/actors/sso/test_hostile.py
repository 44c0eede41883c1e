"""Providers and browsers that lie: each lie is refused, and nobody comes in or is made by it."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve
from joserfc import jwt
from joserfc.jwk import RSAKey

from bitvault.actors.identity.contract import ChangeUser, User
from bitvault.actors.sso.contract import (
    AddProvider,
    BeginSignIn,
    FinishSignIn,
    ProviderTerms,
    RedeemSignIn,
    SignInFinished,
    SignInRefused,
)
from bitvault.kernel.refusal import Invalid
from tests.actors.sso.conftest import BACK, ORIGIN, VERIFIER, House
from tests.support.issuer import Issuer, sha

STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
Json = dict[str, Any]


@asynccontextmanager
async def nobody_comes_in(house: House) -> AsyncIterator[None]:
    """Expect no user, session, group, identity or ticket more than before."""
    tables = (
        "identity.account", "identity.credential", "identity.membership", "identity.user_group",
        "identity.external_identity", "sso.ticket",
    )  # fmt: skip
    before = [await house.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - ours
    yield
    assert [await house.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608


async def refused(house: House, **parameters: str | None) -> None:
    """Expect that a sign-in ends with an error, and that the admins are told why."""
    provider = await house.add()
    async with nobody_comes_in(house):
        told = await house.sign_in(provider, **parameters)
    assert told == {"error": "sign_in_refused", "state": "client"}
    events = await house.rows("SELECT kind FROM outbox.event ORDER BY seq DESC LIMIT 1")
    assert events == [{"kind": "provider.sign_in_refused"}]


# State, browser, code, PKCE


@pytest.mark.parametrize(
    "lie",
    [{"state": None}, {"state": "forged"}, {"state": ""}],
    ids=["missing", "forged", "empty"],
)
@pytest.mark.requirement("X1")
async def test_x1_a_state_that_is_not_ours_is_refused(house: House, lie: Json) -> None:
    """Before the provider is asked anything."""
    provider = await house.add()
    begun = await house.begin(provider)
    async with nobody_comes_in(house):
        assert await house.finish(provider, begun, **lie) == SignInRefused()
    assert house.issuer.asked["token"] == 0


@pytest.mark.requirement("X1")
async def test_x1_a_state_is_good_once(house: House) -> None:
    """A second use finds nothing, with the right cookie too."""
    provider = await house.add()
    begun = await house.begin(provider)
    assert isinstance(await house.finish(provider, begun), SignInFinished)
    async with nobody_comes_in(house):
        assert await house.finish(provider, begun) == SignInRefused()


@pytest.mark.requirement("X1")
async def test_x1_a_sign_in_is_over_after_ten_minutes(house: House) -> None:
    """Not a second later."""
    provider = await house.add()
    begun = await house.begin(provider)
    house.clock.advance(600)
    async with nobody_comes_in(house):
        assert await house.finish(provider, begun) == SignInRefused()


@pytest.mark.requirement("X1")
async def test_x1_another_browser_cannot_finish_a_sign_in(house: House) -> None:
    """Nor end it: the browser that began it still can. This is what keeps login CSRF out."""
    provider = await house.add()
    begun, other = await house.begin(provider), await house.begin(provider)
    async with nobody_comes_in(house):
        for secret in (other.browser_secret, "", "forged"):
            stolen = evolve(begun, browser_secret=secret)
            assert await house.finish(provider, stolen) == SignInRefused()
    assert isinstance(await house.finish(provider, begun), SignInFinished)


@pytest.mark.requirement("X1")
async def test_x1_a_code_is_redeemed_by_its_client_alone_and_once(house: House) -> None:
    """A wrong verifier ends the sign-in; so does time, and the first use."""
    provider = await house.add()
    told = await house.sign_in(provider)
    wrong = RedeemSignIn(told["code"], "another verifier, of 43 characters or more!")
    assert await house.sso.handle(wrong) == SignInRefused()
    assert await house.sso.handle(RedeemSignIn(told["code"], VERIFIER)) == SignInRefused()
    late = await house.sign_in(provider)
    house.clock.advance(60)
    assert await house.sso.handle(RedeemSignIn(late["code"], VERIFIER)) == SignInRefused()
    good = await house.sign_in(provider)
    await house.session(good)
    assert await house.sso.handle(RedeemSignIn(good["code"], VERIFIER)) == SignInRefused()
    assert await house.sso.handle(RedeemSignIn("invented", VERIFIER)) == SignInRefused()


@pytest.mark.parametrize("challenge", ["", "plain", "a" * 42, "a" * 44, "!" * 43])
@pytest.mark.requirement("X1")
async def test_x1_there_is_no_pkce_but_s256(house: House, challenge: str) -> None:
    """A challenge is a digest; one that is no digest is refused by name."""
    provider = await house.add()
    asked = BeginSignIn(provider.provider_id, BACK, challenge, "")
    refusal = await house.sso.handle(asked)
    assert isinstance(refusal, Invalid)
    assert refusal.field == "challenge"


@pytest.mark.requirement("X1")
async def test_x1_the_provider_gets_the_verifier_of_its_own_challenge(house: House) -> None:
    """Nothing in the URL or the database would do in its place."""
    provider = await house.add()
    begun = await house.begin(provider)
    await house.finish(provider, begun)
    [form] = house.issuer.forms
    assert sha(form["code_verifier"]) in begun.location
    assert form["code_verifier"] not in begun.location
    assert "client_secret" not in form
    assert any((one or "").startswith("Basic ") for one in house.issuer.authorizations)


@pytest.mark.requirement("X1")
async def test_x1_a_code_that_the_provider_does_not_take_is_refused(house: House) -> None:
    """As a replayed one is."""
    await refused(house, code="used before")


@pytest.mark.requirement("X1")
async def test_x1_no_code_at_all_is_refused(house: House) -> None:
    """The provider's own error goes to the admins, and no further."""
    await refused(house, code=None, error="access_denied\u202e")


# ID tokens


def forged(claims: Json) -> str:
    """Sign with a key that says it is the issuer's."""
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, STRANGER)


def unsigned(claims: Json) -> str:
    """Do not sign at all."""
    return f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(claims)}."


def mac(issuer: Issuer, claims: Json) -> str:
    """Sign with what everybody knows, as if it were a secret."""
    said = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(claims)}"
    digest = hmac.digest(issuer.key.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def encoded(members: Json) -> str:
    """Return a part of a token."""
    return urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


SIGNERS: dict[str, Callable[[Issuer], Callable[[Json], str]]] = {
    "none": lambda _: unsigned,
    "forged": lambda _: forged,
    "public key as HMAC secret": lambda issuer: lambda claims: mac(issuer, claims),
    "unknown kid": lambda issuer: lambda claims: issuer.signed(claims, kid="two"),
    "no token": lambda _: lambda _claims: "a.b.c",
    "not even that": lambda _: lambda _claims: "x" * 40_000,
    "crit": lambda issuer: (
        lambda c: issuer.signed(c).replace(
            issuer.signed(c).split(".")[0],
            urlsafe_b64encode(b'{"alg":"RS256","kid":"one","crit":["x"],"x":1}')
            .decode()
            .rstrip("="),
        )
    ),
}


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.requirement("X2")
async def test_x2_a_token_that_is_not_signed_by_the_issuer_is_refused(
    house: House, name: str
) -> None:
    """Neither unsigned nor signed by what is public, nor by a key nobody publishes."""
    house.issuer.sign = SIGNERS[name](house.issuer)
    await refused(house)


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://other.example.org"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"aud": ["bv", "other"]},
        {"aud": ["bv", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"at_hash": "wrong"},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": None},
        {"nbf": "now"},
        {"preferred_username": ""},
        {"preferred_username": 7},
        {"preferred_username": "\u202eevil"},
    ],
    ids=str,
)
@pytest.mark.requirement("X2")
async def test_x2_a_token_that_says_the_wrong_thing_is_refused(house: House, lie: Json) -> None:
    """Issuer, audience, authorized party, nonce, subject, access token, and a login of rubbish."""
    house.issuer.claims = lie
    await refused(house)


@pytest.mark.parametrize(("claim", "sign"), [("exp", -1), ("nbf", 1), ("iat", 1)])
@pytest.mark.requirement("X2")
async def test_x2_clocks_may_differ_by_a_minute(house: House, claim: str, sign: int) -> None:
    """And no more: a second within passes, a second beyond does not."""
    now = house.issuer.now()
    house.issuer.claims = {claim: now + sign * 61}
    provider = await house.add()
    assert (await house.sign_in(provider))["error"] == "sign_in_refused"
    house.issuer.claims = {claim: now + sign * 59}
    assert "code" in await house.sign_in(provider)


@pytest.mark.requirement("X2")
async def test_x2_a_new_key_is_found_and_unknown_ones_make_no_storm(house: House) -> None:
    """One more look at the keys, and one a minute after that, whatever tokens name."""
    provider = await house.add()
    assert "code" in await house.sign_in(provider)
    house.issuer.rotate("two")
    assert "code" in await house.sign_in(provider)
    assert house.issuer.asked["jwks"] == 2
    published = [house.issuer.key]
    house.issuer.rotate("three")
    house.issuer.published = published
    for _ in range(5):
        assert "error" in await house.sign_in(provider)
    assert house.issuer.asked["jwks"] == 2
    house.clock.advance(60)
    for _ in range(5):
        assert "error" in await house.sign_in(provider)
    assert house.issuer.asked["jwks"] == 3
    house.clock.advance(60)
    house.issuer.published = None
    assert "code" in await house.sign_in(provider)


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk"])
@pytest.mark.requirement("X3")
async def test_x3_a_token_brings_no_key_of_its_own(house: House, name: str) -> None:
    """What its header says of keys is not asked for and not believed."""
    url = f"{house.issuer.url}/idp/evil"
    hint = {"jku": url, "x5u": url, "jwk": STRANGER.as_dict(private=False)}[name]
    header = {"alg": "RS256", "kid": "one", name: hint}
    house.issuer.sign = lambda claims: jwt.encode(header, claims, STRANGER)
    await refused(house)
    assert house.issuer.asked["evil"] == 0


@pytest.mark.requirement("X3")
async def test_x3_a_token_of_the_issuer_may_name_keys_in_vain(house: House) -> None:
    """The issuer's own key counts, wherever the header points."""
    house.issuer.sign = lambda claims: house.issuer.signed(claims, jku="http://127.0.0.1:1/")
    assert "code" in await house.sign_in(await house.add())


# Discovery


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://other.example.org"},
        {"issuer": None},
        {"token_endpoint": None},
        {"jwks_uri": "http://10.0.0.1/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "https://169.254.169.254:22/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "http://localhost/"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=str,
)
@pytest.mark.requirement("X4")
async def test_x4_a_discovery_document_that_is_not_the_issuers_is_refused(
    house: House, lie: Json
) -> None:
    """When the provider is configured, by the name of the field; nothing is kept."""
    house.issuer.metadata = lie
    terms = ProviderTerms("Acme", f"{house.issuer.url}/idp", "bv")
    refusal = await house.sso.handle(AddProvider(house.admin, terms))
    assert isinstance(refusal, Invalid)
    assert refusal.field == "issuer"
    assert await house.rows("SELECT * FROM sso.provider") == []


@pytest.mark.parametrize(
    "issuer",
    ["https://10.1.2.3", "https://localhost", "http://example.org", "https://2130706433/x",
     "https://example.org:22", "https://u@example.org", "ftp://example.org", "https://e.org/?x"],
)  # fmt: skip
@pytest.mark.requirement("X4")
async def test_x4_an_issuer_is_asked_through_the_guard(house: House, issuer: str) -> None:
    """A tenant's admin cannot look into the operator's network by naming an issuer there."""
    refusal = await house.sso.handle(AddProvider(house.admin, ProviderTerms("A", issuer, "bv")))
    assert isinstance(refusal, Invalid)
    assert refusal.field == "issuer"


@pytest.mark.requirement("X4")
async def test_x4_a_provider_that_turns_is_noticed_at_the_next_look(house: House) -> None:
    """A document that was good once is looked at again."""
    provider = await house.add()
    house.issuer.metadata = {"issuer": "https://other.example.org"}
    house.clock.advance(601)
    asked = BeginSignIn(provider.provider_id, BACK, sha(VERIFIER), "")
    assert (await house.sso.handle(asked)).code == "unavailable"


# Who it is


@pytest.mark.requirement("X5")
async def test_x5_the_same_subject_of_another_issuer_is_another_user(house: House) -> None:
    """Same subject, same address; and a login that is taken is not taken over."""
    one, other = await house.add("/one"), await house.add("/two", name="Two")
    house.issuer.claims = {"email": "nina@example.org", "email_verified": True}
    first = await house.session(await house.sign_in(one))
    assert (await house.sign_in(other))["error"] == "sign_in_refused"
    house.issuer.claims |= {"preferred_username": "nina-two"}
    second = await house.session(await house.sign_in(other))
    assert first.user.user_id != second.user.user_id


@pytest.mark.requirement("X5")
async def test_x5_no_claim_takes_over_an_account_that_is_here(house: House) -> None:
    """Neither a login nor an address leads to the admin; changing them changes nobody."""
    house.issuer.claims = {"preferred_username": "ROOT", "email": "root", "email_verified": True}
    await refused(house)
    [provider] = await house.rows("SELECT provider_id FROM sso.provider")
    found = await house.sso._kept(provider["provider_id"])
    house.issuer.claims = {"preferred_username": "nina"}
    first = await house.session(await house.sign_in(found.provider))
    house.issuer.claims = {"preferred_username": "root", "email": "root@example.org"}
    again = await house.session(await house.sign_in(found.provider))
    assert (again.user.user_id, again.user.login) == (first.user.user_id, "nina")
    assert not again.user.is_admin


@pytest.mark.parametrize(
    "lie",
    [
        {"email": "nina@example.org", "email_verified": False},
        {"email": "nina@example.org"},
        {"email": "nina@example.org", "email_verified": "true"},
        {"email": "nina@example.org.evil.org", "email_verified": True},
        {"email": "nina@evil.org", "email_verified": True},
        {},
    ],
    ids=str,
)
@pytest.mark.requirement("X5")
async def test_x5_only_a_verified_address_of_a_domain_that_is_let_in_counts(
    house: House, lie: Json
) -> None:
    """Where the tenant names domains at all."""
    provider = await house.add(email_domains=("Example.org",))
    house.issuer.claims, house.issuer.userinfo = lie, {"sub": "u-1"}
    async with nobody_comes_in(house):
        assert (await house.sign_in(provider))["error"] == "sign_in_refused"
    house.issuer.claims = {"email": "nina@EXAMPLE.org", "email_verified": True}
    assert "code" in await house.sign_in(provider)


@pytest.mark.requirement("X5")
async def test_x5_userinfo_of_another_subject_is_not_taken(house: House) -> None:
    """Where the ID token leaves out what is needed."""
    house.issuer.claims = {"preferred_username": None}
    house.issuer.userinfo = {"sub": "u-2", "preferred_username": "victim"}
    await refused(house)


async def test_who_is_disabled_here_stays_out(house: House) -> None:
    """Whatever the provider says; and a sign-in that was under way is worth nothing."""
    provider = await house.add()
    user: User = (await house.session(await house.sign_in(provider))).user
    pending = await house.sign_in(provider)
    off = ChangeUser(house.admin, user.user_id, is_disabled=True)
    assert isinstance(await house.identity.handle(off), User)
    async with nobody_comes_in(house):
        assert (await house.sign_in(provider))["error"] == "sign_in_refused"
    with pytest.raises(AssertionError, match="Unauthenticated"):
        await house.session(pending)


@pytest.mark.parametrize("sender", ["https://evil.example.org", "", None])
@pytest.mark.requirement("X6")
async def test_x6_a_response_of_another_provider_is_refused(
    house: House, sender: str | None
) -> None:
    """One that names another issuer, or none where this one always names itself."""
    await refused(house, iss=sender)
    assert house.issuer.asked["token"] == 0


@pytest.mark.requirement("X6")
async def test_x6_a_sign_in_of_one_provider_does_not_end_at_another(house: House) -> None:
    """Each has a callback of its own, and a state is good at that alone."""
    one, other = await house.add("/one"), await house.add("/two", name="Two")
    begun = await house.begin(one)
    state = house.issuer.grant(begun.location)
    parameters = {"state": state, "code": "good", "iss": other.terms.issuer}
    mixed = FinishSignIn(other.provider_id, parameters, begun.browser_secret, ORIGIN)
    async with nobody_comes_in(house):
        assert await house.sso.handle(mixed) == SignInRefused()
    assert house.issuer.asked["token"] == 0


@pytest.mark.parametrize(
    "where",
    ["https://evil.org/", "//evil.org", "/\\evil.org", "http://evil.org:80/", "javascript:x",
     "http://127.0.0.1.evil.org:1/", "http://127.0.0.1@evil.org:1/", "http://127.0.0.1/",
     "http://u@127.0.0.1:1/", "https://127.0.0.1:1/", "http://localhost:1/", "", "x",
     "http://127.0.0.1:1\\@evil.org/", "/a\r\nX: y", "http://127.1:1/", "/" + "a" * 600],
)  # fmt: skip
@pytest.mark.requirement("X16")
async def test_x16_a_browser_is_sent_nowhere_else_in_the_end(house: House, where: str) -> None:
    """A path of this server, or a port of the browser's own machine."""
    provider = await house.add()
    asked = BeginSignIn(provider.provider_id, where, sha(VERIFIER), "")
    refusal = await house.sso.handle(asked)
    assert isinstance(refusal, Invalid)
    assert refusal.field == "returnTo"
    assert await house.rows("SELECT * FROM sso.attempt") == []
