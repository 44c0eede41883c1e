"""Browsers that lie, and claims of who one is: nobody comes in or is taken over by them."""

from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.identity.contract import ChangeUser, User
from bitvault.actors.sso.contract import (
    BeginSignIn,
    FinishSignIn,
    RedeemSignIn,
    SignInFinished,
    SignInRefused,
)
from bitvault.kernel.refusal import Invalid
from tests.actors.sso.conftest import BACK, ORIGIN, VERIFIER, House
from tests.actors.sso.refusing import nobody_comes_in, refused
from tests.support.issuer import sha

Json = dict[str, Any]


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
    found = await house.sso.access.serving(provider["provider_id"])
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
