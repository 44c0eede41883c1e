"""Providers that lie, in tokens, keys and discovery: each lie is refused, and makes nobody."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from bitvault.actors.sso.contract import (
    AddProvider,
    BeginSignIn,
    ProviderTerms,
)
from bitvault.kernel.refusal import Invalid
from tests.actors.sso.conftest import BACK, VERIFIER, House
from tests.actors.sso.refusing import refused
from tests.support.issuer import Issuer, sha

STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
Json = dict[str, Any]


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
