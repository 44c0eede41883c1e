"""Who sees and changes what was shared, and how it looks from there."""

from uuid import UUID

import pytest

from bitvault.actors.files.contract import (
    ContentDraft,
    CopyNode,
    GetContents,
    GetNode,
    GetSpace,
    IfExists,
    ListTrash,
    MakeFolder,
    MoveNode,
    NodeNotFound,
    RestoreEntry,
    RestoreVersion,
    SpaceNotFound,
    Target,
    TrashNode,
    UploadUnneeded,
    Written,
)
from bitvault.actors.sharing.contract import (
    Allowed,
    CheckAccess,
    ExplainAccess,
    GetGrant,
    Grant,
    GranteeNotFound,
    GrantNotFound,
    ListGrants,
    ListShared,
    TooManyGrants,
)
from bitvault.kernel.access import EVERYONE, RIGHTS, Right, Role
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.sharing.conftest import Company


async def test_what_is_not_shared_is_not_there(company: Company) -> None:
    """A folder of somebody else's personal space looks like none, by id, by path and below."""
    folder = await company.folder("ann", "/private")
    space = await company.files.ask(GetSpace(company.caller("ann")))
    by_path = Target(path="/private", space_id=space.space_id)

    assert await company.see("ben", folder) == NodeNotFound(str(folder))
    nowhere = UUID(int=5)
    assert await company.see("ben", nowhere) == NodeNotFound(str(nowhere))  # type: ignore[arg-type]
    answer = await company.files.ask(GetNode(company.caller("ben"), by_path))
    assert answer == SpaceNotFound(str(space.space_id))
    assert await company.share("ben", folder, "cat", Role.VIEWER) == NodeNotFound(str(folder))


async def test_a_viewer_reads_all_below_and_changes_nothing(company: Company) -> None:
    """A grant holds for the folder and for what is below it, for reading only."""
    top = await company.folder("ann", "/secret/plans/top")
    file = await company.put("ann", "/secret/plans/top/deep/f")
    await company.share("ann", top, "ben", Role.VIEWER)

    node = await company.see("ben", file)
    assert (node.path, node.name) == ("/top/deep/f", "f")
    shown = await company.see("ben", top)
    assert (shown.path, shown.parent_id) == ("/top", None)
    assert await company.names("ben", top) == ["deep"]
    (content,) = await company.files.ask(
        GetContents(company.caller("ben"), (ContentDraft(Target(node_id=file)),))
    )
    assert content.size == 4
    ben, at = company.caller("ben"), Target(node_id=top)
    for operation in (
        MakeFolder(parent=at, name="new"),
        MoveNode(Target(node_id=file), name="other"),
        TrashNode(Target(node_id=file)),
    ):
        assert isinstance(await company.files.apply(operation, caller=ben), Forbidden), operation
    assert await company.see("cat", file) == NodeNotFound(str(file))


@pytest.mark.requirement("X27")
async def test_an_editor_writes_below_but_not_the_share_itself(company: Company) -> None:
    """The name and the place of what was shared belong to the folder it is in."""
    top = await company.folder("ann", "/projects/top")
    await company.share("ann", top, "ben", Role.EDITOR)
    ben, at = company.caller("ben"), Target(node_id=top)

    by_path = MakeFolder(Target(path=f"{top}:/"), exist_ok=True)
    there = await company.files.apply(by_path, caller=ben)
    assert (there.node.node_id, there.node.parent_id) == (top, None)
    made = await company.files.apply(MakeFolder(parent=at, name="new"), caller=ben)
    assert (made.node.path, made.node.parent_id) == ("/top/new", top)
    moved = await company.files.apply(
        MoveNode(Target(node_id=made.node.node_id), name="newer"), caller=ben
    )
    assert moved.node.path == "/top/newer"
    for operation in (MoveNode(at, name="mine"), TrashNode(at)):
        refused = await company.files.apply(operation, caller=ben)
        assert refused == Forbidden("rename, move or trash what was shared with you")
    assert (await company.see("ann", top)).path == "/projects/top"


