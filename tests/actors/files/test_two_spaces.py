"""Between spaces: bytes count where a node is, and both sides have their say."""

import pytest
from attrs import frozen

from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import (
    CopyNode,
    CreateSpace,
    GetNode,
    GetSpace,
    ListTrash,
    MoveNode,
    NodeNotFound,
    PurgeEntry,
    QuotaExceeded,
    RestoreEntry,
    Role,
    SetMember,
    Space,
    SpaceNotFound,
    Target,
    TrashNode,
    UploadOpened,
    UploadUnneeded,
    Written,
)
from bitvault.kernel.ids import SpaceId, UserId
from bitvault.kernel.refusal import Forbidden
from tests.actors.files.conftest import World
from tests.support.postgres import unchanged

ALICE, BOB, CAROL = 1, 2, 3
TEAM = Target(path="Team:/")
pytestmark = pytest.mark.parametrize("options", [FilesOptions(tenant_quota=100)])


@frozen
class Team:
    """A team space that Alice manages, with a quota of 40 bytes; Bob may only look."""

    world: World
    space_id: SpaceId

    async def used(self) -> tuple[int, int, int, int]:
        """Return what Alice's own and the team's space use and reserve."""
        own: Space = await self.world.ask(GetSpace(self.world.caller(ALICE)))
        team: Space = await self.world.ask(GetSpace(self.world.caller(ALICE), self.space_id))
        return own.used, own.reserved, team.used, team.reserved


@pytest.fixture
async def team(world: World) -> Team:
    """Make the space, and a personal one for each of the three."""
    for user in (ALICE, BOB, CAROL):
        await world.ask(GetSpace(world.caller(user)))
    admin = world.caller(ALICE, admin=True)
    space = await world.ask(CreateSpace(admin, "Team", 40))
    await world.ask(
        SetMember(admin, space.space_id, UserId(world.caller(BOB).principal.user_id), Role.VIEWER)
    )
    return Team(world, space.space_id)


async def test_a_move_takes_every_version_along(world: World, team: Team) -> None:
    """Old versions count too; the way back costs the same."""
    await world.put("/a/f", "x" * 10)
    await world.put("/a/f", "x" * 20, base_version=1)

    there = await world.apply(MoveNode(Target(path="/a"), TEAM))
    after = await team.used()
    back = await world.apply(MoveNode(Target(path="Team:/a"), Target(path="/")))

    assert (there.node.space_id, after) == (team.space_id, (0, 0, 30, 0))
    assert (back.node.path, await team.used()) == ("/a", (30, 0, 0, 0))


async def test_a_copy_takes_current_versions_only(world: World, team: Team) -> None:
    """And counts in both spaces, without new bytes."""
    await world.put("/a/f", "x" * 10)
    await world.put("/a/f", "x" * 20, base_version=1)

    await world.apply(CopyNode(Target(path="/a"), TEAM))

    assert await team.used() == (30, 0, 20, 0)


@pytest.mark.parametrize("act", [MoveNode, CopyNode])
async def test_what_does_not_fit_stays(world: World, team: Team, act: type) -> None:
    """The space's own quota decides, and the refusal has both figures."""
    await world.put("/a/f", "x" * 41)

    async with unchanged(world.database, "files", "outbox"):
        refused = await world.apply(act(Target(path="/a"), TEAM))

    assert refused == QuotaExceeded(41, 40)


async def test_a_full_tenant_can_still_move(world: World, team: Team) -> None:
    """A move brings nothing new to the tenant; a copy does."""
    await world.put("/f", "x" * 30)
    await world.put("/g", "y" * 70)

    refused = await world.apply(CopyNode(Target(path="/f"), TEAM))
    moved = await world.apply(MoveNode(Target(path="/f"), TEAM))

    assert refused == QuotaExceeded(30, 0)
    assert isinstance(moved, Written)


async def test_an_upload_ends_where_its_folder_went(world: World, team: Team) -> None:
    """Its reservation stays with the space it was opened in, and is not asked for twice."""
    await world.put("/a/f", "x")
    upload = await world.init("/a/new", "y" * 30)
    await world.put("/g", "z" * 69)
    await world.apply(MoveNode(Target(path="/a"), TEAM))
    before = await team.used()

    done = await world.commit(upload, "y" * 30)

    assert before == (69, 30, 1, 0)
    assert done.node.space_id == team.space_id
    assert await team.used() == (69, 0, 31, 0)


