"""Uploaders: they add below a folder, and nothing there tells them anything (ADR-0026)."""

from typing import Any

import pytest

from bitvault.actors.files.contract import (
    ContentDraft,
    CopyNode,
    DescribeDrops,
    DropFolder,
    GetContents,
    GetNode,
    IfExists,
    ListChildren,
    MakeFolder,
    MoveNode,
    NameTaken,
    NodeNotFound,
    QuotaExceeded,
    RestoreEntry,
    SpaceNotFound,
    Target,
    TrashNode,
    UploadOpened,
    Written,
)
from bitvault.actors.sharing.contract import ExplainAccess, GrantNotFound, ListShared
from bitvault.drivers.postgres.port import Query
from bitvault.kernel.access import EVERYONE, Right, Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.sharing.conftest import Company

TAKEN = ("f.txt", "sub", "SUB", "hidden", "F.TXT", "sub/f.txt", "f.txt/below", "hidden/below")


@pytest.fixture
async def box(company: Company) -> NodeId:
    """Return a folder of ann's to which ben adds; with a file, a folder, and a restricted one."""
    await company.put("ann", "/a/box/f.txt", "ann's")
    await company.put("ann", "/a/box/sub/f.txt")
    box = await company.folder("ann", "/a/box")
    await company.restrict("ann", await company.folder("ann", "/a/box/hidden"))
    await company.share("ann", box, "ben", Role.UPLOADER)
    return box


async def add(company: Company, box: NodeId, path: str, text: str = "new", **more: Any) -> Any:
    """Have ben put something in."""
    return await company.files.put(f"{box}:/{path}", text, company.caller("ben"), **more)


async def tree(company: Company, box: NodeId, name: str = "ann") -> dict[str, Any]:
    """Return what somebody sees in a folder, by name; folders as what is in them."""
    caller = company.caller(name)
    page = await company.files.ask(ListChildren(caller, Target(node_id=box)))
    return {
        one.name: await tree(company, one.node_id, name) if one.kind == "folder" else one.size
        for one in page.items
    }


@pytest.mark.requirement("X27")
async def test_whatever_is_there_the_answer_is_the_same(company: Company, box: NodeId) -> None:
    """Names of files, folders and restricted folders, on the way or at its end, as a free name."""
    for path in (*TAKEN, "free", "free/below"):
        opened = await company.files.init(f"{box}:/{path}", "new", company.caller("ben"))
        assert isinstance(opened, UploadOpened), path
        done = await company.files.commit(opened, "new", company.caller("ben"))
        said = (done.node.name, done.node.path, done.node.parent_id)
        assert said == (path.rpartition("/")[2], f"/{path}", None)
        assert (done.node.version, done.node.revision, done.position) == (1, 1, None)
        assert await company.files.commit(opened, "new", company.caller("ben")) == done


async def test_what_is_taken_is_numbered(company: Company, box: NodeId) -> None:
    """Nothing is written over; folders that may be added to are the same folder for all."""
    for path in ("f.txt", "f.txt/a", "f.txt/b", "sub/f.txt", "sub", "hidden/x", "hidden/y"):
        assert isinstance(await add(company, box, path), Written), path
    assert await tree(company, box) == {
        "f.txt": 5,
        "f (2).txt": 3,
        "f (3).txt": {"a": 3, "b": 3},
        "hidden": {},
        "hidden (2)": {"x": 3, "y": 3},
        "sub": {"f.txt": 4, "f (2).txt": 3},
        "sub (2)": 3,
    }


