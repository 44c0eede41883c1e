"""What a token that ends at a node can reach: that node and what is below, and nothing beside."""

from typing import Any

import pytest
from attrs import define, evolve

from bitvault.actors.files.contract import (
    AbortUpload,
    AbortUploads,
    CopyNode,
    DescribeUpload,
    EntryNotFound,
    GetNode,
    GetSpace,
    ListSpaces,
    ListTrash,
    ListUploads,
    MakeFolder,
    MoveNode,
    NodeNotFound,
    PurgeEntry,
    RestoreEntry,
    SpaceNotFound,
    Target,
    TrashNode,
    UploadEnded,
    UploadNotFound,
    UploadOpened,
    Written,
)
from bitvault.kernel.ids import NodeId
from bitvault.kernel.paging import Page
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden
from tests.actors.files.conftest import World


@define
class Box:
    """A folder of somebody's, a token that ends there, and a file beside it."""

    world: World
    inbox: NodeId
    beside: NodeId
    below: NodeId
    token: Caller

    async def ask(self, request: Any) -> Any:
        """Send a message."""
        return await self.world.ask(request)

    def sees(self, node_id: NodeId) -> Any:
        """Ask for a node as the token does."""
        return self.world.ask(GetNode(self.token, Target(node_id=node_id)))


@pytest.fixture
async def box(world: World) -> Box:
    """Return ``/deep/inbox`` with a file in it, and ``/deep/beside.txt``."""
    below = (await world.put("/deep/inbox/in.txt", "in")).node
    beside = (await world.put("/deep/beside.txt", "beside")).node
    owner = world.caller()
    confined = evolve(owner.principal, confined_to=below.parent_id)
    token = evolve(owner, principal=confined)
    return Box(world, NodeId(below.parent_id), beside.node_id, below.node_id, token)


@pytest.mark.requirement("X12")
async def test_there_is_nothing_above_or_beside(box: Box) -> None:
    """By id or path what is outside was never there; what is inside is shown from its end on."""
    assert await box.sees(box.beside) == NodeNotFound(str(box.beside))
    nowhere = ("/deep/beside.txt", "/deep", "/", "/deep/nothing", "/nowhere", "/deep/inbox/in.txt")
    for path in nowhere:
        assert await box.ask(GetNode(box.token, Target(path=path))) == SpaceNotFound("personal")
    inbox = await box.sees(box.inbox)
    assert (inbox.path, inbox.parent_id) == ("/inbox", None)
    below = await box.ask(GetNode(box.token, Target(path=f"{box.inbox}:/in.txt")))
    assert (below.path, below.node_id) == ("/inbox/in.txt", box.below)


async def test_it_is_in_no_space(box: Box) -> None:
    """Not in the list, not by id, and without a trash."""
    space = await box.ask(GetSpace(box.world.caller()))
    assert await box.ask(ListSpaces(box.token)) == Page((), None)
    assert isinstance(await box.ask(GetSpace(box.token, space.space_id)), SpaceNotFound)
    assert isinstance(await box.ask(ListTrash(box.token, space.space_id)), SpaceNotFound)


async def test_the_node_itself_stays_where_it_is(box: Box) -> None:
    """Its name and place belong to the folder around it."""
    for operation in (
        MoveNode(Target(node_id=box.inbox), None, "other"),
        TrashNode(Target(node_id=box.inbox)),
    ):
        assert isinstance(await box.world.apply(operation, caller=box.token), Forbidden)


@pytest.mark.parametrize("way", ["copy out", "copy in", "move out", "move in", "make"])
async def test_nothing_crosses_its_end(box: Box, way: str) -> None:
    """Neither a copy nor a move goes out or comes in, and nothing is made outside."""
    inside, outside = Target(node_id=box.below), Target(node_id=box.beside)
    inbox, root = Target(node_id=box.inbox), Target(path="/")
    operation = {
        "copy out": CopyNode(inside, root, "x"),
        "copy in": CopyNode(outside, inbox, "x"),
        "move out": MoveNode(inside, root),
        "move in": MoveNode(outside, inbox),
        "make": MakeFolder(Target(path="/new")),
    }[way]
    done = await box.world.apply(operation, caller=box.token)
    assert isinstance(done, NodeNotFound | SpaceNotFound)


