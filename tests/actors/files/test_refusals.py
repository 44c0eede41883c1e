"""Every way the room says no, and that a no changes nothing."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from attrs import evolve, frozen

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target, refusals
from bitvault.actors.storage.contract import BytesMismatch, BytesMissing
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.kernel.ids import NodeId, SpaceId, UploadId, UserId
from bitvault.kernel.principal import Drop, Idempotency
from bitvault.kernel.refusal import IdempotencyConflict, Invalid, Refusal
from tests.actors.files.conftest import World, send, sha256
from tests.support.postgres import snapshot

SCHEMAS = ("files", "storage", "outbox")
NONE = UUID(int=99)
DEEP = "/d" * 500
"""As many levels as there can be."""
LONGER = c.QuotaExceeded(11, 3)
_KEYS = count()
_EIGHT_DAYS = 8 * 86400


@frozen
class Scene:
    """Alice's own space and a team space of 10 bytes, with something of everything in them."""

    world: World
    team: SpaceId
    trashed: NodeId
    entry: UUID
    lost_entry: UUID
    uploads: dict[str, UploadId]

    @property
    def alice(self) -> Any:
        """An admin of the tenant."""
        return self.world.caller(1, admin=True)

    def apply(self, one: Any) -> Any:
        """Ask for one operation."""
        return c.Apply(self.alice, (one,))

    def init(self, path: str, size: int = 3, **more: Any) -> Any:
        """Ask for one upload."""
        given = {"hash": sha256("new"), **more}
        return c.InitUploads(self.alice, (c.UploadDraft(size, Target(path=path), **given),))

    def set_member(self, number: int, if_role: set[c.Role | None]) -> Any:
        """Ask for a role in the team space."""
        expected = frozenset(if_role)
        return c.SetMember(self.alice, self.team, user(number), c.Role.VIEWER, expected)

    def commit(self, name: str, text: str = "", **more: Any) -> Any:
        """Claim one of the scene's uploads."""
        upload_id = self.uploads.get(name, UploadId(NONE))
        claim = c.UploadCommit(upload_id, sha256(text or name), **more)
        return c.CommitUploads(self.alice, (claim,))


def late(message: c.InitUploads) -> c.InitUploads:
    """Ask as one who came with a file request, after its deadline."""
    drop = Drop(closes_at=datetime(2000, 1, 1, tzinfo=UTC))
    caller = message.caller
    return evolve(message, caller=evolve(caller, principal=evolve(caller.principal, drop=drop)))


def user(number: int) -> UserId:
    """Return the id of a user."""
    return UserId(UUID(int=number))


async def put(world: World, objects: MemoryObjectStore, path: str, text: str, **more: Any) -> Any:
    """Upload real bytes."""
    upload = await world.init(path, text, **more)
    await send(objects, upload.transfers[0], text.encode())
    return await world.commit(upload, text)


async def furnished(world: World, objects: MemoryObjectStore) -> Scene:
    """Make the scene."""
    alice = world.caller(1, admin=True)
    uploads = {"expired": (await world.init("/expired", "expired")).upload_id}
    world.clock.advance(_EIGHT_DAYS)
    assert await world.ask(c.ExpireUploads()) == 1
    team = await world.ask(c.CreateSpace(alice, "Team", 10))
    await world.ask(c.CreateSpace(alice, "Other"))
    await put(world, objects, "/a/b/file", "one")
    await put(world, objects, "/a/b/file", "eleven here", base_version=1)
    await put(world, objects, "/other", "other")
    await put(world, objects, "Team:/seven", "seven b")
    await world.apply(c.MakeFolder(Target(path=DEEP), parents=True))
    gone = []
    for path in ("/old/er", "/x/old"):
        await world.apply(c.MakeFolder(Target(path=path), parents=True))
        gone.append(await world.apply(c.TrashNode(Target(path=path.removesuffix("/er")))))
    await world.apply(c.TrashNode(Target(path="/x")))
    await put(world, objects, "/x", "a file where a folder was")
    uploads |= await pending(world, objects)
    await world.ask(c.AbortUpload(alice, uploads["aborted"]))
    done = c.UploadCommit(uploads["committed"], sha256("committed"))
    await world.ask(c.CommitUploads(alice, (done,)))
    entries = [one.entry_id for one in gone]
    return Scene(world, team.space_id, gone[0].node.node_id, *entries, uploads)