@pytest.mark.requirement("X27")
async def test_an_uploader_sees_nothing(company: Company, box: NodeId) -> None:
    """Neither the folder, nor what is in it, nor what they put there themselves."""
    done = await add(company, box, "mine")
    ben = company.caller("ben")
    for node_id in (box, done.node.node_id):
        target, missing = Target(node_id=node_id), NodeNotFound(str(node_id))
        assert await company.files.ask(GetNode(ben, target)) == missing
        assert await company.files.ask(ListChildren(ben, target)) == missing
        (content,) = await company.files.ask(GetContents(ben, (ContentDraft(target),)))
        assert content == missing
        for one in (TrashNode(target), MoveNode(target, name="x"), MakeFolder(None, target, "x")):
            assert await company.files.apply(one, caller=ben) == missing
    own = Target(path="/")
    await company.folder("ben", "/own")
    copied = await company.files.apply(CopyNode(Target(node_id=box), own, "c"), caller=ben)
    assert isinstance(copied, NodeNotFound)


async def test_an_uploader_replaces_nothing(company: Company, box: NodeId) -> None:
    """Whether the name is there or not, asked at the start or at the end."""
    refused = Forbidden("replace anything")
    for path in ("f.txt", "free"):
        assert await add(company, box, path, if_exists=IfExists.REPLACE) == refused
        assert await add(company, box, path, base_version=1) == refused


@pytest.mark.requirement("X27", "X40")
async def test_content_is_no_answer_either(company: Company, box: NodeId) -> None:
    """What the uploader may read elsewhere, and what is in the folder, has to be sent again."""
    await company.put("ben", "/known", "ann's")
    opened = await company.files.init(f"{box}:/again", "ann's", company.caller("ben"))
    assert isinstance(opened, UploadOpened)


async def test_what_is_left_of_a_quota_is_not_told(company: Company, box: NodeId) -> None:
    """Only that it does not fit."""
    full = Query(
        "full",
        "UPDATE files.usage SET quota = 20, follows = FALSE WHERE tenant_id = $1",
        ("tenant",),
    )
    await company.files.database.transact(
        company.tenant_id, lambda tx: tx.execute(full, tenant=company.tenant_id)
    )
    assert await add(company, box, "large", "x" * 30) == QuotaExceeded(30, None)


async def test_roles_add_up(company: Company, box: NodeId) -> None:
    """Who is uploader and viewer sees and adds, is told of names, and changes nothing."""
    group = await company.group("team", "ben")
    await company.share("ann", box, group, Role.VIEWER)
    ben, there = company.caller("ben"), Target(path=f"{box}:/f.txt")

    assert await tree(company, box, "ben") == {"f.txt": 5, "sub": {"f.txt": 4}}
    assert isinstance(await add(company, box, "f.txt"), NameTaken)
    assert (await add(company, box, "f.txt", if_exists=IfExists.RENAME)).node.name == "f (2).txt"
    assert (await add(company, box, "new/x")).position is not None
    made = MakeFolder(parent=Target(node_id=box), name="made")
    assert isinstance(await company.files.apply(made, caller=ben), Written)
    for one in (TrashNode(there), MoveNode(there, name="x")):
        assert isinstance(await company.files.apply(one, caller=ben), Forbidden)
    replaced = await add(company, box, "f.txt", if_exists=IfExists.REPLACE)
    assert replaced == Forbidden("change anything")

    holders = await company.sharing.handle(ExplainAccess(company.caller("ann"), box))
    told = {one.grantee.grantee_id: (one.role, one.rights) for one in holders.items}
    assert told[company.people["ben"].user_id] == (Role.UPLOADER, Right.ADD)
    assert told[group] == (Role.VIEWER, Right.READ)


