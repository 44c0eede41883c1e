"""What tenants and spaces may hold, and who says so."""

from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    ChangeQuota,
    ChangeUserQuota,
    CreateSpace,
    DescribeUsage,
    DescribeUserUsage,
    GetSpace,
    PassOn,
    QuotaExceeded,
    SpaceUsage,
    StaleRevision,
    SyncQuota,
    TakeBackQuotas,
    TenantUsage,
    UpdateSpace,
    UploadOpened,
)
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.files.conftest import TENANT, World
from tests.actors.files.test_concurrency import together
from tests.support.postgres import unchanged

ANN = UserId(UUID(int=1))
GIVEN = FilesOptions(default_space_quota=10, tenant_quota=100)
given = pytest.mark.parametrize("options", [GIVEN])


def admin(world: World) -> Caller:
    """Be the tenant's admin."""
    return world.caller(3, admin=True)


def operator(world: World) -> Caller:
    """Be an operator, who sits in another tenant."""
    caller = world.caller(4, tenant=UUID(int=0xB))
    return evolve(caller, principal=evolve(caller.principal, is_operator=True))


async def change(world: World, caller: Caller, **wanted: Any) -> Any:
    """Change the tenant's quotas."""
    return await world.ask(ChangeQuota(caller, **wanted))


@given
async def test_spaces_follow_the_tenant_from_the_next_upload_on(world: World) -> None:
    """One row is changed, and every space without a quota of its own may hold as much."""
    await world.put("/a", "12345")
    assert await world.init("/b", "123456") == QuotaExceeded(6, 5)

    usage = await change(world, admin(world), space_quota=20)

    assert (usage.quota, usage.space_quota, usage.used, usage.revision) == (100, 20, 5, 2)
    assert isinstance(await world.init("/b", "123456"), UploadOpened)
    assert (await world.ask(GetSpace(world.caller()))).quota == 20
    await change(world, admin(world), space_quota=3)
    assert await world.init("/c", "1") == QuotaExceeded(1, 0)
    await change(world, admin(world), unlimited_spaces=True)
    assert await world.init("/c", "x" * 101) == QuotaExceeded(101, 89)


@given
async def test_an_operator_says_what_the_tenant_may_hold(world: World) -> None:
    """Of a tenant without a space, too; then the settings no longer count for it."""
    usage = await change(world, operator(world), tenant_id=TENANT, quota=8)
    assert usage == TenantUsage(8, 10, 0, 0, 2)

    assert isinstance(await world.init("/a", "12345"), UploadOpened)
    assert await world.init("/b", "1234") == QuotaExceeded(4, 3)
    await change(world, operator(world), tenant_id=TENANT, unlimited=True)
    assert isinstance(await world.init("/b", "1234"), UploadOpened)
    told = await world.ask(DescribeUsage(operator(world), TENANT))
    assert told == TenantUsage(None, 10, 0, 9, 3)


@given
async def test_a_quota_that_shrinks_and_uploads_that_grow_take_turns(world: World) -> None:
    """Uploads race with the change (X48): what is reserved fits in the quota each found."""
    await world.ask(GetSpace(world.caller()))
    await change(world, admin(world), space_quota=90)

    *answers, _ = await together(
        *(lambda i=i: world.init(f"/{i}", "x" * 30) for i in range(6)),
        lambda: change(world, operator(world), tenant_id=TENANT, quota=30),
    )

    opened = sum(isinstance(one, UploadOpened) for one in answers)
    assert opened + sum(isinstance(one, QuotaExceeded) for one in answers) == 6
    assert 1 <= opened <= 3
    assert (await world.ask(GetSpace(world.caller()))).reserved == 30 * opened
    assert await world.init("/late", "x") == QuotaExceeded(1, 0)


@given
async def test_a_user_may_have_more_than_the_others(world: World) -> None:
    """Before the first file, too; and again as much as all."""
    empty = await world.ask(DescribeUserUsage(admin(world), ANN))
    assert empty == SpaceUsage(None, 10, follows=True, used=0, reserved=0, revision=0)

    more = await world.ask(ChangeUserQuota(admin(world), ANN, "user1", quota=12))

    assert (more.quota, more.follows) == (12, False)
    await world.put("/a", "x" * 11)
    assert (await world.ask(GetSpace(world.caller()))).space_id == more.space_id
    assert await world.init("/b", "xx") == QuotaExceeded(2, 1)
    back = await world.ask(ChangeUserQuota(admin(world), ANN, "user1", follows=True))
    assert (back.quota, back.follows, back.used) == (10, True, 11)
    assert await world.init("/b", "x") == QuotaExceeded(1, 0)


@given
async def test_a_team_space_follows_until_it_has_its_own(world: World) -> None:
    """And follows again when its admin says so."""
    team = await world.ask(CreateSpace(admin(world), "Team"))
    own = await world.ask(UpdateSpace(admin(world), team.space_id, quota=7))
    back = await world.ask(UpdateSpace(admin(world), team.space_id, follows=True))
    seen = [(one.quota, one.follows) for one in (team, own, back)]
    assert seen == [(10, True), (7, False), (10, True)]


