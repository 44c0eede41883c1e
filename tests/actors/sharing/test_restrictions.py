"""Restricted folders: what was granted above ends there."""

import pytest
from attrs import evolve

from bitvault.actors.files.contract import (
    CopyNode,
    CreateSpace,
    GetNode,
    ListTrash,
    MakeFolder,
    MoveNode,
    NodeNotFound,
    RestoreEntry,
    SetMember,
    Target,
    TooManyNodes,
    TrashNode,
    Written,
)
from bitvault.actors.files.store.holding import HIDDEN
from bitvault.actors.sharing.contract import ListGrants
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.access import EVERYONE, Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.sharing.conftest import Company
from tests.outbox.world import stored
from tests.support.rewiring import rewire


@pytest.fixture
async def inner(company: Company) -> NodeId:
    """Return a restricted folder in one that ben may edit."""
    outer = await company.folder("ann", "/outer")
    await company.put("ann", "/outer/open")
    await company.put("ann", "/outer/inner/f")
    inner = await company.folder("ann", "/outer/inner")
    await company.share("ann", outer, "ben", Role.EDITOR)
    shares = await company.restrict("ann", inner)
    assert shares.is_restricted
    return inner


async def test_a_restricted_folder_is_not_there(company: Company, inner: NodeId) -> None:
    """Neither by id nor in the list of the folder around it; its owner sees it as before."""
    outer = (await company.see("ann", inner)).parent_id

    assert await company.see("ben", inner) == NodeNotFound(str(inner))
    assert await company.names("ben", outer) == ["open"]
    assert await company.names("ann", outer) == ["inner", "open"]
    assert await company.names("ann", inner) == ["f"]


async def test_a_grant_on_it_counts_again(company: Company, inner: NodeId) -> None:
    """What is granted on the restricted folder itself holds, and no more than that."""
    await company.share("ann", inner, "ben", Role.VIEWER)

    node = await company.see("ben", inner)
    assert node.path == "/outer/inner"
    made = await company.files.apply(
        MakeFolder(parent=Target(node_id=inner), name="x"), caller=company.caller("ben")
    )
    assert isinstance(made, Forbidden)
    assert await company.names("ben", (await company.see("ann", inner)).parent_id) == [
        "inner",
        "open",
    ]


@pytest.mark.requirement("X26")
async def test_a_copy_leaves_out_what_its_maker_cannot_read(
    company: Company, inner: NodeId
) -> None:
    """Copying the folder around a restricted one does not copy what is in it."""
    outer = (await company.see("ann", inner)).parent_id
    ben = company.caller("ben")

    copied = await company.files.apply(
        CopyNode(Target(node_id=outer), Target(path="/"), name="copy"), caller=ben
    )

    assert await company.names("ben", copied.node.node_id) == ["open"]


async def test_lifting_it_leaves_the_rest(company: Company, inner: NodeId) -> None:
    """A restriction and a grant to everyone share a row; each ends without the other."""
    await company.share("ann", inner, EVERYONE, Role.VIEWER)
    assert (await company.see("cat", inner)).name == "inner"

    shares = await company.restrict("ann", inner, wanted=False)
    assert not shares.is_restricted
    assert [grant.role for grant in shares.grants] == [Role.VIEWER]
    assert (await company.see("ben", inner)).path == "/outer/inner"

    await company.restrict("ann", inner)
    assert await company.unshare("ann", inner, EVERYONE) is None
    assert await company.see("cat", inner) == NodeNotFound(str(inner))
    assert await company.see("ben", inner) == NodeNotFound(str(inner))


async def test_only_folders_below_a_root_are_restricted(company: Company, inner: NodeId) -> None:
    """A file or a root cannot be restricted, nor anything by who may not share it."""
    file = await company.put("ann", "/outer/open2")
    rule = "only a folder below a space's root can be restricted"

    assert await company.restrict("ann", file) == Invalid("id", rule)
    outer = (await company.see("ann", inner)).parent_id
    assert isinstance(await company.restrict("ben", outer), Forbidden)


async def test_team_members_are_held_by_it_and_its_managers_are_not(company: Company) -> None:
    """In a team space too; and what was trashed in it is not in the members' trash."""
    space = await company.files.ask(CreateSpace(company.caller("ann"), "Team"))
    ben, ann = company.caller("ben"), company.caller("ann")
    user_id = ben.principal.user_id
    await company.files.ask(SetMember(ann, space.space_id, user_id, Role.EDITOR))
    inner = await company.folder("ann", "Team:/inner")
    file = await company.put("ann", "Team:/inner/f")
    await company.restrict("ann", inner)
    await company.files.apply(TrashNode(Target(node_id=file)), caller=ann)

    by_path = await company.files.ask(GetNode(ben, Target(path="Team:/inner")))
    assert by_path == NodeNotFound("Team:/inner")
    assert (await company.files.ask(ListTrash(ben, space.space_id))).items == ()
    assert len((await company.files.ask(ListTrash(ann, space.space_id))).items) == 1
    made = await company.files.apply(MakeFolder(Target(path="Team:/inner/new")), caller=ben)
    assert made == NodeNotFound("Team:/inner/new")


