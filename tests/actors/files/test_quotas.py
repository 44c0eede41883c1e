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
    QuotaExceeded,
    SpaceUsage,
    StaleRevision,
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
