"""A provider that is removed takes along what it gave, and nothing else."""

from typing import Any

import pytest

from bitvault.actors.files.contract import ChangeUserQuota
from bitvault.actors.identity.contract import AddMember, Authenticate, CreateGroup
from bitvault.actors.sso.contract import (
    BeginSignIn,
    GetProvider,
    ListWays,
    ProviderNotFound,
    RemoveProvider,
    SignInRefused,
)
from bitvault.kernel.refusal import Unavailable
from tests.actors.sharing.conftest import Asked
from tests.actors.sso.conftest import BACK, ORIGIN, VERIFIER, House
from tests.actors.sso.test_sign_in import groups
from tests.support.issuer import sha
from tests.support.rewiring import rewire


async def test_memberships_and_quotas_go_with_the_provider_that_gave_them(house: House) -> None:
    """At once for sessions too; users, groups and what admins did stay."""
    provider = await house.add(groups_claim="groups", quota_claim="quota")
    house.issuer.claims = {"groups": ["a", "b"], "quota": 77}
    opened = await house.session(await house.sign_in(provider))
    user = opened.user
    local = await house.identity.handle(CreateGroup(house.admin, "Local"))
    await house.identity.handle(AddMember(house.admin, local.group_id, user.user_id))
    house.issuer.claims |= {"sub": "u-2", "preferred_username": "otto"}
    otto = (await house.session(await house.sign_in(provider))).user
    own = ChangeUserQuota(house.admin, otto.user_id, otto.login, quota=99)
    await house.files.handle(own)

    assert await house.sso.handle(RemoveProvider(house.admin, provider.provider_id)) is None

    assert await groups(house, "nina") == {"Local": "local"}
    assert await groups(house, "otto") == {}
    assert (await house.home(user)).follows
    assert (await house.home(otto)).quota == 99
    who = await house.identity.handle(Authenticate(opened.token, ORIGIN))
    assert who.groups == (local.group_id,)
    names = await house.rows("SELECT name FROM identity.user_group ORDER BY name")
    assert [row["name"] for row in names] == ["Local", "sso:a", "sso:b"]
    assert len(await house.events("group.left")) == 4
    assert len(await house.events("provider.removed")) == 1


async def test_another_providers_gifts_stay(house: House) -> None:
    """As an admin's do."""
    one = await house.add("/one", groups_claim="groups")
    two = await house.add("/two", name="Two", groups_claim="groups")
    house.issuer.claims = {"groups": ["a"]}
    await house.sign_in(one)
    house.issuer.claims = {"groups": ["a"], "preferred_username": "nina-two"}
    await house.sign_in(two)
    await house.sso.handle(RemoveProvider(house.admin, one.provider_id))
    assert await groups(house, "nina") == {}
    assert await groups(house, "nina-two") == {"sso:a": str(two.provider_id)}


@pytest.mark.parametrize("room", ["identity", "files"])
async def test_a_removal_that_was_interrupted_is_finished_by_a_repeat(
    house: House, room: str
) -> None:
    """Until then nobody signs in with it, and its admins see that it is leaving."""
    provider = await house.add(groups_claim="groups", quota_claim="quota")
    house.issuer.claims = {"groups": ["a"], "quota": 77}
    user = (await house.session(await house.sign_in(provider))).user
    pending = await house.begin(provider)

    class Down:
        async def handle(self, _: Any) -> Any:
            return Unavailable("postgres")

    kept = getattr(house.sso, room)
    rewire(house.sso, **{room: Asked(Down())})
    remove = RemoveProvider(house.admin, provider.provider_id)
    assert await house.sso.handle(remove) == Unavailable(room)
    rewire(house.sso, **{room: kept})

    assert (await house.sso.handle(GetProvider(house.admin, provider.provider_id))).is_leaving
    assert await house.sso.handle(ListWays("acme")) == ()
    begin = BeginSignIn(provider.provider_id, BACK, sha(VERIFIER), "")
    assert await house.sso.handle(begin) == ProviderNotFound(str(provider.provider_id))
    assert await house.finish(provider, pending) == SignInRefused()
    assert await house.sso.handle(remove) is None
    assert await groups(house, "nina") == {}
    assert (await house.home(user)).follows
    assert await house.sso.handle(remove) == ProviderNotFound(str(provider.provider_id))


async def test_a_sign_in_that_a_removal_overtakes_leaves_nothing_behind(house: House) -> None:
    """It was let in, and its provider was removed before it was told so."""
    provider = await house.add(groups_claim="groups", quota_claim="quota")
    house.issuer.claims = {"groups": ["a"], "quota": 77}
    identity = house.sso.identity

    class Slow:
        async def handle(self, request: Any) -> Any:
            answer = await identity.ask(request)
            rewire(house.sso, identity=identity)
            await house.sso.handle(RemoveProvider(house.admin, provider.provider_id))
            return answer

    rewire(house.sso, identity=Asked(Slow()))
    assert await house.finish(provider, await house.begin(provider)) == SignInRefused()
    assert await groups(house, "nina") == {}
    assert await house.rows("SELECT * FROM files.usage WHERE source IS NOT NULL") == []
    assert await house.rows("SELECT * FROM sso.ticket") == []
