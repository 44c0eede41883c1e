"""Who may do what in a team space: every message, for everybody."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, frozen

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target
from bitvault.kernel.ids import NodeId, SpaceId, UploadId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refusal
from tests.actors.files.conftest import World, sha256
from tests.support.postgres import unchanged

MANAGER, EDITOR, VIEWER, NOBODY = 1, 2, 3, 4
NEW = UserId(UUID(int=77))
_NONE = UUID(int=78)
"""An id of nothing."""


@frozen
class Scene:
    """A team space with something of everything in it, and the ids by which it is found."""

    space_id: SpaceId
    folder: NodeId
    file: NodeId
    trashed: UUID
    other_trashed: UUID

    def at(self, path: str) -> Target:
        """Return a target in the space."""
        return Target(path=path, space_id=self.space_id)


async def furnished(world: World) -> Scene:
    """Make the space: its manager is the admin who makes it, and leaves again as an admin."""
    admin = world.caller(MANAGER, admin=True)
    space = await world.ask(c.CreateSpace(admin, "Team"))
    for user, role in ((EDITOR, c.Role.EDITOR), (VIEWER, c.Role.VIEWER)):
        await world.ask(c.SetMember(admin, space.space_id, UserId(UUID(int=user)), role))
    made = await world.apply(c.MakeFolder(Target(path="Team:/folder")), caller=admin)
    await world.put("Team:/file", "one", admin)
    file = await world.put("Team:/file", "two", admin, if_exists=c.IfExists.REPLACE)
    entries = []
    for name in ("Team:/old", "Team:/older"):
        await world.put(name, "old", admin)
        entries.append((await world.apply(c.TrashNode(Target(path=name)), caller=admin)).entry_id)
    return Scene(space.space_id, made.node.node_id, file.node.node_id, *entries)


Make = Callable[[Caller, Scene], Any]


def _apply(one: Callable[[Scene], c.Operation]) -> Make:
    return lambda who, scene: c.Apply(who, (one(scene),))


def _draft(scene: Scene) -> c.UploadDraft:
    return c.UploadDraft(3, scene.at("/new"), hash=sha256("new"))


READS: dict[str, Make] = {
    "get by path": lambda who, s: c.GetNode(who, s.at("/file")),
    "get by id": lambda who, s: c.GetNode(who, Target(node_id=s.file)),
    "children": lambda who, s: c.ListChildren(who, Target(node_id=s.folder)),
    "versions": lambda who, s: c.ListVersions(who, Target(node_id=s.file)),
    "trash": lambda who, s: c.ListTrash(who, s.space_id),
    "content": lambda who, s: c.GetContents(who, (c.ContentDraft(Target(node_id=s.file)),)),
    "space": lambda who, s: c.GetSpace(who, s.space_id),
}
WRITES: dict[str, Make] = {
    "make a folder": _apply(lambda s: c.MakeFolder(s.at("/made"))),
    "make one by id": _apply(lambda s: c.MakeFolder(None, Target(node_id=s.folder), "x")),
    "rename": _apply(lambda s: c.MoveNode(Target(node_id=s.file), name="renamed")),
    "copy": _apply(lambda s: c.CopyNode(Target(node_id=s.file), Target(node_id=s.folder))),
    "restore a version": _apply(lambda s: c.RestoreVersion(Target(node_id=s.file), 1)),
    "restore": _apply(lambda s: c.RestoreEntry(s.trashed)),
    "init": lambda who, s: c.InitUploads(who, (_draft(s),)),
    "put in the trash": _apply(lambda s: c.TrashNode(Target(node_id=s.folder))),
}
ENDS: dict[str, Make] = {
    "purge": _apply(lambda s: c.PurgeEntry(s.other_trashed)),
    "take out": _apply(lambda s: c.MoveNode(Target(node_id=s.file), Target(path="/"))),
}
MEMBERS: dict[str, Make] = {
    "members": lambda who, s: c.ListMembers(who, s.space_id),
    "a member": lambda who, s: c.GetMember(who, s.space_id, UserId(UUID(int=VIEWER))),
}
GOVERNS: dict[str, Make] = {
    "name the space": lambda who, s: c.UpdateSpace(who, s.space_id, name="Named"),
    "let in": lambda who, s: c.SetMember(who, s.space_id, NEW, c.Role.MANAGER),
    "put out": lambda who, s: c.RemoveMember(who, s.space_id, NEW),
}
QUOTA: dict[str, Make] = {"quota": lambda who, s: c.UpdateSpace(who, s.space_id, quota=1 << 40)}
EVERYTHING = READS | WRITES | ENDS | MEMBERS | GOVERNS | QUOTA
assert len(EVERYTHING) == sum(map(len, (READS, WRITES, ENDS, MEMBERS, GOVERNS, QUOTA)))
HIDDEN = (c.NodeNotFound, c.SpaceNotFound, c.EntryNotFound)
ROLES = {
    "manager": (MANAGER, False, READS | WRITES | ENDS | MEMBERS | GOVERNS),
    "editor": (EDITOR, False, READS | WRITES | MEMBERS),
    "viewer": (VIEWER, False, READS | MEMBERS),
    "nobody": (NOBODY, False, {}),
    "tenant admin": (NOBODY, True, MEMBERS | GOVERNS | QUOTA),
    "managing admin": (MANAGER, True, EVERYTHING),
}


async def first(world: World, message: Any) -> Any:
    """Ask, and take the only answer out of its batch."""
    answer = await world.ask(message)
    batched = isinstance(message, c.Apply | c.InitUploads | c.GetContents)
    return answer[0] if batched and isinstance(answer, tuple) else answer


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_allows_what_it_says(world: World, role: str) -> None:
    """What is not allowed is forbidden to those who see the space, and hidden from others."""
    user, admin, allowed = ROLES[role]
    scene, who = await furnished(world), world.caller(user, admin=admin)
    await world.ask(c.GetSpace(who))  # their own space is made when it is first needed
    wanted = HIDDEN if role in {"nobody", "tenant admin"} else (Forbidden,)

    for name in [name for name in EVERYTHING if name not in allowed]:
        async with unchanged(world.database, "files", "outbox"):
            answer = await first(world, EVERYTHING[name](who, scene))
        assert isinstance(answer, wanted), (name, answer)
    for name, make in allowed.items():
        answer = await first(world, make(who, scene))
        assert not isinstance(answer, Refusal), (name, answer)


@pytest.mark.requirement("X17")
@pytest.mark.parametrize("name", EVERYTHING)
async def test_another_tenants_things_do_not_exist(world: World, name: str) -> None:
    """Even their admin gets the answer that ids of nothing get, and nothing changes."""
    scene = await furnished(world)
    stranger = world.caller(MANAGER, admin=True, tenant=UUID(int=0xB))
    await world.ask(c.GetSpace(stranger))
    nothing = Scene(SpaceId(_NONE), NodeId(_NONE), NodeId(_NONE), _NONE, _NONE)

    async with unchanged(world.database, "files", "outbox"):
        theirs = await first(world, EVERYTHING[name](stranger, scene))
        none = await first(world, EVERYTHING[name](stranger, nothing))

    assert isinstance(theirs, HIDDEN)
    assert _unnamed(theirs) == _unnamed(none)


def _unnamed(refusal: Any) -> Any:
    names = [name for name in ("target", "space") if hasattr(refusal, name)]
    return evolve(refusal, **dict.fromkeys(names, ""))


@pytest.mark.parametrize("ask", [c.DescribeUpload, c.AbortUpload])
async def test_an_upload_is_its_users_alone(world: World, ask: Any) -> None:
    """A manager of the space, and an admin of the tenant, see no upload of an editor."""
    scene = await furnished(world)
    (upload,) = await world.ask(c.InitUploads(world.caller(EDITOR), (_draft(scene),)))

    for other in (world.caller(MANAGER), world.caller(NOBODY, admin=True)):
        async with unchanged(world.database, "files", "outbox"):
            assert await world.ask(ask(other, upload.upload_id)) == c.UploadNotFound()
            claim = c.UploadCommit(UploadId(upload.upload_id), sha256("new"))
            assert await world.ask(c.CommitUploads(other, (claim,))) == (c.UploadNotFound(),)


@pytest.mark.parametrize(
    ("role", "refusal"), [(c.Role.VIEWER, Forbidden), (None, c.NodeNotFound)], ids=str
)
async def test_a_role_lost_before_the_commit(world: World, role: Any, refusal: type) -> None:
    """The commit is judged by what its user may do now; the upload stays open."""
    scene, admin = await furnished(world), world.caller(MANAGER, admin=True)
    (upload,) = await world.ask(c.InitUploads(world.caller(EDITOR), (_draft(scene),)))
    editor = UserId(UUID(int=EDITOR))
    if role is None:
        await world.ask(c.RemoveMember(admin, scene.space_id, editor))
    else:
        await world.ask(c.SetMember(admin, scene.space_id, editor, role))

    async with unchanged(world.database, "files", "outbox"):
        assert isinstance(await world.commit(upload, "new", world.caller(EDITOR)), refusal)
    await world.ask(c.SetMember(admin, scene.space_id, editor, c.Role.EDITOR))
    assert isinstance(await world.commit(upload, "new", world.caller(EDITOR)), c.Written)


async def test_a_personal_space_has_no_members(world: World) -> None:
    """Its owner cannot let others in, and to an admin it does not exist."""
    own = await world.ask(c.GetSpace(world.caller(EDITOR)))
    admin = world.caller(MANAGER, admin=True)

    for name in ("let in", "put out", "name the space"):
        scene = Scene(own.space_id, own.root_id, own.root_id, _NONE, _NONE)
        async with unchanged(world.database, "files", "outbox"):
            mine = await world.ask(GOVERNS[name](world.caller(EDITOR), scene))
            theirs = await world.ask(GOVERNS[name](admin, scene))
        assert isinstance(mine, Forbidden)
        assert isinstance(theirs, c.SpaceNotFound)
