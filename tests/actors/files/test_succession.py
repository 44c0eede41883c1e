"""What a user had, when the user goes."""

from uuid import UUID

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target
from bitvault.kernel.ids import UserId
from bitvault.kernel.paging import Page
from bitvault.kernel.refusal import Forbidden
from tests.actors.files.conftest import World
from tests.support.postgres import snapshot, unchanged

ANN, BOB = UserId(UUID(int=1)), UserId(UUID(int=2))


async def test_a_personal_space_passes_to_the_heir_in_one_row(world: World) -> None:
    """Not a node, version, blob or byte of quota is touched, and the heir manages all of it."""
    await world.put("/letters/one.txt", "one")
    trashed = await world.put("/old.txt", "old")
    await world.apply(c.TrashNode(Target(node_id=trashed.node.node_id)))
    before = await snapshot(world.database, ["files"])
    admin = world.caller(3, admin=True)

    passed = await world.ask(c.PassOn(admin, ANN, "user1", BOB))

    after = await snapshot(world.database, ["files"])
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed == {"files.space", "files.member"}
    assert passed.name == "Files of user1"
    heir = world.caller(2)
    node = await world.ask(c.GetNode(heir, Target(path="Files of user1:/letters/one.txt")))
    assert node.space_id == passed.space_id
    space = await world.ask(c.GetSpace(heir, passed.space_id))
    assert (space.kind, space.role) == ("team", c.Role.MANAGER)
    trash = await world.ask(c.ListTrash(heir, passed.space_id))
    assert [entry.original_path for entry in trash.items] == ["/old.txt"]


async def test_without_an_heir_an_admin_says_who_may_enter(world: World) -> None:
    """Nobody is in it, not the admin either, until the admin puts somebody in."""
    await world.put("/one.txt", "one")
    admin = world.caller(3, admin=True)
    passed = await world.ask(c.PassOn(admin, ANN, "user1"))

    assert await world.ask(c.ListMembers(admin, passed.space_id)) == Page((), None)
    assert isinstance(await world.ask(c.GetSpace(admin, passed.space_id)), c.SpaceNotFound)
    await world.ask(c.SetMember(admin, passed.space_id, BOB, c.Role.VIEWER))
    space = await world.ask(c.GetSpace(world.caller(2), passed.space_id))
    assert space.role is c.Role.VIEWER


async def test_who_goes_leaves_every_team(world: World) -> None:
    """And passing on again passes on nothing more."""
    admin = world.caller(3, admin=True)
    team = await world.ask(c.CreateSpace(admin, "Team"))
    await world.ask(c.SetMember(admin, team.space_id, ANN, c.Role.EDITOR))

    assert await world.ask(c.PassOn(admin, ANN, "user1", BOB)) is None
    members = await world.ask(c.ListMembers(admin, team.space_id))
    assert [member.user_id for member in members.items] == [admin.principal.user_id]
    async with unchanged(world.database, "files"):
        assert await world.ask(c.PassOn(admin, ANN, "user1", BOB)) is None


async def test_the_name_is_a_free_one_and_a_possible_one(world: World) -> None:
    """A login may have a slash, a space may not; a taken name gets a number."""
    admin = world.caller(3, admin=True)
    await world.ask(c.CreateSpace(admin, "Files of a-b"))
    await world.put("/one.txt", "one")

    passed = await world.ask(c.PassOn(admin, ANN, "a/b", BOB))

    assert passed.name == "Files of a-b (2)"


async def test_only_an_admin_of_the_tenant_passes_on(world: World) -> None:
    """Nobody else; and of another tenant there is nothing to pass on."""
    await world.put("/one.txt", "one")
    foreign = world.caller(3, admin=True, tenant=UUID(int=999))
    async with unchanged(world.database, "files"):
        refused = await world.ask(c.PassOn(world.caller(2), ANN, "user1", BOB))
        nothing = await world.ask(c.PassOn(foreign, ANN, "user1", BOB))
    assert isinstance(refused, Forbidden)
    assert nothing is None
