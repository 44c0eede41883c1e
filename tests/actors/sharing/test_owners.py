"""What an editor may do to what is somebody else's can be undone by them."""

import pytest

from bitvault.actors.files.contract import (
    Apply,
    CopyNode,
    CreateSpace,
    EntryNotFound,
    ListTrash,
    MoveNode,
    NodeNotFound,
    PurgeEntry,
    RestoreEntry,
    SetMember,
    Target,
    TrashNode,
    TreeRuleBroken,
    Written,
)
from bitvault.actors.files.store import holding
from bitvault.actors.files.store.holding import HIDDEN, TOO_LARGE
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.access import Role
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import come, make
from tests.support.postgres import unchanged

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
    """All of it is in the trash, and comes back as it was."""
    editor, ann = await _editor(company, how), company.caller("ann")
    box = await company.folder("ann", "Team:/top/box")
    await company.put("ann", "Team:/top/box/inner/f")

    gone = await company.files.apply(TrashNode(Target(node_id=box)), caller=editor)
    assert isinstance(gone, Written)
    assert gone.entry_id is not None
    purge = PurgeEntry(gone.entry_id)
    assert await company.files.apply(purge, caller=editor) == Forbidden("change anything")
    (entry,) = (await company.files.ask(ListTrash(ann, gone.node.space_id))).items
    assert entry.entry_id == gone.entry_id
    back = await company.files.apply(RestoreEntry(gone.entry_id), caller=ann)
    assert back.node.path == "/top/box"

    again = await company.files.apply(TrashNode(Target(node_id=box)), caller=ann)
    assert isinstance(await company.files.apply(PurgeEntry(again.entry_id), caller=ann), Written)


@pytest.mark.requirement("X26")
@pytest.mark.parametrize("few", [1000, 0])
@pytest.mark.parametrize("how", ["member", "grantee", "guest"])
async def test_nobody_trashes_with_a_folder_what_is_hidden_in_it(
    company: Company,
    database: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    few: int,
) -> None:
    """However deep, and whether tried or only asked; whoever manages the folder may."""
    monkeypatch.setattr("bitvault.actors.files.store.holding._FEW", few)
    editor, ann = await _editor(company, how), company.caller("ann")
    box = await company.folder("ann", "Team:/top/box")
    hidden = await company.folder("ann", "Team:/top/box/deep/hidden")
    await company.put("ann", "Team:/top/box/deep/hidden/f")
    await company.restrict("ann", hidden)
    trash = TrashNode(Target(node_id=box))

    async with unchanged(database, "files", "outbox", "sharing"):
        assert await company.files.apply(trash, caller=editor) == HIDDEN
        (asked,) = await company.files.ask(Apply(editor, (trash,), is_dry=True))
        assert asked == HIDDEN
        (asked,) = await company.files.ask(Apply(ann, (trash,), is_dry=True))
        assert (asked.node.node_id, asked.position, asked.entry_id) == (box, None, None)
    assert "hidden" not in HIDDEN.detail
    within = TrashNode(Target(path="Team:/top/box/deep/hidden/f"))
    inner = await company.files.apply(within, caller=ann)
    own = await company.files.apply(TrashNode(Target(node_id=hidden)), caller=ann)
    gone = await company.files.apply(trash, caller=editor)
    assert isinstance(gone, Written)

    assert isinstance(await company.files.apply(PurgeEntry(gone.entry_id), caller=ann), Written)

    await company.consume()
    assert await company.files.apply(RestoreEntry(own.entry_id), caller=editor) == EntryNotFound()
    back = await company.files.apply(RestoreEntry(own.entry_id), caller=ann)
    assert back.node.path == "/top/box/deep/hidden"
    assert isinstance(await company.see("cat", hidden), NodeNotFound)
    assert isinstance(await company.files.apply(RestoreEntry(inner.entry_id), caller=ann), Written)
    assert await company.names("ann", hidden) == ["f"]