@pytest.mark.requirement("X27")
async def test_no_move_lets_an_editor_past_a_restriction(company: Company, inner: NodeId) -> None:
    """What is restricted in a folder goes nowhere where they, or others, may share it then."""
    ben, outer = company.caller("ben"), (await company.see("ann", inner)).parent_id
    middle = await company.folder("ann", "/outer/middle")
    carry = MoveNode(Target(node_id=inner), Target(node_id=middle))
    await company.files.apply(carry, caller=company.caller("ann"))
    managed = await company.folder("ann", "/managed")
    await company.share("ann", managed, "cat", Role.MANAGER)
    await company.share("ann", managed, "ben", Role.EDITOR)
    within = await company.folder("ann", "/outer/within")
    refused = Forbidden("move a restricted folder to where others may share it")
    taken = Forbidden("take anything out of the space")

    out = [
        MoveNode(Target(node_id=middle), Target(path="/")),
        MoveNode(Target(node_id=middle), Target(node_id=managed)),
        MoveNode(Target(node_id=middle), Target(node_id=within)),
        MakeFolder(parent=Target(node_id=within), name="x"),
        MoveNode(Target(node_id=middle), Target(node_id=managed)),
    ]
    answers = await company.files.apply(*out, caller=ben)
    assert [answers[index] for index in (0, 1, 4)] == [taken, refused, refused]
    assert [isinstance(answers[index], Written) for index in (2, 3)] == [True, True]
    trash = TrashNode(Target(node_id=middle))
    assert await company.files.apply(trash, caller=ben) == HIDDEN
    trashed = await company.files.apply(trash, caller=company.caller("ann"))
    elsewhere = RestoreEntry(trashed.entry_id, Target(path="/"))
    assert await company.files.apply(elsewhere, caller=ben) == taken
    assert await company.see("ben", inner) == NodeNotFound(str(inner))
    back = RestoreEntry(trashed.entry_id, Target(node_id=outer))
    assert isinstance(await company.files.apply(back, caller=ben), Written)
    assert await company.names("ann", inner) == ["f"]


async def test_a_copy_is_whole_or_refused(
    company: Company, inner: NodeId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with too much in it is not copied in part, though some of it is not the copier's."""
    outer = (await company.see("ann", inner)).parent_id
    monkeypatch.setattr("bitvault.actors.files.store.copying.MAX_NODES", 2)
    copy = CopyNode(Target(node_id=outer), Target(path="/"), name="copy")
    assert await company.files.apply(copy, caller=company.caller("ben")) == TooManyNodes(2)


@pytest.mark.requirement("X27")
async def test_a_copy_is_restricted_where_its_source_is(
    company: Company, inner: NodeId, database: PostgresDatabase
) -> None:
    """Whoever may share a folder opens nothing by copying it, nor what is restricted itself."""
    outer, ann = Target(node_id=(await company.see("ann", inner)).parent_id), company.caller("ann")
    beside = CopyNode(outer, Target(path="/outer"), name="copy")
    itself = CopyNode(Target(node_id=inner), Target(path="/outer"), name="alone")

    for copy, path in ((beside, "/outer/copy/inner"), (itself, "/outer/alone")):
        assert isinstance(await company.files.apply(copy, caller=ann), Written)
        node = await company.files.ask(GetNode(ann, Target(path=path)))
        events = await stored(database, company.tenant_id)
        assert await company.names("ann", node.node_id) == ["f"]
        assert await company.see("ben", node.node_id) == NodeNotFound(str(node.node_id))
        shares = await company.sharing.handle(ListGrants(ann, node.node_id))
        assert (shares.is_restricted, shares.grants) == (True, ())
        told = [one.kind for one in events if one.aggregate_id == node.node_id]
        assert told == ["share.restricted", "node.created"]


@pytest.mark.requirement("X27")
async def test_who_may_not_share_copies_nothing_restricted(company: Company, inner: NodeId) -> None:
    """A copy that could not be restricted leaves it out, also what its maker may read."""
    ben, outer = company.caller("ben"), (await company.see("ann", inner)).parent_id
    await company.share("ann", inner, "ben", Role.VIEWER)
    await company.share("ann", outer, "cat", Role.VIEWER)
    into = Target(node_id=outer)

    copied = await company.files.apply(CopyNode(into, into, name="copy"), caller=ben)
    assert await company.names("ben", copied.node.node_id) == ["open"]
    alone = CopyNode(Target(node_id=inner), into, name="alone")
    refused = await company.files.apply(alone, caller=ben)
    assert refused == Forbidden("put the copy of a restricted folder")

    own = await company.files.apply(evolve(alone, parent=Target(path="/")), caller=ben)
    assert await company.names("ben", own.node.node_id) == ["f"]
    assert company.files.room.restrict is not None
    rewire(company.files.room, restrict=None)
    assert await company.files.apply(alone, caller=company.caller("ann")) == refused