async def pending(world: World, objects: MemoryObjectStore) -> dict[str, UploadId]:
    """Open uploads, all but one sent, and change the tree under those that are to be late."""
    fail, replace = c.IfExists.FAIL, c.IfExists.REPLACE
    wanted = {
        "unsent": ("/unsent", fail, None),
        "sent": ("/sent", fail, None),
        "aborted": ("/aborted", fail, None),
        "committed": ("/committed", fail, None),
        "stale": ("/late/stale", fail, 1),
        "taken": ("/late/taken", fail, None),
        "below a file": ("/late/no/more", fail, None),
        "for a folder": ("/late/replaced", replace, None),
        "too deep": ("/deep/down", fail, None),
        "trashed": ("/gone/new", fail, None),
    }
    await put(world, objects, "/late/stale", "base")
    for path in ("/deep", "/gone"):
        await world.apply(c.MakeFolder(Target(path=path)))
    uploads = {}
    for name, (path, if_exists, base) in wanted.items():
        upload = await world.init(path, name, if_exists=if_exists, base_version=base)
        uploads[name] = upload.upload_id
        if name != "unsent":
            await send(objects, upload.transfers[0], name.encode())
    await put(world, objects, "/late/stale", "another", base_version=1)
    await put(world, objects, "/late/taken", "taken away")
    await put(world, objects, "/late/no", "no folder")
    above = Target(path=DEEP.removesuffix("/d"))
    await world.apply(
        c.MakeFolder(Target(path="/late/replaced")),
        c.MoveNode(Target(path="/deep"), above),
        c.TrashNode(Target(path="/gone")),
    )
    return uploads