@given
async def test_quotas_are_not_everybodys_to_set(world: World) -> None:
    """Users none, admins not their tenant's, and admins and strangers no other tenant's."""
    await world.put("/a", "1")
    other = TenantId(UUID(int=0xB))
    async with unchanged(world.database, "files", "outbox"):
        refused = [
            await change(world, world.caller(), space_quota=1),
            await change(world, admin(world), quota=1000),
            await change(world, admin(world), tenant_id=other, space_quota=1),
            await change(world, admin(world), tenant_id=TENANT, space_quota=1),
            await world.ask(DescribeUsage(world.caller())),
            await world.ask(DescribeUserUsage(world.caller(2), ANN)),
            await world.ask(ChangeUserQuota(world.caller(), ANN, "user1", unlimited=True)),
        ]
        too_much = await change(world, admin(world), space_quota=101)
    assert {type(one) for one in refused} == {Forbidden}
    assert too_much == Invalid("spaceQuota", "must be at most the tenant's quota of 100 bytes")


@given
async def test_what_was_read_before_anothers_change_changes_nothing(world: World) -> None:
    """Of a tenant, and of a user's space."""
    wanted = ChangeQuota(admin(world), space_quota=20, if_revision=1)
    user = ChangeUserQuota(admin(world), ANN, "user1", quota=5, if_revision=0)
    assert (await world.ask(wanted)).revision == 2
    assert (await world.ask(user)).quota == 5
    async with unchanged(world.database, "files", "outbox"):
        assert await world.ask(wanted) == StaleRevision(2)
        assert await world.ask(user) == StaleRevision(2)


# What a provider says


def told(world: World, source: str = "idp", **wanted: Any) -> SyncQuota:
    """Return what a provider says of user 1, who signs in."""
    return SyncQuota(world.caller(), source, **{"quota": None, **wanted})


@given
async def test_a_provider_gives_a_home_its_quota_before_there_is_one(world: World) -> None:
    """Changes it and takes it back; saying the same again changes nothing, no event either."""
    gives = told(world, quota=12)
    made = await world.ask(gives)
    assert (made.quota, made.follows, made.source) == (12, False, "idp")
    async with unchanged(world.database, "files", "outbox"):
        assert await world.ask(gives) == made
    await world.put("/a", "x" * 11)
    assert await world.init("/b", "xx") == QuotaExceeded(2, 1)
    unlimited = await world.ask(told(world))
    assert (unlimited.quota, unlimited.follows, unlimited.source) == (None, False, "idp")
    assert await world.init("/b", "x" * 90) == QuotaExceeded(90, 89)
    back = await world.ask(told(world, follows=True))
    assert (back.quota, back.follows, back.source) == (10, True, None)


@given
async def test_a_home_that_follows_is_not_made_to_say_so(world: World) -> None:
    """Nor does a number of bytes that is none change anything."""
    async with unchanged(world.database, "files", "outbox"):
        assert (await world.ask(told(world, follows=True))).space_id is None
        assert isinstance(await world.ask(told(world, quota=-1)), Invalid)
        assert isinstance(await world.ask(told(world, quota=1 << 63)), Invalid)


@given
async def test_a_provider_leaves_an_admins_quota_and_anothers_alone(world: World) -> None:
    """Until the admin says that the space follows the tenant: then it is for a provider to say."""
    await world.ask(told(world, quota=12))
    with_another = told(world, "other", quota=13)
    assert (await world.ask(with_another)).quota == 12
    fixed = await world.ask(ChangeUserQuota(admin(world), ANN, "user1", quota=12))
    assert fixed.source is None
    for says in (told(world, quota=14), told(world), told(world, follows=True)):
        assert await world.ask(says) == fixed
    await world.ask(ChangeUserQuota(admin(world), ANN, "user1", follows=True))
    assert (await world.ask(with_another)).source == "other"


@given
async def test_what_a_provider_gave_is_taken_back_slice_by_slice(world: World) -> None:
    """And no more than that: neither an admin's nor another provider's."""
    for user in range(1, 6):
        source = "other" if user == 5 else "idp"
        await world.ask(SyncQuota(world.caller(user), source, 12))
    await world.ask(ChangeUserQuota(admin(world), UserId(UUID(int=4)), "user4", quota=12))
    takes = TakeBackQuotas(admin(world), "idp", limit=2)
    assert [await world.ask(takes) for _ in range(3)] == [2, 1, 0]
    seen = [
        await world.ask(DescribeUserUsage(admin(world), UserId(UUID(int=user))))
        for user in range(1, 6)
    ]
    assert [(one.quota, one.source) for one in seen] == [
        (10, None), (10, None), (10, None), (12, None), (12, "other")
    ]  # fmt: skip


@given
async def test_a_home_that_is_passed_on_is_no_providers_any_more(world: World) -> None:
    """The team keeps its quota, whatever becomes of the provider."""
    given_ = await world.ask(told(world, quota=12))
    await world.ask(PassOn(admin(world), ANN, "user1", UserId(UUID(int=3))))
    assert await world.ask(TakeBackQuotas(admin(world), "idp")) == 0
    team = await world.ask(GetSpace(admin(world), given_.space_id))
    assert (team.quota, team.follows) == (12, False)
