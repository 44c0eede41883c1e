"""Reading the tree: nodes, lists, versions and trash."""

from collections.abc import Sequence
from uuid import UUID

from attrs import define

from bitvault.actors.files.actor.transactions import FilesTransactions
from bitvault.actors.files.contract import (
    Access,
    DescribeAccess,
    DescribeDrops,
    DropFolder,
    Extent,
    GetNode,
    GetNodes,
    KindMismatch,
    ListChildren,
    ListTrash,
    ListVersions,
    MeasureTree,
    Node,
    NodeNotFound,
    Target,
    TrashEntry,
    Version,
)
from bitvault.actors.files.rules.cursors import before_id, before_version, list_name
from bitvault.actors.files.rules.drafts import check_batch, check_limit
from bitvault.actors.files.store.dropping import drop_folders
from bitvault.actors.files.store.locate import Wanted, granted_on, locate, locate_one, walk_up
from bitvault.actors.files.store.places import Place, node_of, place_at
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Right, rights_along
from bitvault.kernel.ids import UserId
from bitvault.kernel.paging import Page, after_text, page_of
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refusal, Refused
from supervisors import handles

SQL = load_queries("bitvault.actors.files.store", "reading.sql")

_MOST_MEASURED = 1000


@define(eq=False)
class Reading:
    """Everything that changes nothing, and is answered from the rows alone."""

    transactions: FilesTransactions

    @handles(GetNode)
    async def get(self, message: GetNode) -> Node:
        """Describe one live node."""
        caller = message.caller
        place = await self.transactions.read(
            caller, lambda tx: locate_one(tx, caller, message.target)
        )
        return place.described()

    @handles(GetNodes)
    async def get_all(self, message: GetNodes) -> tuple[Node | Refusal, ...]:
        """Describe live nodes by id."""
        check_batch(len(message.node_ids), "ids")
        caller = message.caller
        wanted = [Wanted(Target(node_id=node_id)) for node_id in message.node_ids]
        found = await self.transactions.read(caller, lambda tx: locate(tx, caller, wanted))
        return tuple(one if isinstance(one, Refusal) else one.described() for one in found)

    @handles(DescribeAccess)
    async def access(self, message: DescribeAccess) -> Access:
        """Say what the caller may do to a node."""
        caller, target = message.caller, Target(node_id=message.node_id)
        place = await self.transactions.read(caller, lambda tx: locate_one(tx, caller, target))
        return Access(place.rights[-1], place.node["kind"] == "folder", len(place.ids) == 1)

    @handles(DescribeDrops)
    async def drops(self, message: DescribeDrops) -> tuple[DropFolder | NodeNotFound, ...]:
        """Name folders that the caller was given to add to."""
        check_batch(len(message.node_ids), "ids")
        caller = message.caller
        return await self.transactions.read(
            caller, lambda tx: drop_folders(tx, caller, message.node_ids)
        )

    @handles(MeasureTree)
    async def measure(self, message: MeasureTree) -> Extent:
        """Count a node and what is below it; a caller who may share it sees all of that."""
        caller, target = message.caller, Target(node_id=message.node_id)

        async def work(tx: Transaction) -> Extent:
            await locate_one(tx, caller, target, Right.SHARE)
            key = {"tenant": caller.tenant_id, "node_id": message.node_id}
            row = await tx.fetchrow(SQL["extent"], **key, limit=_MOST_MEASURED + 1)
            if row is None:
                raise AssertionError("a count has a row")
            nodes = min(row["nodes"], _MOST_MEASURED)
            return Extent(nodes, row["size"], row["nodes"] > nodes)

        return await self.transactions.read(caller, work)

    @handles(ListChildren)
    async def children(self, message: ListChildren) -> Page[Node]:
        """List a folder by name key."""
        check_limit(message.limit)
        caller = message.caller

        async def work(tx: Transaction) -> Page[Node]:
            place = await locate_one(tx, caller, message.target)
            if place.node["kind"] != "folder":
                raise Refused(KindMismatch(place.path, "folder"))
            name = list_name("children", place.node_id)
            rows = await tx.fetch(
                SQL["children"],
                tenant=caller.tenant_id,
                parent_id=place.node_id,
                after=after_text(message.cursor, name),
                limit=message.limit + 1,
            )
            above = place.path.rstrip("/")
            space_id = place.space["space_id"]
            nodes = [node_of(row, space_id, f"{above}/{row['name']}") for row in rows]
            page = page_of(nodes, message.limit, [(row["name_key"],) for row in rows], name)
            return Page(await _readable(tx, caller, place, page.items), page.next_cursor)

        return await self.transactions.read(caller, work)

    @handles(ListVersions)
    async def versions(self, message: ListVersions) -> Page[Version]:
        """List a file's versions, newest first."""
        check_limit(message.limit)
        caller = message.caller

        async def work(tx: Transaction) -> Page[Version]:
            place = await locate_one(tx, caller, message.target)
            if place.node["kind"] != "file":
                raise Refused(KindMismatch(place.path, "file"))
            name = list_name("versions", place.node_id)
            rows = await tx.fetch(
                SQL["versions"],
                tenant=caller.tenant_id,
                node_id=place.node_id,
                before=before_version(message.cursor, name),
                limit=message.limit + 1,
            )
            found = [_version(row, place.node["version"]) for row in rows]
            return page_of(found, message.limit, [(row["version"],) for row in rows], name)

        return await self.transactions.read(caller, work)

    @handles(ListTrash)
    async def trash(self, message: ListTrash) -> Page[TrashEntry]:
        """List a space's trash, newest first; what the caller may not see makes pages shorter."""
        check_limit(message.limit)
        caller = message.caller

        async def work(tx: Transaction) -> Page[TrashEntry]:
            root = Target(path="/", space_id=message.space_id)
            place = await locate_one(tx, caller, root)
            name = list_name("trash", place.space["space_id"])
            rows = await tx.fetch(
                SQL["trash"],
                tenant=caller.tenant_id,
                space_id=place.space["space_id"],
                before=before_id(message.cursor, name),
                limit=message.limit + 1,
            )
            page = page_of(rows, message.limit, [(str(row["entry"]),) for row in rows], name)
            paths = await _restorable(tx, caller, place, page.items)
            space_id = place.space["space_id"]
            entries = tuple(
                _entry(row, space_id, paths[row["node_id"]])
                for row in page.items
                if row["node_id"] in paths
            )
            return Page(entries, page.next_cursor)

        return await self.transactions.read(caller, work)


