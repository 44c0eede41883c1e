"""A batch of operations does what the same operations do one after the other."""

import random
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import attrs
import pytest
from attrs import define, field

from bitvault.actors.files.contract import (
    Apply,
    CopyNode,
    CreateSpace,
    IfExists,
    MakeFolder,
    MoveNode,
    Operation,
    PurgeEntry,
    RestoreEntry,
    RestoreVersion,
    Role,
    SetMember,
    Target,
    TrashNode,
)
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import NodeId, TenantId
from tests.actors.files.conftest import World

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAMES = ("a", "b", "A", "d", "x", "x (2)")
_PATHS = ("/a", "/a/x", "/a/d", "/a/d/x", "/b", "/b/x", "/d", "/x", "Team:/a", "Team:/a/x", "/t")
_OTHERS = ("Look:/a", "Look:/a/x", "Hidden:/a", "Hidden:/a/x")
"""In spaces where the caller may only look, or not even that."""
_KINDS = {
    "folder": 8, "move": 12, "trash": 3, "restore": 2, "purge": 1, "copy": 3, "version": 2,
}  # fmt: skip
_WRONG = ("/", "/a\0", "nowhere", "Nobody:/a", "/a//b", "Team:/", *_OTHERS)
_WRONG_NAMES = ("", "a\0", "a/b", "..", "\ud800", "x" * 256)
_QUERIES = {
    "nodes": """SELECT node_id, parent_id, kind, name, name_key, revision, version, size, hash,
                       entry_id, created_at, modified_at, modified_by
                  FROM files.node WHERE tenant_id = $1 ORDER BY node_id""",
    "entries": """SELECT entry_id, node_id, parent_id, original_path, trashed_at, trashed_by
                    FROM files.trash_entry WHERE tenant_id = $1 ORDER BY entry_id""",
    "usage": "SELECT holder_id, used, reserved FROM files.usage WHERE tenant_id = $1 ORDER BY 1",
    "blobs": "SELECT hash, refs FROM files.blob WHERE tenant_id = $1 ORDER BY hash",
    "events": """SELECT seq, kind, aggregate_id, revision, payload::text
                   FROM outbox.event WHERE tenant_id = $1 ORDER BY seq""",
}


