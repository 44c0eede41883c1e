"""A claim says how much a home may hold: what admins and other providers said stays."""

from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.files.contract import ChangeUserQuota
from bitvault.actors.identity.contract import User
from bitvault.actors.sso.contract import ChangeProvider, Provider, ProviderTerms
from bitvault.actors.sso.rules.quota import Home, Unclear, home_of
from bitvault.kernel.refusal import Unavailable
from tests.actors.sharing.conftest import Asked
from tests.actors.sso.conftest import House
from tests.support.rewiring import rewire


async def says(house: House, provider: Provider, **claims: Any) -> User:
    """Let somebody sign in of whom the provider says this."""
    house.issuer.claims, house.issuer.userinfo = claims, {"sub": "u-1"}
    return (await house.session(await house.sign_in(provider))).user


async def remark(house: House) -> str:
    """Return what the trail says was passed over at the last sign-in."""
    return str((await house.events("provider.signed_in"))[-1]["remark"])


async def test_a_claim_gives_a_home_its_quota_and_takes_it_back(house: House) -> None:
    """Of somebody who has no home yet, too; a claim that is absent changes nothing."""
    provider = await house.add(quota_claim="quota")
    source = str(provider.provider_id)
    user = await says(house, provider, quota="10 GB")
    given = await house.home(user)
    assert (given.quota, given.follows, given.source) == (10 << 30, False, source)
    await says(house, provider)
    assert await house.home(user) == given
    await says(house, provider, quota="none")
    unlimited = await house.home(user)
    assert (unlimited.quota, unlimited.follows, unlimited.source) == (None, False, source)
    await says(house, provider, quota="default")
    back = await house.home(user)
    assert (back.quota, back.follows, back.source) == (10, True, None)
    assert await remark(house) == ""


async def test_signing_in_again_changes_nothing_more(house: House) -> None:
    """One change, one event, however often the same is said."""
    provider = await house.add(quota_claim="quota")
    for _ in range(3):
        user = await says(house, provider, quota=77)
    assert (await house.home(user)).quota == 77
    assert len(await house.events("space.changed")) == 1


async def test_what_an_admin_has_set_stays_as_it_is(house: House) -> None:
    """Until the admin gives it back to the tenant's quota: then it is the provider's to say."""
    provider = await house.add(quota_claim="quota")
    user = await says(house, provider, quota=77)
    own = ChangeUserQuota(house.admin, user.user_id, user.login, quota=99)
    fixed = await house.files.handle(own)
    for claim in ("5 GB", "none", "default", 5):
        await says(house, provider, quota=claim)
        assert await house.home(user) == fixed
    assert fixed.source is None
    back = ChangeUserQuota(house.admin, user.user_id, user.login, follows=True)
    await house.files.handle(back)
    await says(house, provider, quota=78)
    assert (await house.home(user)).quota == 78


async def test_a_second_provider_of_the_same_people_leaves_the_firsts_quota(house: House) -> None:
    """Same issuer, another client: it is the same user, and the quota is the first one's."""
    one = await house.add(quota_claim="quota")
    other = await house.add(name="Other", quota_claim="quota")
    user = await says(house, one, quota=77)
    assert (await says(house, other, quota=78)) == user
    assert (await house.home(user)).quota == 77


async def test_another_claim_or_none_leaves_what_was_given(house: House) -> None:
    """As with groups: what is no longer asked for says nothing more."""
    provider = await house.add(quota_claim="quota")
    user = await says(house, provider, quota=77)
    for claim in (None, "other"):
        terms = evolve(provider.terms, quota_claim=claim)
        await house.sso.handle(ChangeProvider(house.admin, provider.provider_id, terms))
        await says(house, provider, quota=78)
        assert (await house.home(user)).quota == 77
    await says(house, provider, other=79)
    assert (await house.home(user)).quota == 79


WRONG: list[Any] = [
    "much", "", 1.5, True, ["10 GB"], {"gb": 10}, -1, 1 << 70, "-1", "1 XB", "9" * 19,
    "10 GB\u202e",
]  # fmt: skip


async def test_a_claim_that_is_no_size_keeps_nobody_out(house: House) -> None:
    """It is passed over, and the tenant's admins are told of it."""
    provider = await house.add(quota_claim="quota")
    user = await says(house, provider, quota=77)
    for wrong in WRONG:
        assert await says(house, provider, quota=wrong) == user
        told = await remark(house)
        assert told.startswith("the claim 'quota' is"), wrong
        assert told.isprintable(), wrong
    # A null is left out of the token by this issuer: userinfo says it.
    house.issuer.claims, house.issuer.userinfo = {}, {"sub": "u-1", "quota": None}
    await house.session(await house.sign_in(provider))
    assert await remark(house) == "the claim 'quota' is no size: None"
    assert (await house.home(user)).quota == 77


async def test_a_room_that_does_not_answer_keeps_nobody_out(house: House) -> None:
    """The next sign-in sets it right."""
    provider = await house.add(quota_claim="quota")

    class Down:
        async def handle(self, _: Any) -> Any:
            return Unavailable("postgres")

    files = house.sso.files
    rewire(house.sso, files=Asked(Down()))
    user = await says(house, provider, quota=77)
    assert "passed over" in await remark(house)
    rewire(house.sso, files=files)
    assert (await house.home(user)).follows
    await says(house, provider, quota=77)
    assert (await house.home(user)).quota == 77


@pytest.mark.parametrize(
    ("claim", "home"),
    [
        (0, Home(0)),
        ("0", Home(0)),
        ("1073741824", Home(1 << 30)),
        ("10 GB", Home(10 << 30)),
        ("10gib", Home(10 << 30)),
        (" 1.5T ", Home(3 << 39)),
        ("500 MB", Home(500 << 20)),
        ("12 B", Home(12)),
        ("None", Home()),
        ("DEFAULT", Home(follows=True)),
    ],
    ids=str,
)
def test_sizes_are_read_as_people_and_directories_write_them(claim: Any, home: Home) -> None:
    """Powers of 1024, as everywhere here."""
    assert home_of({"q": claim}, _terms()) == home


def test_nothing_is_read_of_what_was_not_asked_for() -> None:
    """Without a claim to look at, or without the claim."""
    assert home_of({"q": 1}, evolve(_terms(), quota_claim=None)) is None
    assert home_of({"other": 1}, _terms()) is None
    broken = home_of({"q": "\ud800"}, _terms())
    assert isinstance(broken, Unclear)
    assert broken.reason.isprintable()


def _terms() -> ProviderTerms:
    return ProviderTerms("A", "https://a.example.org", "bv", quota_claim="q")