async def test_an_editor_of_what_is_restricted_may_trash_around_it(company: Company) -> None:
    """They could empty it as well."""
    editor = await _editor(company, "member")
    box = await company.folder("ann", "Team:/top/box")
    inner = await company.folder("ann", "Team:/top/box/inner")
    await company.restrict("ann", inner)
    await company.share("ann", inner, "ben", Role.EDITOR)

    gone = await company.files.apply(TrashNode(Target(node_id=box)), caller=editor)
    assert isinstance(gone, Written)


@pytest.mark.requirement("X26")
async def test_a_purge_around_it_opens_nothing_that_was_restricted(company: Company) -> None:
    """What a restriction kept from an editor it keeps from them in the trash, too."""
    editor, ann = await _editor(company, "member"), company.caller("ann")
    box = await company.folder("ann", "Team:/top/box")
    file = await company.put("ann", "Team:/top/box/f")
    await company.restrict("ann", box)
    inner = await company.files.apply(TrashNode(Target(node_id=file)), caller=ann)
    outer = await company.files.apply(TrashNode(Target(node_id=box)), caller=ann)
    assert isinstance(await company.files.apply(PurgeEntry(outer.entry_id), caller=ann), Written)
    await company.consume()

    space_id = inner.node.space_id
    assert (await company.files.ask(ListTrash(editor, space_id))).items == ()
    assert await company.files.apply(RestoreEntry(inner.entry_id), caller=editor) == EntryNotFound()
    (left,) = (await company.files.ask(ListTrash(ann, space_id))).items
    assert left.entry_id == inner.entry_id
    to_where_it_was = RestoreEntry(inner.entry_id)
    assert await company.files.apply(to_where_it_was, caller=ann) == TreeRuleBroken(
        "parentId", "must be said: the folder it was in was restricted, and is not there"
    )
    to_top = RestoreEntry(inner.entry_id, Target(path="Team:/top"))
    assert isinstance(await company.files.apply(to_top, caller=ann), Written)


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


@pytest.mark.parametrize("bound", ["", "_FEW", "_LOOKUPS"])
async def test_what_a_batch_moves_is_seen_by_its_trashings(
    company: Company, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """A restricted folder holds the folder that it came into, and no more the one it left."""
    if bound:
        monkeypatch.setattr(holding, bound, 0)
    editor = await _editor(company, "member")
    first = await company.folder("ann", "Team:/top/first")
    second = await company.folder("ann", "Team:/top/second")
    moving = await company.folder("ann", "Team:/top/first/moving")
    await company.restrict("ann", await company.folder("ann", "Team:/top/first/moving/hidden"))
    there = Target(node_id=second)

    outcomes = await company.files.apply(
        TrashNode(Target(node_id=first)),
        MoveNode(Target(node_id=moving), parent=there),
        TrashNode(Target(node_id=first)),
        TrashNode(there),
        caller=editor,
    )

    assert [outcomes[0], outcomes[3]] == [HIDDEN, HIDDEN]
    assert [type(one) for one in outcomes[1:3]] == [Written, Written]


async def test_more_folders_than_a_request_may_search_are_refused(
    company: Company, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each folder has to be searched, the refusal names the rule and changes nothing."""
    editor = await _editor(company, "member")
    for name in "ab":
        await company.folder("ann", f"Team:/top/{name}/in/in")
    boxes = [await company.folder("ann", f"Team:/top/{name}") for name in "ab"]
    trash = tuple(TrashNode(Target(node_id=box)) for box in boxes)
    monkeypatch.setattr(holding, "_SEARCHED", 5)
    monkeypatch.setattr(holding, "_FEW", 0)
    await company.restrict("ann", await company.folder("ann", "/elsewhere"))

    first, second = await company.files.ask(Apply(editor, trash, is_dry=True))
    assert (type(first), second) == (Written, TOO_LARGE)
    async with unchanged(database, "files", "outbox", "sharing"):
        monkeypatch.setattr(holding, "_SEARCHED", 2)
        assert await company.files.apply(trash[1], caller=editor) == TOO_LARGE
    monkeypatch.setattr(holding, "_SEARCHED", 3)
    assert isinstance(await company.files.apply(trash[1], caller=editor), Written)