@pytest.mark.requirement("X27")
async def test_what_takes_a_place_needs_what_trashing_needs(company: Company, box: NodeId) -> None:
    """An editor of one file writes to it; who may only add beside it moves nothing onto it."""
    group = await company.group("adders", "ben")
    await company.unshare("ann", box, "ben")
    await company.share("ann", box, group, Role.UPLOADER)
    await company.share("ann", box, "ben", Role.VIEWER)
    file = await company.files.ask(GetNode(company.caller("ann"), Target(path="/a/box/f.txt")))
    await company.share("ann", file.node_id, "ben", Role.EDITOR)
    ben, there = company.caller("ben"), Target(node_id=box)
    await company.put("ben", "/f.txt", "ben's")
    own = await company.folder("ann", "/a/box/sub")
    await company.share("ann", own, "ben", Role.EDITOR)
    await company.put("ben", f"{own}:/own.txt", "ben's")
    own_file = Target(path=f"{own}:/own.txt")

    trashed = await company.files.apply(TrashNode(Target(node_id=file.node_id)), caller=ben)
    assert isinstance(trashed, Forbidden)
    moved = MoveNode(own_file, there, "f.txt", IfExists.REPLACE)
    assert await company.files.apply(moved, caller=ben) == Forbidden("replace anything")
    entry = await company.files.apply(TrashNode(own_file), caller=ben)
    restored = RestoreEntry(entry.entry_id, there, "f.txt", IfExists.REPLACE)
    assert await company.files.apply(restored, caller=ben) == Forbidden("replace anything")
    assert (await company.see("ann", file.node_id)).version == 1

    copied = CopyNode(Target(path="/f.txt"), there, None, IfExists.REPLACE)
    written = await company.files.apply(copied, caller=ben)
    assert (written.node.node_id, written.node.version) == (file.node_id, 2)


async def test_one_who_becomes_uploader_meanwhile_is_told_no_more(
    company: Company, box: NodeId
) -> None:
    """The rights at the commit count, not those at the start."""
    await company.share("ann", box, "ben", Role.EDITOR)
    ben = company.caller("ben")
    opened = await company.files.init(f"{box}:/f.txt", "b", ben, if_exists=IfExists.RENAME)
    over = await company.files.init(f"{box}:/f.txt", "c", ben, if_exists=IfExists.REPLACE)
    await company.share("ann", box, "ben", Role.UPLOADER)
    done = await company.files.commit(opened, "b", ben)
    assert (done.node.name, done.position) == ("f.txt", None)
    assert await company.files.commit(over, "c", ben) == Forbidden("replace anything")


async def test_a_restriction_and_a_revoke_end_it(company: Company, box: NodeId) -> None:
    """Also for an upload that is under way; to whom it was given, may give it up unseen."""
    ben = company.caller("ben")
    opened = await company.files.init(f"{box}:/late", "late", ben)
    assert await company.unshare("ben", box, "ben") is None
    assert isinstance(await company.files.commit(opened, "late", ben), NodeNotFound)
    assert await add(company, box, "x") == SpaceNotFound(str(box))
    assert await company.unshare("ben", box, "ben") == GrantNotFound()

    await company.share("ann", box, EVERYONE, Role.UPLOADER)
    hidden = await company.folder("ann", "/a/box/hidden")
    assert await add(company, hidden, "x") == SpaceNotFound(str(hidden))
    assert isinstance(await add(company, box, "x"), Written)


async def test_a_box_is_named_to_whom_it_was_given(company: Company, box: NodeId) -> None:
    """By the name it has, and nothing else; what is in it is not."""
    below = await company.folder("ann", "/a/box/sub")
    page = await company.sharing.handle(ListShared(company.caller("ben")))
    assert [(one.node_id, one.role) for one in page.items] == [(box, Role.UPLOADER)]
    asked = DescribeDrops(company.caller("ben"), (box, below))
    assert await company.files.ask(asked) == (DropFolder(box, "box"), NodeNotFound(str(below)))
    stranger = DescribeDrops(company.caller("cat"), (box,))
    assert await company.files.ask(stranger) == (NodeNotFound(str(box)),)


async def test_a_file_has_no_uploaders(company: Company, box: NodeId) -> None:
    """Nothing can be put into it."""
    file = await company.put("ann", "/file")
    given = await company.share("ann", file, "ben", Role.UPLOADER)
    assert given == Invalid("role", "only a folder can have uploaders")