async def test_an_editor_undoes_what_they_trashed(company: Company) -> None:
    """The undo of a trash works in a shared folder; the rest of the owner's trash stays unseen."""
    top = await company.folder("ann", "/top")
    await company.share("ann", top, "ben", Role.EDITOR)
    file = await company.put("ann", "/top/f")
    other = await company.put("ann", "/else")
    ben = company.caller("ben")

    gone = await company.files.apply(TrashNode(Target(node_id=file)), caller=ben)
    owners = await company.files.apply(
        TrashNode(Target(node_id=other)), caller=company.caller("ann")
    )
    (entry,) = [
        one
        for one in (await company.files.ask(ListTrash(company.caller("ann")))).items
        if one.entry_id == gone.entry_id
    ]
    assert entry.original_path == "/top/f"
    back = await company.files.apply(RestoreEntry(gone.entry_id), caller=ben)
    assert back.node.path == "/top/f"
    refused = await company.files.apply(RestoreEntry(owners.entry_id), caller=ben)
    assert refused.code == "trash_entry_not_found"


async def test_a_shared_file_takes_new_versions_and_nothing_beside_it(company: Company) -> None:
    """An editor of one file replaces its content; the folder around it stays out of reach."""
    file = await company.put("ann", "/papers/draft", "one")
    await company.share("ann", file, "ben", Role.EDITOR)
    space = await company.files.ask(GetSpace(company.caller("ann")))
    ben, path = company.caller("ben"), f"{file}:/"

    second = await company.files.put(path, "two", ben, if_exists=IfExists.REPLACE)
    assert (second.node.version, second.node.path, second.node.parent_id) == (2, "/draft", None)
    back = await company.files.apply(RestoreVersion(Target(node_id=file), 1), caller=ben)
    assert (back.node.version, back.node.parent_id) == (3, None)
    refused = await company.files.put(path, "three", ben, if_exists=IfExists.RENAME)
    assert refused == Forbidden("put anything beside it")
    beside = await company.files.init(f"{space.space_id}:/papers/other", "x", ben)
    assert beside == SpaceNotFound(str(space.space_id))


@pytest.mark.requirement("X17")
async def test_a_revoked_grant_ends_at_once(company: Company) -> None:
    """The next request finds nothing, and an upload under way cannot land any more."""
    top = await company.folder("ann", "/top")
    await company.share("ann", top, "ben", Role.EDITOR)
    ben = company.caller("ben")
    upload = await company.files.init(f"{top}:/f", "text", ben)

    assert await company.unshare("ann", top, "ben") is None

    assert await company.see("ben", top) == NodeNotFound(str(top))
    assert (await company.files.commit(upload, "text", ben)).code == "node_not_found"
    assert await company.names("ann", top) == []
    assert await company.unshare("ann", top, "ben") == GrantNotFound()


async def test_grants_add_up_on_the_way_down(company: Company) -> None:
    """A viewer of a folder who is editor of one inside it writes there, and only there."""
    outer = await company.folder("ann", "/outer")
    inner = await company.folder("ann", "/outer/inner")
    await company.share("ann", outer, "ben", Role.VIEWER)
    await company.share("ann", inner, "ben", Role.EDITOR)
    ben = company.caller("ben")

    assert isinstance(
        await company.files.apply(MakeFolder(parent=Target(node_id=inner), name="a"), caller=ben),
        Written,
    )
    assert isinstance(
        await company.files.apply(MakeFolder(parent=Target(node_id=outer), name="a"), caller=ben),
        Forbidden,
    )
    assert (await company.see("ben", inner)).path == "/outer/inner"


