"""What is above a share has no name, id or path, and none can be found by guessing."""

from typing import Any

import pytest

from bitvault.actors.files.contract import (
    CreateSpace,
    GetNode,
    GetSpace,
    IfExists,
    ListTrash,
    MakeFolder,
    NodeNotFound,
    RestoreEntry,
    SetMember,
    SpaceNotFound,
    Target,
    TrashNode,
    UploadOpened,
    Written,
)
from bitvault.actors.sharing.contract import ExplainAccess
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import come, make


async def _space_id(company: Company) -> Any:
    return (await company.files.ask(GetSpace(company.caller("ann")))).space_id


@pytest.mark.parametrize("who", ["ben", "guest"])
async def test_a_guessed_path_leads_nowhere(company: Company, who: str) -> None:
    """Names above a share are neither confirmed nor denied, for reading and for writing."""
    top = await company.folder("ann", "/secret/top")
    await company.put("ann", "/secret/top/f")
    parent = (await company.see("ann", top)).parent_id  # type: ignore[union-attr]
    space_id = await _space_id(company)
    await company.share("ann", top, "ben", Role.EDITOR)
    caller = company.caller("ben")
    if who == "guest":
        caller = await come(company, await make(company, top, role=Role.EDITOR))

    nowhere = SpaceNotFound(str(space_id))
    for right, wrong in (("/secret/top", "/wrong/top"), ("/secret/top/f", "/secret/wrong/f")):
        for path in (right, wrong):
            assert await company.files.ask(_at(caller, f"{space_id}:{path}")) == nowhere
            assert await company.files.init(f"{space_id}:{path}", "x", caller) == nowhere
            made = MakeFolder(Target(path=f"{space_id}:{path}"), exist_ok=True)
            assert await company.files.apply(made, caller=caller) == nowhere
    by_parent = MakeFolder(parent=Target(node_id=parent), name="top", exist_ok=True)
    assert await company.files.apply(by_parent, caller=caller) == NodeNotFound(str(parent))
    assert (await company.files.ask(_at(caller, f"{top}:/f"))).path == "/top/f"


def _at(caller: Caller, path: str) -> GetNode:
    return GetNode(caller, Target(path=path))


async def test_a_shared_file_is_addressed_by_its_id(company: Company) -> None:
    """Its new versions go there, though the folder that holds it is not to be seen."""
    file = await company.put("ann", "/papers/draft", "one")
    await company.share("ann", file, "ben", Role.EDITOR)
    ben = company.caller("ben")

    upload = await company.files.init(f"{file}:/", "two", ben, if_exists=IfExists.REPLACE)
    assert isinstance(upload, UploadOpened)
    second = await company.files.commit(upload, "two", ben)

    assert isinstance(second, Written)
    assert (second.node.version, second.node.path) == (2, "/draft")
    assert second.node.parent_id is None


async def _inside(company: Company) -> NodeId:
    """Make a folder that ben, a viewer of the space, was given inside one that is restricted."""
    ann = company.caller("ann")
    space = await company.files.ask(CreateSpace(ann, "Team"))
    ben = company.people["ben"].user_id
    await company.files.ask(SetMember(ann, space.space_id, ben, Role.VIEWER))
    secret = await company.folder("ann", "Team:/secret")
    shared = await company.folder("ann", "Team:/secret/shared")
    await company.restrict("ann", secret)
    await company.share("ann", shared, "ben", Role.EDITOR)
    return shared


async def test_no_path_leads_through_what_is_hidden(company: Company) -> None:
    """Nor one that begins where the caller may look."""
    shared = await _inside(company)
    ben = company.caller("ben")
    for path in ("Team:/secret/shared", "Team:/wrong/shared"):
        assert await company.files.ask(_at(ben, path)) == NodeNotFound(path)
    assert (await company.see("ben", shared)).path == "/shared"  # type: ignore[union-attr]


@pytest.mark.requirement("X26")
async def test_the_trash_names_no_hidden_folder(company: Company) -> None:
    """Where something was is told from where the caller may look, and it goes back there."""
    shared = await _inside(company)
    file = await company.put("ann", "Team:/secret/shared/deep/f")
    ben = company.caller("ben")
    gone = await company.files.apply(TrashNode(Target(node_id=file)), caller=ben)
    space_id = gone.node.space_id

    for name, path in (("ben", "/shared/deep/f"), ("ann", "/secret/shared/deep/f")):
        (entry,) = (await company.files.ask(ListTrash(company.caller(name), space_id))).items
        assert (entry.original_path, entry.node.path) == (path, path)
    deep = Target(path=f"{shared}:/deep")
    await company.files.apply(TrashNode(deep), caller=company.caller("ann"))
    back = await company.files.apply(RestoreEntry(gone.entry_id), caller=ben)
    assert back.node.path == "/shared/deep/f"
    assert await company.names("ann", shared) == ["deep"]


async def test_reasons_above_have_no_id(company: Company) -> None:
    """Who may share a folder is told who else has access, and not by which folder above."""
    outer = await company.folder("ann", "/outer")
    inner = await company.folder("ann", "/outer/inner")
    await company.share("ann", outer, "cat", Role.VIEWER)
    await company.share("ann", inner, "ben", Role.MANAGER)

    for name, ids in (("ann", {None: outer, "/outer": outer}), ("ben", {})):
        found = await company.sharing.handle(ExplainAccess(company.caller(name), inner))
        cat_id = company.people["cat"].user_id
        (cat,) = [one for one in found.items if one.grantee.grantee_id == cat_id]
        (reason,) = cat.reasons
        assert reason.node_id == ids.get(reason.path)
        assert (reason.path is None) == (name == "ben")
