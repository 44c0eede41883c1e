"""What If-Match on a space and on its members holds to, in the room's own transaction."""

from uuid import UUID

from bitvault.actors.files import contract as c
from bitvault.kernel.ids import UserId
from tests.actors.files.conftest import World
from tests.support.postgres import unchanged

BEA = UserId(UUID(int=2))


async def test_every_change_of_a_space_is_a_new_revision(world: World) -> None:
    """A quota too, though it is kept elsewhere: of two who set it from one look, one is told."""
    admin = world.caller(1, admin=True)
    made = await world.ask(c.CreateSpace(admin, "Team"))
    first = c.UpdateSpace(admin, made.space_id, quota=10, if_revision=made.revision)
    second = c.UpdateSpace(admin, made.space_id, quota=20, if_revision=made.revision)
    changed = await world.ask(first)
    async with unchanged(world.database, "files", "outbox"):
        assert await world.ask(second) == c.StaleRevision(changed.revision)
    assert changed.revision > made.revision
    free = await world.ask(c.UpdateSpace(admin, made.space_id, unlimited=True))
    both = await world.ask(c.UpdateSpace(admin, made.space_id, name="Renamed", quota=5))
    assert made.revision < changed.revision < free.revision < both.revision
    assert (both.name, both.quota) == ("Renamed", 5)


async def test_use_of_a_space_is_no_new_revision(world: World) -> None:
    """Somebody's upload does not refuse an admin's change."""
    admin = world.caller(1, admin=True)
    made = await world.ask(c.CreateSpace(admin, "Team"))
    await world.put("Team:/file", "bytes", admin)
    used = await world.ask(c.GetSpace(admin, made.space_id))
    assert (used.used, used.revision) == (5, made.revision)


async def test_a_role_is_given_only_as_it_was_seen(world: World) -> None:
    """Nobody yet, then one role after the other; a stale look changes nothing."""
    admin = world.caller(1, admin=True)
    space = (await world.ask(c.CreateSpace(admin, "Team"))).space_id
    absent, editor = frozenset({None}), frozenset({c.Role.EDITOR})

    def give(role: c.Role, expected: frozenset[c.Role | None]) -> c.SetMember:
        return c.SetMember(admin, space, BEA, role, expected)

    assert await world.ask(give(c.Role.EDITOR, absent)) == c.Member(BEA, c.Role.EDITOR)
    assert await world.ask(c.GetMember(admin, space, BEA)) == c.Member(BEA, c.Role.EDITOR)
    async with unchanged(world.database, "files", "outbox"):
        assert await world.ask(give(c.Role.VIEWER, absent)) == c.StaleMember("editor")
    assert await world.ask(give(c.Role.VIEWER, editor)) == c.Member(BEA, c.Role.VIEWER)
    async with unchanged(world.database, "files", "outbox"):
        assert await world.ask(c.RemoveMember(admin, space, BEA, editor)) == c.StaleMember("viewer")
    await world.ask(c.RemoveMember(admin, space, BEA, frozenset({c.Role.VIEWER})))
    assert await world.ask(c.GetMember(admin, space, BEA)) == c.MemberNotFound(str(BEA))