Ask = Callable[[Scene], Any]
FILE, FOLDER, ROOT, TEAM = (Target(path=p) for p in ("/a/b/file", "/a", "/", "Team:/"))
NOWHERE, NOBODY = Target(path="/nowhere"), Target(node_id=NodeId(NONE))
VERSION = c.VersionNotFound
ROWS: list[tuple[Refusal | type[Refusal], Ask]] = [
    (c.NodeNotFound("/nowhere"), lambda s: c.GetNode(s.alice, NOWHERE)),
    (c.NodeNotFound(str(NONE)), lambda s: c.GetNode(s.alice, NOBODY)),
    (c.NodeNotFound, lambda s: c.GetNode(s.alice, Target(node_id=s.trashed))),
    (c.NodeNotFound, lambda s: c.ListChildren(s.alice, NOWHERE)),
    (c.NodeNotFound, lambda s: c.ListVersions(s.alice, NOWHERE)),
    (c.NodeNotFound, lambda s: c.GetContents(s.alice, (c.ContentDraft(NOWHERE),))),
    (c.NodeNotFound("/no/folder"), lambda s: s.apply(c.MakeFolder(Target(path="/no/folder/here")))),
    (c.NodeNotFound, lambda s: s.apply(c.MakeFolder(None, NOBODY, "x"))),
    (c.NodeNotFound, lambda s: s.apply(c.MoveNode(NOWHERE, name="x"))),
    (c.NodeNotFound, lambda s: s.apply(c.MoveNode(FILE, NOWHERE))),
    (c.NodeNotFound, lambda s: s.apply(c.CopyNode(NOWHERE, ROOT))),
    (c.NodeNotFound, lambda s: s.apply(c.CopyNode(FILE, NOBODY))),
    (c.NodeNotFound, lambda s: s.apply(c.TrashNode(NOWHERE))),
    (c.NodeNotFound, lambda s: s.apply(c.RestoreEntry(s.entry, NOWHERE))),
    (c.NodeNotFound, lambda s: s.apply(c.RestoreVersion(NOWHERE, 1))),
    (c.NodeNotFound("/gone/new"), lambda s: s.commit("trashed")),
    (VERSION(3), lambda s: c.GetContents(s.alice, (c.ContentDraft(FILE, 3),))),
    (VERSION(0), lambda s: c.GetContents(s.alice, (c.ContentDraft(FILE, 0),))),
    (VERSION(3), lambda s: s.apply(c.RestoreVersion(FILE, 3))),
    (VERSION(-1), lambda s: s.apply(c.RestoreVersion(FILE, -1))),
    (VERSION(1 << 40), lambda s: s.apply(c.RestoreVersion(FILE, 1 << 40))),
    (c.EntryNotFound(), lambda s: s.apply(c.RestoreEntry(NONE))),
    (c.EntryNotFound(), lambda s: s.apply(c.PurgeEntry(NONE))),
    (c.SpaceNotFound("Nowhere"), lambda s: c.GetNode(s.alice, Target(path="Nowhere:/x"))),
    (c.SpaceNotFound, lambda s: c.GetNode(s.alice, Target(path="/", space_id=SpaceId(NONE)))),
    (c.SpaceNotFound, lambda s: c.ListTrash(s.alice, SpaceId(NONE))),
    (c.SpaceNotFound, lambda s: c.GetSpace(s.alice, SpaceId(NONE))),
    (c.SpaceNotFound, lambda s: c.UpdateSpace(s.alice, SpaceId(NONE), name="x")),
    (c.SpaceNotFound, lambda s: c.ListMembers(s.alice, SpaceId(NONE))),
    (c.SpaceNotFound, lambda s: c.RemoveMember(s.alice, SpaceId(NONE), UserId(NONE))),
    (c.SpaceNotFound, lambda s: s.init("Nowhere:/x")),
    (c.SpaceNotEmpty(), lambda s: c.DeleteSpace(s.alice, s.team)),
    (c.LastManager(), lambda s: c.RemoveMember(s.alice, s.team, s.alice.principal.user_id)),
    (c.SpaceTaken("TEAM"), lambda s: c.CreateSpace(s.alice, "TEAM")),
    (c.SpaceTaken("other"), lambda s: c.UpdateSpace(s.alice, s.team, name="other")),
    (c.NameTaken("a"), lambda s: s.apply(c.MakeFolder(Target(path="/A")))),
    (c.NameTaken("file"), lambda s: s.apply(c.MakeFolder(FILE, exist_ok=True))),
    (c.NameTaken, lambda s: s.apply(c.MakeFolder(ROOT))),
    (c.NameTaken("OTHER"), lambda s: s.apply(c.MoveNode(FOLDER, name="OTHER"))),
    (c.NameTaken, lambda s: s.apply(c.MoveNode(FOLDER, None, "other", c.IfExists.REPLACE))),
    (c.NameTaken, lambda s: s.apply(c.CopyNode(FOLDER, ROOT))),
    (c.NameTaken, lambda s: s.apply(c.RestoreEntry(s.entry, name="other"))),
    (c.NameTaken("other"), lambda s: s.init("/Other")),
    (c.NameTaken("taken"), lambda s: s.commit("taken")),
    (c.KindMismatch("/a/b/file", "folder"), lambda s: c.ListChildren(s.alice, FILE)),
    (c.KindMismatch("/a", "file"), lambda s: c.ListVersions(s.alice, FOLDER)),
    (c.KindMismatch, lambda s: c.GetContents(s.alice, (c.ContentDraft(FOLDER),))),
    (c.KindMismatch, lambda s: s.apply(c.MakeFolder(Target(path="/other/x")))),
    (c.KindMismatch, lambda s: s.apply(c.MoveNode(FOLDER, FILE))),
    (c.KindMismatch, lambda s: s.apply(c.CopyNode(FOLDER, FILE))),
    (c.KindMismatch, lambda s: s.apply(c.RestoreEntry(s.entry, FILE))),
    (c.KindMismatch("/x", "folder"), lambda s: s.apply(c.RestoreEntry(s.lost_entry))),
    (c.KindMismatch, lambda s: s.apply(c.RestoreVersion(FOLDER, 1))),
    (c.KindMismatch("/", "file"), lambda s: s.init("/")),
    (c.KindMismatch("/other", "folder"), lambda s: s.init("/other/x/y")),
    (c.KindMismatch("/a", "file"), lambda s: s.init("/a", if_exists=c.IfExists.REPLACE)),
    (c.KindMismatch("/late/no", "folder"), lambda s: s.commit("below a file")),
    (c.KindMismatch("/late/replaced", "file"), lambda s: s.commit("for a folder")),
    (c.StaleBase(2), lambda s: s.init("/a/b/file", base_version=1)),
    (c.StaleBase(2), lambda s: s.init("/a/b/file", base_version=0)),
    (c.StaleBase(0), lambda s: s.init("/nowhere", base_version=1)),
    (c.StaleBase(2), lambda s: s.commit("stale")),
    (c.StaleRevision(2), lambda s: s.apply(c.MoveNode(FILE, name="x", if_revision=1))),
    (c.StaleRevision(1), lambda s: s.apply(c.TrashNode(FOLDER, 0))),
    (c.StaleRevision(2), lambda s: s.apply(c.RestoreVersion(FILE, 1, 3))),
    (c.StaleRevision(1), lambda s: c.UpdateSpace(s.alice, s.team, name="x", if_revision=2)),
    (c.StaleMember("manager"), lambda s: s.set_member(1, {c.Role.EDITOR, c.Role.VIEWER})),
    (c.StaleMember("manager"), lambda s: s.set_member(1, {None})),
    (c.StaleMember(None), lambda s: s.set_member(2, set(c.Role))),
    (
        c.StaleMember("manager"),
        lambda s: c.RemoveMember(s.alice, s.team, user(1), frozenset({c.Role.EDITOR})),
    ),
    (c.StaleMember(None), lambda s: c.RemoveMember(s.alice, s.team, user(2), frozenset(c.Role))),
    (c.MemberNotFound(str(user(2))), lambda s: c.GetMember(s.alice, s.team, user(2))),
    (LONGER, lambda s: s.init("Team:/new", 11)),
    (LONGER, lambda s: s.apply(c.CopyNode(FILE, TEAM))),
    (c.QuotaExceeded(14, 3), lambda s: s.apply(c.MoveNode(FOLDER, TEAM))),
    (c.QuotaExceeded(7, 3), lambda s: s.apply(c.RestoreVersion(Target(path="Team:/seven"), 1))),
    (c.TreeRuleBroken, lambda s: s.apply(c.MoveNode(ROOT, name="x"))),
    (c.TreeRuleBroken, lambda s: s.apply(c.CopyNode(ROOT, FOLDER))),
    (c.TreeRuleBroken, lambda s: s.apply(c.TrashNode(TEAM))),
    (c.TreeRuleBroken, lambda s: s.apply(c.MoveNode(FOLDER, Target(path="/a/b")))),
    (c.TreeRuleBroken, lambda s: s.apply(c.MoveNode(FOLDER, FOLDER))),
    (c.TreeRuleBroken, lambda s: s.apply(c.MakeFolder(Target(path=DEEP + "/d")))),
    (c.TreeRuleBroken, lambda s: s.apply(c.MakeFolder(None, Target(path=DEEP), "d"))),
    (c.TreeRuleBroken, lambda s: s.apply(c.MoveNode(FOLDER, Target(path=DEEP)))),
    (c.TreeRuleBroken, lambda s: s.apply(c.CopyNode(FOLDER, Target(path=DEEP[2:])))),
    (c.TreeRuleBroken, lambda s: s.apply(c.RestoreEntry(s.entry, Target(path=DEEP[2:])))),
    (c.TreeRuleBroken, lambda s: s.init(DEEP + "/new")),
    (c.TreeRuleBroken, lambda s: s.commit("too deep")),
    (c.UploadNotFound(), lambda s: c.DescribeUpload(s.alice, UploadId(NONE))),
    (c.UploadNotFound(), lambda s: c.SignUploadParts(s.alice, UploadId(NONE), ())),
    (c.UploadNotFound(), lambda s: c.AbortUpload(s.alice, UploadId(NONE))),
    (c.UploadNotFound(), lambda s: s.commit("nothing")),
    (c.UploadNotFound(), lambda s: evolve(s.commit("sent"), caller=s.world.caller(2))),
    (c.RequestClosed(), lambda s: late(s.init("/new"))),
    (c.UploadClosed("aborted"), lambda s: s.commit("aborted")),
    (c.UploadClosed("expired"), lambda s: s.commit("expired")),
    (c.UploadClosed("committed"), lambda s: c.AbortUpload(s.alice, s.uploads["committed"])),
    (
        c.UploadClosed("committed"),
        lambda s: c.SignUploadParts(s.alice, s.uploads["committed"], ()),
    ),
    (BytesMissing(), lambda s: s.commit("unsent")),
    (BytesMismatch("hash"), lambda s: s.commit("sent", "other bytes")),
    (BytesMismatch("hash"), lambda s: s.commit("committed", "other bytes")),
    (BytesMismatch("etag"), lambda s: s.commit("sent", etag="other")),
]
INVALID: list[tuple[str, Ask]] = [
    ("name", lambda s: c.CreateSpace(s.alice, "a/b")),
    ("name", lambda s: s.apply(c.MoveNode(FILE, name=".."))),
    ("name", lambda s: s.apply(c.CopyNode(FILE, ROOT, "nul\0"))),
    ("name", lambda s: s.apply(c.RestoreEntry(s.entry, name="\ud800"))),
    ("name", lambda s: s.apply(c.MakeFolder(None, FOLDER, ""))),
    ("path", lambda s: s.apply(c.MakeFolder(Target(path="relative")))),
    ("path", lambda s: s.apply(c.MakeFolder())),
    ("path", lambda s: s.apply(c.MakeFolder(ROOT, FOLDER, "both"))),
    ("path", lambda s: c.GetNode(s.alice, Target())),
    ("path", lambda s: c.GetNode(s.alice, Target(path="/" + "x" * 16_384))),
    ("size", lambda s: s.init("/new", -1)),
    ("size", lambda s: s.init("/new", (5 << 40) + 1)),
    ("hash", lambda s: s.init("/new", hash=None)),
    ("hash", lambda s: s.init("/new", hash="sha256:beef")),
    ("hash", lambda s: s.init("/new", hash="sha256-2:" + "0" * 64)),
    ("hash", lambda s: evolve(s.commit("sent"), commits=(_claim(s, "md5:beef"),))),
    ("baseVersion", lambda s: s.init("/new", base_version=-1)),
    ("contentType", lambda s: s.init("/new", content_type="text\r\nSet-Cookie: x")),
    ("quota", lambda s: c.CreateSpace(s.alice, "New", -1)),
    ("quota", lambda s: c.UpdateSpace(s.alice, s.team, quota=1 << 63)),
    ("items", lambda s: c.InitUploads(s.alice, ())),
    ("items", lambda s: c.CommitUploads(s.alice, ())),
    ("operations", lambda s: c.Apply(s.alice, (c.TrashNode(FILE),) * 1001)),
]


