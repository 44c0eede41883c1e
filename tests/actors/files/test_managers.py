"""A team space keeps a manager, and a tenant's admins can mend one that lost all."""

from typing import Any

import trio

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import LastManager, Member, Role
from bitvault.kernel.ids import SpaceId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden
from tests.actors.files.conftest import World


async def team(world: World, *users: int, name: str = "Team") -> SpaceId:
    """Make a space whose managers these users are; the first is an admin."""
    admin = world.caller(users[0], admin=True)
    space = await world.ask(c.CreateSpace(admin, name))
    for user in users[1:]:
        user_id = world.caller(user).principal.user_id
        await world.ask(c.SetMember(admin, space.space_id, user_id, Role.MANAGER))
    space_id: SpaceId = space.space_id
    return space_id


async def test_the_last_manager_neither_leaves_nor_becomes_less(world: World) -> None:
    """Not even an admin can do it; as soon as there is another manager, anybody's turn it is."""
    admin, ben = world.caller(admin=True), world.caller(2).principal.user_id
    me = admin.principal.user_id
    space = await team(world, 1)
    await world.ask(c.SetMember(admin, space, ben, Role.EDITOR))

    assert await world.ask(c.RemoveMember(admin, space, me)) == LastManager()
    assert await world.ask(c.SetMember(admin, space, me, Role.EDITOR)) == LastManager()
    members = await world.ask(c.ListMembers(admin, space))
    assert members.items == (Member(me, Role.MANAGER), Member(ben, Role.EDITOR))

    assert await world.ask(c.RemoveMember(admin, space, ben)) is None
    await world.ask(c.SetMember(admin, space, ben, Role.MANAGER))
    assert await world.ask(c.RemoveMember(admin, space, me)) is None


async def test_two_managers_who_remove_each_other_at_once_leave_one(world: World) -> None:
    """The second sees what the first did, also when both began before."""
    answers: list[Any] = []
    space = await team(world, 1, 2)

    async def remove(who: Caller, whom: Caller) -> None:
        answers.append(await world.ask(c.RemoveMember(who, space, whom.principal.user_id)))

    for _ in range(5):
        async with trio.open_nursery() as nursery:
            one, two = world.caller(1, admin=True), world.caller(2, admin=True)
            nursery.start_soon(remove, one, two)
            nursery.start_soon(remove, two, one)
        left = await world.ask(c.ListMembers(world.caller(1, admin=True), space))
        assert len(left.items) == 1
        for user in (1, 2):
            user_id = world.caller(user).principal.user_id
            await world.ask(c.SetMember(world.caller(1, admin=True), space, user_id, Role.MANAGER))
    assert answers.count(None) == answers.count(LastManager()) == 5


async def test_an_admin_lists_and_mends_a_space_without_members(world: World) -> None:
    """Whose managers were deleted is found among all spaces, and given a manager by its id."""
    lost = await team(world, 2, name="Lost")
    mine = await team(world, 1, name="Mine")
    admin = world.caller(admin=True)
    await world.ask(c.PassOn(admin, world.caller(2).principal.user_id, "ben"))

    page = await world.ask(c.ListSpaces(admin, every=True))

    assert [(one.space_id, one.role) for one in page.items] == [(lost, None), (mine, Role.MANAGER)]
    await world.ask(c.SetMember(admin, lost, admin.principal.user_id, Role.MANAGER))
    assert (await world.ask(c.GetSpace(admin, lost))).role is Role.MANAGER


async def test_every_space_comes_in_pages_and_to_admins_only(world: World) -> None:
    """By name; and others learn nothing."""
    for name in ("b", "C", "a"):
        await team(world, 1, name=name)
    admin = world.caller(5, admin=True)
    first = await world.ask(c.ListSpaces(admin, limit=2, every=True))
    second = await world.ask(c.ListSpaces(admin, first.next_cursor, 2, every=True))

    assert [one.name for one in (*first.items, *second.items)] == ["a", "b", "C"]
    assert second.next_cursor is None
    refused = await world.ask(c.ListSpaces(world.caller(1), every=True))
    assert isinstance(refused, Forbidden)


async def test_an_empty_space_is_deleted_and_its_name_is_free(world: World) -> None:
    """Not one with a file, nor with trash; for admins, and for nobody who only manages it."""
    admin, ben = world.caller(admin=True), world.caller(2)
    space = await team(world, 1, 2)
    await world.put("Team:/f", "text", admin)
    assert await world.ask(c.DeleteSpace(admin, space)) == c.SpaceNotEmpty()
    gone = await world.apply(c.TrashNode(c.Target(path="Team:/f")), caller=admin)
    assert await world.ask(c.DeleteSpace(admin, space)) == c.SpaceNotEmpty()
    await world.apply(c.PurgeEntry(gone.entry_id), caller=admin)
    assert isinstance(await world.ask(c.DeleteSpace(ben, space)), Forbidden)
    assert isinstance(await world.ask(c.DeleteSpace(admin, space, 99)), c.StaleRevision)

    assert await world.ask(c.DeleteSpace(admin, space)) is None

    assert isinstance(await world.ask(c.ListMembers(admin, space)), c.SpaceNotFound)
    assert isinstance(await world.ask(c.DeleteSpace(admin, space)), c.SpaceNotFound)
    assert (await world.ask(c.ListSpaces(admin, every=True))).items == ()
    assert await team(world, 1) != space


async def test_no_personal_space_is_deleted(world: World) -> None:
    """Neither one's own nor, as an admin, another's, which is not there."""
    admin = world.caller(admin=True)
    own = await world.ask(c.GetSpace(admin))
    other = await world.ask(c.GetSpace(world.caller(2)))

    assert isinstance(await world.ask(c.DeleteSpace(admin, own.space_id)), Forbidden)
    assert isinstance(await world.ask(c.DeleteSpace(admin, other.space_id)), c.SpaceNotFound)
