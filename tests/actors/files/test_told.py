"""Whoever reads the events alone knows the tree: a rebuild from the log equals the live one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from attrs import define, field

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Role, Target
from bitvault.actors.files.manifest import FILES
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.events import Event
from bitvault.outbox import journal
from bitvault.outbox.coding import classes_of
from tests.actors.files.conftest import TENANT, World

NODES = Query(
    "nodes",
    "SELECT node_id, parent_id, name, revision, entry_id, kind, version, size, hash, content_type,"
    " content_modified_at FROM files.node WHERE tenant_id = $1",
    ("tenant",),
)
CONTENT = ("version", "size", "hash", "content_type", "content_modified_at")
MODIFIED = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)


@define
class Rebuilt:
    """The tree as the events tell of it, each row made from one event."""

    nodes: dict[UUID, dict[str, Any]] = field(factory=dict)

    def take(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case c.NodeCreated(parent_id=parent_id, name=name):
                self._put(event, parent_id, name, None, "folder")
            case c.NodeCommitted(parent_id=parent_id, name=name):
                self._put(event, parent_id, name, None, "file")
            case c.NodeMoved(parent_id=parent_id, name=name, node_kind=kind):
                before = self.nodes[event.aggregate_id]
                was = before["parent_id"], before["name"]
                assert was == (event.from_parent_id, event.from_name)
                self._put(event, parent_id, name, None, kind)
            case c.NodeTrashed(parent_id=parent_id, name=name, entry_id=entry, node_kind=kind):
                self._put(event, parent_id, name, entry, kind)
            case c.NodeRestored(parent_id=parent_id, name=name, node_kind=kind):
                before = self.nodes[event.aggregate_id]
                was = before["parent_id"], before["name"]
                assert was == (event.from_parent_id, event.from_name)
                self._put(event, parent_id, name, None, kind)
            case c.NodePurged(parent_id=parent_id, node_kind=kind, version=version):
                gone = self.nodes[event.aggregate_id]
                assert (gone["parent_id"], gone["kind"]) == (parent_id, kind)
                assert gone["version"] == version
                self._drop(event.aggregate_id)

    def _put(
        self, event: Event, parent_id: UUID | None, name: str, entry: UUID | None, kind: Any
    ) -> None:
        self.nodes[event.aggregate_id] = {
            "node_id": event.aggregate_id,
            "parent_id": parent_id,
            "name": name,
            "revision": event.revision,
            "entry_id": entry,
            "kind": kind,
            **{one: getattr(event, one, None) for one in CONTENT},
        }

    def _drop(self, node_id: UUID) -> None:
        del self.nodes[node_id]
        for below in [one for one, row in self.nodes.items() if row["parent_id"] == node_id]:
            self._drop(below)


async def told(world: World) -> list[Event]:
    """Return the decoded events of the tenant, of nodes and spaces."""
    classes = classes_of(FILES.events)

    async def work(tx: Transaction) -> list[Event]:
        stored = await journal.events_after(tx, TENANT, 0, 1000)
        return [one.decoded(classes).event for one in stored if one.kind in classes]

    return await world.database.read(TENANT, work)


async def live(world: World) -> dict[UUID, dict[str, Any]]:
    """Return the rows there are."""

    async def work(tx: Transaction) -> dict[UUID, dict[str, Any]]:
        return {row["node_id"]: dict(row) for row in await tx.fetch(NODES, tenant=TENANT)}

    return await world.database.read(TENANT, work)


async def test_the_tree_can_be_rebuilt_from_its_events(world: World) -> None:
    """Every way to change it, with content of its own type and time, from the events alone."""
    await world.put("/a/b/one.txt", "1", content_type="text/x-one", content_modified_at=MODIFIED)
    await world.put("/a/b/one.txt", "11", if_exists=c.IfExists.REPLACE)
    await world.put("/two.bin", "22")
    await world.put("/keep/three.txt", "333", content_modified_at=MODIFIED)
    at = {path: Target(path=path) for path in ("/a", "/a/b", "/keep", "/two.bin")}
    await world.apply(c.MakeFolder(Target(path="/empty/deep"), parents=True))
    await world.apply(c.CopyNode(at["/a/b"], at["/keep"], "copied"))
    await world.apply(c.RestoreVersion(Target(path="/a/b/one.txt"), 1))
    await world.apply(c.MoveNode(at["/two.bin"], at["/a"], "zwei.bin"))
    await world.apply(c.MoveNode(at["/a/b"], at["/keep"], None))
    file = await world.apply(c.TrashNode(Target(path="/a/zwei.bin")))
    await world.apply(c.RestoreEntry(file.entry_id, at["/keep"], "back.bin"))
    await world.apply(c.TrashNode(Target(path="/keep/three.txt")))
    folder = await world.apply(c.TrashNode(Target(path="/keep/copied")))
    await world.apply(c.PurgeEntry(folder.entry_id))
    gone = await world.apply(c.TrashNode(Target(path="/empty")))
    await world.apply(c.PurgeEntry(gone.entry_id))

    rebuilt = Rebuilt()
    for event in await told(world):
        rebuilt.take(event)

    assert rebuilt.nodes == await live(world)
    assert len(rebuilt.nodes) == 7


async def test_events_of_a_space_say_whose_view_of_which_folder_changes(world: World) -> None:
    """Of a new space who has it, of a member what they were before, and the root in each."""
    admin, ben = world.caller(1, admin=True), world.caller(2).principal.user_id
    space = await world.ask(c.CreateSpace(admin, "Team"))
    for role in (Role.VIEWER, Role.EDITOR):
        await world.ask(c.SetMember(admin, space.space_id, ben, role))
    await world.ask(c.RemoveMember(admin, space.space_id, ben))

    made, first, second, removed = (await told(world))[-4:]

    assert isinstance(made, c.NodeCreated)
    assert (made.space_kind, made.owner_id) == ("team", admin.principal.user_id)
    for event in (first, second, removed):
        assert isinstance(event, c.MemberSet | c.MemberRemoved)
        assert (event.member_id, event.root_id) == (ben, made.aggregate_id)
    roles = [(one.previous_role, one.role) for one in (first, second)]  # type: ignore[union-attr]
    assert roles == [(None, "viewer"), ("viewer", "editor")]
    assert removed == c.MemberRemoved(
        space.space_id, removed.revision, ben, "editor", made.aggregate_id
    )