async def test_a_group_and_everyone_are_grantees(company: Company) -> None:
    """A member of a group has what the group was given, anybody what everyone was given."""
    team = await company.group("team", "ben")
    first, second = await company.folder("ann", "/a"), await company.folder("ann", "/b")
    given = await company.share("ann", first, team, Role.EDITOR)
    assert (given.grantee.kind, given.role) == ("group", Role.EDITOR)
    await company.share("ann", second, EVERYONE, Role.VIEWER)

    assert (await company.see("ben", first)).name == "a"
    assert (await company.see("cat", first)).code == "node_not_found"
    assert (await company.see("cat", second)).name == "b"
    refused = await company.share("ann", second, EVERYONE, Role.MANAGER)
    assert refused == Invalid("role", "everyone in the tenant may be uploader, viewer or editor")


async def test_a_grant_is_shown_to_who_gives_and_who_has_it(company: Company) -> None:
    """To others it is as if there were none, or no such folder."""
    top = await company.folder("ann", "/top")
    given = await company.share("ann", top, "ben", Role.VIEWER)
    people = {name: one.user_id for name, one in company.people.items()}

    async def shown(name: str, whose: UUID) -> object:
        return await company.sharing.handle(GetGrant(company.caller(name), top, whose))

    assert await shown("ann", people["ben"]) == given
    assert await shown("ben", people["ben"]) == given
    assert await shown("ann", people["cat"]) == GrantNotFound()
    assert await shown("cat", people["cat"]) == GrantNotFound()
    assert await shown("cat", people["ben"]) == NodeNotFound(str(top))
    assert await shown("ben", people["ann"]) == Forbidden("say who may do what")
    await company.restrict("ann", top)
    assert await shown("ann", EVERYONE) == GrantNotFound()


@pytest.mark.requirement("X27")
async def test_a_manager_shares_on(company: Company) -> None:
    """Only who may share says who may do what; a grantee may give up their own role."""
    top = await company.folder("ann", "/top")
    await company.share("ann", top, "ben", Role.EDITOR)
    assert isinstance(await company.share("ben", top, "cat", Role.VIEWER), Forbidden)
    assert isinstance(
        await company.sharing.handle(ListGrants(company.caller("ben"), top)), Forbidden
    )

    await company.share("ann", top, "ben", Role.MANAGER)

    assert isinstance(await company.share("ben", top, "cat", Role.VIEWER), Grant)
    shares = await company.sharing.handle(ListGrants(company.caller("ben"), top))
    assert {grant.role for grant in shares.grants} == {Role.MANAGER, Role.VIEWER}
    assert isinstance(await company.unshare("cat", top, "ben"), Forbidden)
    assert await company.unshare("cat", top, "cat") is None


@pytest.mark.requirement("X26")
@pytest.mark.parametrize("role", list(Role))
async def test_check_access_says_what_files_does(company: Company, role: Role) -> None:
    """The answer is the rights that the role bundles; for who sees nothing, nothing is there."""
    top = await company.folder("ann", "/top")
    file = await company.put("ann", "/top/f")
    await company.share("ann", top, "ben", role)
    for right in Right:
        answer = await company.sharing.handle(CheckAccess(company.caller("ben"), file, right))
        if Right.READ not in RIGHTS[role]:
            assert answer == NodeNotFound(str(file))
            continue
        allowed = right in RIGHTS[role]
        assert answer == (Allowed(RIGHTS[role]) if allowed else Forbidden("do this"))
    nobody = await company.sharing.handle(CheckAccess(company.caller("cat"), file, Right.READ))
    assert nobody == NodeNotFound(str(file))


@pytest.mark.requirement("X40")
async def test_content_is_reused_by_those_who_may_read_it(company: Company) -> None:
    """An init finds content through a grant, and says nothing of it without one."""
    file = await company.put("ann", "/known", "well known")
    for name in ("ben", "cat"):
        await company.folder(name, "/mine")
    await company.share("ann", file, "ben", Role.VIEWER)

    answers = [
        await company.files.init("/mine/f", "well known", company.caller(name))
        for name in ("ben", "cat")
    ]

    assert [isinstance(one, UploadUnneeded) for one in answers] == [True, False]