async def test_an_upload_that_does_not_fit_there_stays_open(world: World, team: Team) -> None:
    """The other space's quota is asked at the commit."""
    await world.put("/a/f", "x")
    upload = await world.init("/a/new", "y" * 40)
    await world.apply(MoveNode(Target(path="/a"), TEAM))

    async with unchanged(world.database, "files", "outbox"):
        assert await world.commit(upload, "y" * 40) == QuotaExceeded(40, 39)


async def test_trash_goes_where_its_folder_goes(world: World, team: Team) -> None:
    """What was trashed below a folder is in its new space's trash, counts there, and ends there."""
    await world.put("/a/f", "x" * 10)
    await world.put("/a/g", "y" * 20)
    gone = [await world.apply(TrashNode(Target(path=f"/a/{name}"))) for name in "fg"]
    await world.apply(MoveNode(Target(path="/a"), TEAM))

    listed = await world.ask(ListTrash(world.caller(ALICE), team.space_id))
    assert [one.entry_id for one in listed.items] == [gone[1].entry_id, gone[0].entry_id]
    assert (await world.ask(ListTrash(world.caller(ALICE)))).items == ()
    assert await team.used() == (0, 0, 30, 0)
    back = await world.apply(RestoreEntry(gone[0].entry_id))
    await world.apply(PurgeEntry(gone[1].entry_id))
    assert (back.node.path, back.node.space_id) == ("/a/f", team.space_id)
    assert await team.used() == (0, 0, 10, 0)


async def test_a_restore_to_another_space(world: World, team: Team) -> None:
    """An entry may come back in another space, with the trash below it."""
    await world.put("/a/b/f", "x" * 10)
    await world.put("/a/b/g", "y" * 5)
    inner = await world.apply(TrashNode(Target(path="/a/b/f")))
    outer = await world.apply(TrashNode(Target(path="/a/b")))

    done = await world.apply(RestoreEntry(outer.entry_id, TEAM, "c"))

    assert done.node.path == "/c"
    assert await team.used() == (0, 0, 15, 0)
    back = await world.apply(RestoreEntry(inner.entry_id))
    assert (back.node.path, back.node.space_id) == ("/c/f", team.space_id)


async def test_both_sides_have_their_say(world: World, team: Team) -> None:
    """A viewer copies out, but moves nothing out and puts nothing in; a stranger sees no team."""
    await world.put("Team:/f", "x", world.caller(ALICE))
    await world.put("/own", "y", world.caller(BOB))
    await world.put("/own", "z", world.caller(CAROL))
    out, into = Target(path="Team:/f"), Target(path="/own")
    expected = {
        (BOB, MoveNode(out, Target(path="/"))): Forbidden,
        (BOB, MoveNode(into, TEAM)): Forbidden,
        (BOB, CopyNode(into, TEAM)): Forbidden,
        (CAROL, MoveNode(out, Target(path="/"))): SpaceNotFound,
        (CAROL, CopyNode(out, Target(path="/"))): SpaceNotFound,
        (CAROL, MoveNode(into, TEAM)): SpaceNotFound,
    }

    async with unchanged(world.database, "files", "outbox"):
        answers = {key: await world.apply(key[1], caller=world.caller(key[0])) for key in expected}
    copied = await world.apply(CopyNode(out, Target(path="/")), caller=world.caller(BOB))

    assert {key: type(answer) for key, answer in answers.items()} == expected
    assert copied.node.path == "/f"


async def test_what_was_moved_out_is_hidden(world: World, team: Team) -> None:
    """A node keeps its id in another space, and its old readers lose it."""
    done = await world.put("Team:/f", "x", world.caller(ALICE))
    by_id = Target(node_id=done.node.node_id)
    assert (await world.ask(GetNode(world.caller(BOB), by_id))).path == "/f"

    await world.apply(MoveNode(by_id, Target(path="/")), caller=world.caller(ALICE))

    assert isinstance(await world.ask(GetNode(world.caller(BOB), by_id)), NodeNotFound)


async def test_content_is_known_to_its_readers(world: World, team: Team) -> None:
    """Bytes in the team space need not be sent again by a viewer; a stranger must send them."""
    await world.put("Team:/f", "known", world.caller(ALICE))

    assert isinstance(await world.init("/g", "known", world.caller(CAROL)), UploadOpened)
    assert isinstance(await world.init("/g", "known", world.caller(BOB)), UploadUnneeded)