def _claim(scene: Scene, digest: str) -> c.UploadCommit:
    return c.UploadCommit(scene.uploads["sent"], digest)


async def answer(world: World, message: Any) -> Any:
    """Ask, and take the only answer out of its batch."""
    found = await world.ask(message)
    return found[0] if isinstance(found, tuple) else found


async def rows(world: World) -> dict[str, list[str]]:
    """Return every row but those of Idempotency-Keys, which are written for a refusal too."""
    found = await snapshot(world.database, SCHEMAS)
    del found["files.idempotency"]
    return found


async def refused(world: World, message: Any) -> Any:
    """Ask with no key, with one, and with it again; answer the refusal if nothing changed.

    The very first commit of sent bytes seals their object, and that may stay so.
    """
    if isinstance(message, c.CommitUploads):
        files = await snapshot(world.database, ["files"])
        first = await answer(world, message)
        assert await snapshot(world.database, ["files"]) == files
    else:
        first = None
    before = await rows(world)
    answers = [await answer(world, message)]
    key = Idempotency(f"key {next(_KEYS)}", b"")
    keyed = evolve(message, caller=evolve(message.caller, idempotency=key))
    answers += [await answer(world, keyed) for _ in range(2)]
    after = await rows(world)
    assert [table for table in before if before[table] != after[table]] == []
    assert [one for one in answers if one != (first or answers[0])] == []
    return answers[0]