async def test_a_batch_sees_what_its_own_operations_did(box: Box) -> None:
    """What is drawn is held to the same end as what is stored."""
    new = Target(path=f"{box.inbox}:/new")
    operations = (
        MakeFolder(new),
        MoveNode(Target(node_id=box.below), new),
        MoveNode(Target(path=f"{box.inbox}:/new/in.txt"), Target(path="/")),
        TrashNode(Target(node_id=box.beside)),
        TrashNode(new),
    )
    done = await box.world.apply(*operations, caller=box.token)
    kinds = [type(one) for one in done]
    assert kinds == [Written, Written, SpaceNotFound, NodeNotFound, Written]


async def test_it_goes_where_its_node_goes(box: Box) -> None:
    """Renamed and moved it is the same; in the trash it is not there, and purged it is gone."""
    owner, inbox = box.world.caller(), Target(node_id=box.inbox)
    await box.world.apply(MoveNode(inbox, Target(path="/"), "renamed"), caller=owner)
    assert (await box.sees(box.below)).path == "/renamed/in.txt"
    trashed = await box.world.apply(TrashNode(inbox), caller=owner)
    assert isinstance(await box.sees(box.below), NodeNotFound)
    assert trashed.entry_id is not None
    restore = RestoreEntry(trashed.entry_id)
    assert await box.world.apply(restore, caller=box.token) == EntryNotFound()
    await box.world.apply(restore, caller=owner)
    assert (await box.sees(box.below)).node_id == box.below
    again = await box.world.apply(TrashNode(inbox), caller=owner)
    assert again.entry_id is not None
    await box.world.apply(PurgeEntry(again.entry_id), caller=owner)
    for node_id in (box.inbox, box.below, box.beside):
        assert isinstance(await box.sees(node_id), NodeNotFound)


async def test_trash_entries_are_its_own(box: Box) -> None:
    """It restores what was trashed inside, and knows of nothing that was trashed beside it."""
    owner = box.world.caller()
    outside = await box.world.apply(TrashNode(Target(node_id=box.beside)), caller=owner)
    inside = await box.world.apply(TrashNode(Target(node_id=box.below)), caller=box.token)
    for kind in (RestoreEntry, PurgeEntry):
        refused = await box.world.apply(kind(outside.entry_id), caller=box.token)
        assert refused == EntryNotFound()
    assert isinstance(
        await box.world.apply(RestoreEntry(inside.entry_id), caller=box.token), Written
    )


async def test_uploads_end_where_it_ends(box: Box) -> None:
    """An upload of its user to another place is none of its; its own is taken."""
    owner = box.world.caller()
    outside = await box.world.init("/deep/other.txt", "outer", owner)
    inside = await box.world.init(f"{box.inbox}:/new.txt", "inner", box.token)
    assert isinstance(outside, UploadOpened)
    assert isinstance(inside, UploadOpened)
    assert isinstance(await box.world.init("/deep/third.txt", "third", box.token), SpaceNotFound)
    assert await box.ask(ListUploads(box.token)) == Page((), None)
    assert await box.ask(DescribeUpload(box.token, outside.upload_id)) == UploadNotFound()
    assert await box.ask(AbortUpload(box.token, outside.upload_id)) == UploadNotFound()
    second = await box.world.init(f"{box.inbox}:/second.txt", "second", box.token)
    both = AbortUploads(box.token, (outside.upload_id, second.upload_id))
    ended = UploadEnded(second.upload_id, "aborted")
    assert await box.ask(both) == (UploadNotFound(), ended)
    assert await box.world.commit(outside, "outer", box.token) == UploadNotFound()
    assert isinstance(await box.world.commit(inside, "inner", box.token), Written)
    assert isinstance(await box.world.commit(outside, "outer", owner), Written)
    assert await box.world.commit(outside, "outer", box.token) == UploadNotFound()


async def test_no_content_is_known_to_it_that_it_cannot_read(box: Box) -> None:
    """A hash of what is beside it means bytes to send; of what is inside, none."""
    told = {}
    for text in ("beside", "in"):
        told[text] = await box.world.init(f"{box.inbox}:/copy of {text}", text, box.token)
    assert isinstance(told["beside"], UploadOpened)
    assert not isinstance(told["in"], UploadOpened)