async def _readable(
    tx: Transaction, caller: Caller, place: Place, nodes: Sequence[Node]
) -> tuple[Node, ...]:
    """Leave out restricted folders that the caller may not read."""
    rights = place.rights[-1]
    if Right.SHARE in rights:
        return tuple(nodes)
    folders = [node.node_id for node in nodes if node.kind == "folder"]
    granted = await granted_on(tx, caller, folders)
    return tuple(
        node
        for node in nodes
        if Right.READ in rights_along(rights, [granted.get(node.node_id, 0)])[0]
    )


async def _restorable(
    tx: Transaction, caller: Caller, root: Place, rows: Sequence[Row]
) -> dict[UUID, str]:
    """Return, of what was trashed where the caller may look, the path that they may know."""
    paths: dict[UUID, str] = {row["node_id"]: row["original_path"] for row in rows}
    if Right.SHARE in root.rights[-1]:
        return paths
    chains = await walk_up(tx, caller, [row["node_id"] for row in rows])
    places = [place_at(chain, root.space, caller) for chain in chains]
    seen = [place for place in places if place and Right.READ in place.rights[-2]]
    return {one.node_id: one.was_at(paths[one.node_id]) for one in seen}


def _version(row: Row, current: int) -> Version:
    return Version(
        version=row["version"],
        size=row["size"],
        hash=row["hash"],
        content_type=row["content_type"],
        content_modified_at=row["content_modified_at"],
        created_at=row["created_at"],
        created_by=UserId(row["created_by"]),
        is_current=row["version"] == current,
    )


def _entry(row: Row, space_id: UUID, path: str) -> TrashEntry:
    return TrashEntry(
        entry_id=row["entry"],
        node=node_of(row, space_id, path),
        original_path=path,
        trashed_at=row["trashed_at"],
        trashed_by=UserId(row["trashed_by"]),
    )