@define(eq=False)
class Tenant:
    """A tenant with a small tree, whose ids are told by names that all such tenants share.

    It has one user to apply operations, and another whose spaces are closed to them.
    """

    world: World
    number: int
    known: dict[str, UUID] = field(factory=dict)
    names: dict[UUID, str] = field(factory=dict)

    @property
    def caller(self) -> Any:
        """Return the user who applies the operations."""
        return self.world.caller(1, tenant=UUID(int=self.number), admin=True)

    async def plant(self) -> None:
        """Make the tree: files with versions, folders, a team space with little room, trash."""
        put = self.world.put
        for path, text in (("/a/x", "one"), ("/a/d/x", "two"), ("/b/x", "three"), ("/t/x", "no")):
            self.known[path] = (await put(path, text, self.caller)).node.node_id
        await put("/b/x", "four", self.caller, base_version=1)
        space = await self.world.ask(CreateSpace(self.caller, "Team", quota=6))
        self.known["Team:/"] = space.root_id
        await self.plant_others()
        for path in ("/a", "/a/d", "/b"):
            found = await self.apply(MakeFolder(Target(path=path), exist_ok=True))
            self.known[path] = found[0].node.node_id
        for path in ("/t/x", "/t", "/gone/below"):
            if path not in self.known:
                await self.apply(MakeFolder(Target(path=path), parents=True, exist_ok=True))
            (done,) = await self.apply(TrashNode(Target(path=path)))
            self.known[f"entry of {path}"] = done.entry_id
        self.names = {node_id: name for name, node_id in self.known.items()}

    async def plant_others(self) -> None:
        """Make what belongs to somebody else: one space to look at, and one that is not there."""
        other = self.world.caller(2, tenant=UUID(int=self.number), admin=True)
        for name in ("Look", "Hidden"):
            space = await self.world.ask(CreateSpace(other, name))
            if name == "Look":
                viewer = self.caller.principal.user_id
                await self.world.ask(SetMember(other, space.space_id, viewer, Role.VIEWER))
            written = await self.world.put(f"{name}:/a/x", name, other)
            self.known[f"{name}:/a/x"] = written.node.node_id
            self.known[f"{name}:/a"] = written.node.parent_id

    async def apply(self, *operations: Operation) -> list[Any]:
        """Apply one batch."""
        return list(await self.world.ask(Apply(self.caller, operations)))

    def target(self, path: str, by_id: bool) -> Target:  # noqa: FBT001 - one of two ways
        """Return a target, by id where the tree had it from the start."""
        if by_id and path in self.known:
            return Target(node_id=NodeId(self.known[path]))
        return Target(path=path)

    async def contents(self) -> Mapping[str, Any]:
        """Return everything that is stored, without the ids."""

        async def work(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
            return {
                what: [
                    dict(row)
                    for row in await tx.fetch(
                        Query(what, sql, ("tenant",)), tenant=self.caller.tenant_id
                    )
                ]
                for what, sql in _QUERIES.items()
            }

        found = await self.world.database.read(TenantId(self.caller.tenant_id), work)
        shown: Mapping[str, Any] = self.plain(found)
        return {what: sorted(map(str, rows)) for what, rows in shown.items()}

    def plain(self, value: Any) -> Any:
        """Write a value with each id replaced by its name, or by its turn of appearance."""
        match value:
            case UUID():
                return self.names.setdefault(value, f"new {len(self.names)}")
            case str():
                return _UUID.sub(lambda found: self.plain(UUID(found[0])), value)
            case dict():
                return {key: self.plain(one) for key, one in value.items() if key != "epoch"}
            case list() | tuple():
                return [self.plain(one) for one in value]
            case _ if attrs.has(type(value)):
                return {"": type(value).__name__, **self.plain(attrs.asdict(value, recurse=False))}
            case _:
                return value


@define
class Draft:
    """An operation, drawn at random; for each tenant it is the same but for the ids."""

    choose: random.Random
    kind: str = field(init=False)
    at: str = field(init=False)
    to: str = field(init=False)
    by_id: tuple[bool, bool] = field(init=False)
    options: Mapping[str, Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Draw it."""
        choose = self.choose
        (self.kind,) = choose.choices(list(_KINDS), list(_KINDS.values()))
        self.at, self.to = (
            choose.choice(_PATHS if choose.random() < 0.9 else _WRONG) for _ in "at"
        )
        self.by_id = choose.random() < 0.4, choose.random() < 0.4
        self.options = {
            "name": choose.choice(_NAMES if choose.random() < 0.96 else _WRONG_NAMES),
            "has_name": choose.random() < 0.5,
            "has_parent": choose.random() < 0.6,
            "parents": choose.random() < 0.7,
            "exist_ok": choose.random() < 0.7,
            "if_exists": choose.choice(list(IfExists)),
            "if_revision": choose.choice((None,) * 8 + (1, 2)),
            "entry": choose.choice(("/t/x", "/t", "/gone/below")),
            "version": choose.choice((1, 2, 7)),
        }

    def build(self, tenant: Tenant) -> Operation:
        """Return it for one tenant."""
        options = self.options
        at, to = tenant.target(self.at, self.by_id[0]), tenant.target(self.to, self.by_id[1])
        name = options["name"] if options["has_name"] else None
        parent = to if options["has_parent"] else None
        mode, revision = options["if_exists"], options["if_revision"]
        entry_id = tenant.known[f"entry of {options['entry']}"]
        modes = options["parents"], options["exist_ok"]
        folder = MakeFolder(at, None, None, *modes)
        return {
            "folder": MakeFolder(None, at, name, *modes) if name is not None else folder,
            "move": MoveNode(at, parent, name, mode, revision),
            "trash": TrashNode(at, revision),
            "restore": RestoreEntry(entry_id, parent, name, mode),
            "purge": PurgeEntry(entry_id),
            "copy": CopyNode(at, to, name, mode),
            "version": RestoreVersion(at, options["version"]),
        }[self.kind]


@pytest.mark.parametrize("seed", range(24))
async def test_a_batch_does_what_its_operations_do_in_turn(world: World, seed: int) -> None:
    """Answers, events, and all that is stored are the same, whatever the mix."""
    choose = random.Random(seed)  # noqa: S311 - a test that can be repeated
    drafts = [Draft(choose) for _ in range(60)]
    one_by_one, at_once = Tenant(world, 0xA1), Tenant(world, 0xA2)
    for tenant in (one_by_one, at_once):
        await tenant.plant()

    in_turn = [(await one_by_one.apply(one.build(one_by_one)))[0] for one in drafts]
    batch = await at_once.apply(*(one.build(at_once) for one in drafts))

    for index, (single, item) in enumerate(zip(in_turn, batch, strict=True)):
        assert at_once.plain(item) == one_by_one.plain(single), (index, drafts[index])
    assert await at_once.contents() == await one_by_one.contents()
