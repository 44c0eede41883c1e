"""At the end of a run: everything that can be seen, and every row behind it, against the model."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from attrs import frozen

from bitvault.actors.files import contract as c
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.kernel.ids import NodeId
from bitvault.kernel.paging import Page
from tests.model import journal
from tests.model.model import Model
from tests.model.tree import Node, Space, name_key, nfc
from tests.model.world import TEXT_OF, World

_PAGE = 2
_ROWS = {
    "files.node": "node_id",
    "files.version": "node_id, version",
    "files.blob": "hash",
    "files.usage": "holder_id",
    "files.trash_entry": "entry_id",
    "files.upload": "upload_id DESC",
    "outbox.event": "seq",
}
"""The tables, and the order to read each in."""
Shown = tuple[Any, ...]


def shown(node: c.Node) -> Shown:
    """What the contract tells of a node."""
    content = (node.version, node.size, node.hash)
    return (node.space_id, node.path, node.node_id, node.kind, node.name, node.revision, *content)


def expected_node(model: Model, node: Node) -> Shown:
    """The same, as the model has it."""
    spaces = [node.entry.space] if node.entry else model.spaces
    space = next(one for one in spaces if node.entry or one.root is node.chain[0])
    size, digest = node.versions[-1] if node.versions else (None, None)
    kind, version = ("file", len(node.versions)) if node.versions else ("folder", None)
    name = (space.space_id, node.path, node.node_id, kind, node.name, node.revision)
    return (*name, version, size, digest)


async def pages(world: World, request: Any, *arguments: Any) -> list[Any]:
    """Read a whole list, two items at a time."""
    items: list[Any] = []
    cursor = None
    while True:
        page = await world.ask(request(*arguments, cursor=cursor, limit=_PAGE))
        assert isinstance(page, Page), page
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items


@frozen
class Truth:
    """Both worlds, at rest."""

    world: World
    model: Model

    async def check(self, positions: Mapping[int, UUID]) -> None:
        """Compare everything that can be seen, then every row (invariants of reliability §2)."""
        for space in self.model.spaces:
            await self._tree(min(space.ranks), space.root)
            await self._trash(min(space.ranks), space)
            await self._usage(min(space.ranks), space)
        rows = await self.world.database.read(self.world.tenant, self._rows)
        for user in (1, 2):
            await self._uploads(user, rows["files.upload"])
        self._nodes(rows["files.node"])
        self._chains(rows["files.node"], rows["files.version"])
        await self._blobs(rows["files.blob"])
        self._totals(rows)
        journal.check(rows["outbox.event"], rows["files.node"], positions)

    async def _rows(self, tx: Transaction) -> dict[str, list[Row]]:
        rows = {}
        for table, order in _ROWS.items():
            sql = f"SELECT * FROM {table} WHERE tenant_id = $1 ORDER BY {order}"  # noqa: S608 - names of ours
            rows[table] = await tx.fetch(Query(table, sql, ("tenant",)), tenant=self.world.tenant)
        return rows

    async def _tree(self, user: int, folder: Node) -> None:
        found = await pages(self.world, c.ListChildren, self.world.caller(user), _by_id(folder))
        for ours, theirs in zip(self.model.children(folder), found, strict=True):
            ours.node_id = ours.node_id or theirs.node_id
            assert shown(theirs) == expected_node(self.model, ours)
            if ours.versions:
                await self._versions(user, ours)
            else:
                await self._tree(user, ours)

    async def _versions(self, user: int, node: Node) -> None:
        found = await pages(self.world, c.ListVersions, self.world.caller(user), _by_id(node))
        last = len(node.versions)
        expected = [(n, *node.versions[n - 1], n == last) for n in range(last, 0, -1)]
        assert [(v.version, v.size, v.hash, v.is_current) for v in found] == expected

    async def _trash(self, user: int, space: Space) -> None:
        found = await pages(self.world, c.ListTrash, self.world.caller(user), space.space_id)
        ours = [entry for entry in reversed(self.model.entries) if entry.space is space]
        assert [(e.entry_id, e.original_path, shown(e.node)) for e in found] == [
            (e.entry_id, e.path, expected_node(self.model, e.node)) for e in ours
        ]

    async def _usage(self, user: int, space: Space) -> None:
        message = c.GetSpace(self.world.caller(user), space.space_id)  # type: ignore[arg-type]
        found = await self.world.ask(message)
        used, reserved = self.model.used(space), self.model.reserved(space)
        assert (found.used, found.reserved, found.quota) == (used, reserved, space.quota)

    async def _uploads(self, user: int, rows: list[Row]) -> None:
        found = await pages(self.world, c.ListUploads, self.world.caller(user))
        waiting = [r for r in rows if r["state"] == "open" and r["user_id"].int == user]
        ours = [u for u in self.model.uploads if u.state == "open" and u.user == user]
        assert [one.upload_id for one in found] == [row["upload_id"] for row in waiting]
        assert sorted(one.size for one in found) == sorted(u.draft.size for u in ours)

    def _nodes(self, rows: list[Row]) -> None:
        """I12, I13: every live node hangs from a root, under a key of its own."""
        by_id = {row["node_id"]: row for row in rows}
        places = [(row["parent_id"], row["name_key"]) for row in rows if not row["entry_id"]]
        assert len(places) == len(set(places))
        for row in rows:
            assert (row["name"], row["name_key"]) == (nfc(row["name"]), name_key(row["name"]))
            above, steps = row, 0
            while above["parent_id"] and not above["entry_id"]:
                above, steps = by_id[above["parent_id"]], steps + 1
                assert steps <= len(rows)
            assert above["entry_id"] or above["space_id"]

    def _chains(self, rows: list[Row], versions: list[Row]) -> None:
        """I9: versions are 1..n, and the last is the current one."""
        for row in rows:
            own = [v for v in versions if v["node_id"] == row["node_id"]]
            assert [v["version"] for v in own] == list(range(1, (row["version"] or 0) + 1))
            if own:
                assert (row["size"], row["hash"]) == (own[-1]["size"], own[-1]["hash"])

    async def _blobs(self, rows: list[Row]) -> None:
        """I1, I15: references are the versions that there are, and their bytes are there."""
        assert {row["hash"]: row["refs"] for row in rows if row["refs"]} == self.model.refs()
        for row in rows:
            assert (row["refs"] == 0) == (row["zero_since"] is not None)
            held = await self.world.held(row["object_key"])
            assert held == TEXT_OF[row["hash"]].encode()

    def _totals(self, rows: Mapping[str, list[Row]]) -> None:
        """I19, and no row that cannot be seen: nothing is left over from anything."""
        model = self.model
        assert len(rows["files.node"]) == len(model.nodes)
        assert len(rows["files.version"]) == model.refs().total()
        assert len(rows["files.trash_entry"]) == len(model.entries)
        (total,) = [r for r in rows["files.usage"] if r["holder_id"] == self.world.tenant]
        used, reserved = model.used(*model.spaces), model.reserved(*model.spaces)
        assert (total["used"], total["reserved"]) == (used, reserved)
        assert used == sum(row["size"] for row in rows["files.version"])
        assert used + reserved <= model.quota


def _by_id(node: Node) -> c.Target:
    assert node.node_id
    return c.Target(node_id=NodeId(node.node_id))