async def test_shared_with_me_is_one_list(company: Company) -> None:
    """What came from several sides is there once, with the strongest role, in pages."""
    team = await company.group("team", "ben")
    folders = [await company.folder("ann", f"/{number}") for number in range(5)]
    for node_id in folders[:4]:
        await company.share("ann", node_id, "ben", Role.VIEWER)
    await company.share("ann", folders[3], team, Role.EDITOR)
    await company.share("ann", folders[4], EVERYONE, Role.VIEWER)

    found, cursor = [], None
    while True:
        page = await company.sharing.handle(ListShared(company.caller("ben"), cursor, 2))
        found += [(one.node_id, one.role) for one in page.items]
        if (cursor := page.next_cursor) is None:
            break

    roles = [Role.VIEWER] * 3 + [Role.EDITOR, Role.VIEWER]
    assert found == list(zip(sorted(folders), roles, strict=True))
    bad = await company.sharing.handle(ListShared(company.caller("ben"), "nonsense", 2))
    assert isinstance(bad, Invalid)


async def test_only_who_exists_can_be_given_something(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown people, roots of spaces and too many grants are refused, and nothing is written."""
    top = await company.folder("ann", "/top")
    root = (await company.files.ask(GetSpace(company.caller("ann")))).root_id
    monkeypatch.setattr("bitvault.actors.sharing.actor.grants.MOST_GRANTS", 1)

    assert await company.share("ann", top, UUID(int=77), Role.VIEWER) == GranteeNotFound()
    assert isinstance(await company.share("ann", root, "ben", Role.VIEWER), Invalid)
    await company.share("ann", top, "ben", Role.VIEWER)
    assert await company.share("ann", top, "cat", Role.VIEWER) == TooManyGrants(1)

    shares = await company.sharing.handle(ListGrants(company.caller("ann"), top))
    assert len(shares.grants) == 1
    assert not (await company.sharing.handle(ListGrants(company.caller("ann"), root))).grants


async def test_copying_out_of_a_share_makes_it_ones_own(company: Company) -> None:
    """A viewer may copy into their own space; the copy counts against their quota."""
    top = await company.folder("ann", "/top")
    await company.put("ann", "/top/f", "12345")
    await company.share("ann", top, "ben", Role.VIEWER)
    ben = company.caller("ben")

    copied = await company.files.apply(
        CopyNode(Target(node_id=top), Target(path="/"), name="copy"), caller=ben
    )

    assert copied.node.path == "/copy"
    assert (await company.files.ask(GetSpace(ben))).used == 5


@pytest.mark.requirement("X31")
async def test_access_is_explained_by_its_reasons(company: Company) -> None:
    """Everybody with access is told, with each grant that gives it and where it stands."""
    team = await company.group("team", "ben")
    outer = await company.folder("ann", "/outer")
    inner = await company.folder("ann", "/outer/inner")
    file = await company.put("ann", "/outer/inner/f")
    await company.share("ann", outer, "ben", Role.VIEWER)
    await company.share("ann", outer, "cat", Role.MANAGER)
    await company.share("ann", inner, team, Role.EDITOR)
    await company.share("ann", file, "ben", Role.EDITOR)

    async def told(name: str) -> dict[UUID, tuple[Role, list[str | None]]]:
        answer = await company.sharing.handle(ExplainAccess(company.caller(name), file))
        return {
            one.grantee.grantee_id: (one.role, [reason.path for reason in one.reasons])
            for one in answer.items
        }

    ann, ben, cat = (company.people[name].user_id for name in ("ann", "ben", "cat"))
    everybody = {
        ann: (Role.MANAGER, ["/"]),
        ben: (Role.EDITOR, ["/outer", "/outer/inner/f"]),
        cat: (Role.MANAGER, ["/outer"]),
        team: (Role.EDITOR, ["/outer/inner"]),
    }
    assert await told("ann") == everybody
    assert await told("cat") == {**everybody, ann: (Role.MANAGER, [None])}

    await company.restrict("ann", inner)
    assert await told("ann") == {**everybody, ben: (Role.EDITOR, ["/outer/inner/f"])}