async def test_every_refusal_changes_nothing(real: World, objects: MemoryObjectStore) -> None:
    """Each row of the table is refused as it says, the same each time, and leaves every row."""
    scene = await furnished(real, objects)
    wrong = []
    for expected, ask in ROWS:
        found = await refused(real, ask(scene))
        if expected not in (found, type(found)):
            wrong.append((expected, found))
    for field, ask in INVALID:
        found = await refused(real, ask(scene))
        if not isinstance(found, Invalid) or found.field != field:
            wrong.append((field, found))
    assert wrong == []


def test_every_refusal_is_in_the_table() -> None:
    """A refusal that nobody can provoke is not in the contract."""
    declared = {
        kind
        for _, kind in inspect.getmembers(refusals, inspect.isclass)
        if issubclass(kind, Refusal) and kind.__module__ == refusals.__name__
    }
    provoked = {one if isinstance(one, type) else type(one) for one, _ in ROWS}

    # The one takes 10,000 nodes, the other a link: tests/actors/sharing/test_requests.py.
    assert declared - provoked - {c.TooManyNodes, c.RequestFull} == set()


async def test_a_subtree_beyond_the_limit_is_not_copied(world: World) -> None:
    """10,001 nodes are refused; one less is copied in one operation."""
    for start in range(100):
        await world.apply(c.MakeFolder(Target(path=f"/tiny/{start}"), parents=True))
    copies = [
        c.CopyNode(Target(path="/tiny"), Target(path="/big"), str(number)) for number in range(99)
    ]
    await world.apply(c.MakeFolder(Target(path="/big")))
    done = await world.apply(*copies)
    assert all(isinstance(one, c.Written) for one in done)
    copy = c.CopyNode(Target(path="/big"), Target(path="/"), None, c.IfExists.RENAME)
    assert isinstance(await world.apply(copy), c.Written)
    await world.apply(c.MakeFolder(Target(path="/big/one more")))

    before = await rows(world)
    assert await world.apply(copy) == c.TooManyNodes(10_000)
    assert await rows(world) == before


async def test_a_key_of_another_request(world: World) -> None:
    """The first use stands, and what came second is not done."""
    caller = world.caller(key="k")
    await world.apply(c.MakeFolder(Target(path="/a")), caller=caller)
    key = Idempotency("k", b"another body")
    other = evolve(caller, idempotency=key)

    before = await snapshot(world.database, SCHEMAS)
    asked = [
        c.Apply(other, (c.MakeFolder(Target(path="/b")),)),
        c.InitUploads(other, (c.UploadDraft(1, Target(path="/b"), hash=sha256("b")),)),
    ]
    assert [await world.ask(one) for one in asked] == [IdempotencyConflict()] * 2
    assert await snapshot(world.database, SCHEMAS) == before
