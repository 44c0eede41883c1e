"""What an editor may do to what is somebody else's can be undone by them."""

import pytest

from bitvault.actors.files.contract import (
    CopyNode,
    CreateSpace,
    ListTrash,
    MoveNode,
    PurgeEntry,
    RestoreEntry,
    SetMember,
    Target,
    TrashNode,
    Written,
)
from bitvault.kernel.access import Role
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import come, make

TAKEN = Forbidden("take anything out of the space")


async def _editor(company: Company, how: str) -> Caller:
    """Have ben edit ``Team:/top`` as a member, by a grant, or as a guest."""
    ann, ben = company.caller("ann"), company.people["ben"].user_id
    space = await company.files.ask(CreateSpace(ann, "Team"))
    top = await company.folder("ann", "Team:/top")
    if how == "member":
        await company.files.ask(SetMember(ann, space.space_id, ben, Role.EDITOR))
    elif how == "grantee":
        await company.share("ann", top, "ben", Role.EDITOR)
    else:
        came = await come(company, await make(company, top, role=Role.EDITOR))
        assert isinstance(came, Caller)
        return came
    return company.caller("ben")


@pytest.mark.requirement("X26")
@pytest.mark.parametrize("how", ["member", "grantee", "guest"])
async def test_an_editor_trashes_and_only_a_manager_purges(company: Company, how: str) -> None:
    """With what they may not see in it; all of it is in the trash, and comes back as it was."""
    editor, ann = await _editor(company, how), company.caller("ann")
    box = await company.folder("ann", "Team:/top/box")
    hidden = await company.folder("ann", "Team:/top/box/hidden")
    await company.put("ann", "Team:/top/box/hidden/f")
    await company.restrict("ann", hidden)

    gone = await company.files.apply(TrashNode(Target(node_id=box)), caller=editor)
    assert isinstance(gone, Written)
    assert gone.entry_id is not None
    purge = PurgeEntry(gone.entry_id)
    assert await company.files.apply(purge, caller=editor) == Forbidden("change anything")
    (entry,) = (await company.files.ask(ListTrash(ann, gone.node.space_id))).items
    assert entry.entry_id == gone.entry_id
    back = await company.files.apply(RestoreEntry(gone.entry_id), caller=ann)
    assert back.node.path == "/top/box"
    assert await company.names("ann", hidden) == ["f"]

    again = await company.files.apply(TrashNode(Target(node_id=box)), caller=ann)
    assert isinstance(await company.files.apply(PurgeEntry(again.entry_id), caller=ann), Written)


@pytest.mark.parametrize("how", ["member", "grantee"])
async def test_an_editor_copies_out_and_moves_nothing_out(company: Company, how: str) -> None:
    """Nor by the trash; who manages the folder around it may."""
    editor, top = await _editor(company, how), await company.folder("ann", "Team:/top")
    file, own = await company.put("ann", "Team:/top/f"), Target(path="/")
    at = Target(node_id=file)

    assert await company.files.apply(MoveNode(at, own), caller=editor) == TAKEN
    gone = await company.files.apply(TrashNode(at), caller=editor)
    assert await company.files.apply(RestoreEntry(gone.entry_id, own), caller=editor) == TAKEN
    assert isinstance(
        await company.files.apply(RestoreEntry(gone.entry_id), caller=editor), Written
    )
    copied = await company.files.apply(CopyNode(at, own), caller=editor)
    assert copied.node.path == "/f"

    await company.share("ann", top, "ben", Role.MANAGER)
    replaced = MoveNode(at, own, name="g")
    moved = await company.files.apply(replaced, caller=company.caller("ben"))
    assert moved.node.path == "/g"
