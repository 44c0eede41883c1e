"""A link leads anywhere only while who answers for it may share its node (X28)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bitvault.actors.files.contract import (
    CreateSpace,
    GetNode,
    MoveNode,
    PassOn,
    RemoveMember,
    RestoreEntry,
    SetMember,
    Target,
    TrashNode,
)
from bitvault.actors.identity.contract import DeleteUser
from bitvault.actors.identity.contract import RemoveMember as LeaveGroup
from bitvault.actors.sharing.contract import ExplainAccess, LinkNotFound, LinkPasswordNeeded
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import change, come, make

Step = Callable[[], Awaitable[Any]]


async def lit(company: Company, node_id: NodeId, name: str = "ann") -> set[UUID]:
    """Return the links among those who, it is explained, have access."""
    found = await company.sharing.handle(ExplainAccess(company.caller(name), node_id))
    return {one.grantee.grantee_id for one in found.items if one.grantee.kind == "link"}


async def _team(company: Company) -> Any:
    space = await company.files.ask(CreateSpace(company.caller("ann"), "Team"))
    return space.space_id


@pytest.mark.requirement("X28")
@pytest.mark.parametrize("way", ["grant", "group", "member", "role", "move"])
async def test_a_link_ends_with_its_makers_right(company: Company, way: str) -> None:
    """For new guests and those inside, at once; and it is back when the right is given back."""
    ann, ben = company.caller("ann"), company.people["ben"].user_id
    space_id = await _team(company)
    top = await company.folder("ann", "Team:/top")
    node_id = await company.folder("ann", "Team:/top/inner")
    group = await company.group("team", "ben")

    def give(whom: UUID, role: Role = Role.MANAGER) -> Step:
        return lambda: company.share("ann", top, whom, role)

    def member(role: Role) -> Step:
        return lambda: company.files.ask(SetMember(ann, space_id, ben, role))

    def move(path: str) -> Step:
        to = MoveNode(Target(node_id=node_id), Target(path=path))
        return lambda: company.files.apply(to, caller=ann)

    ways: dict[str, tuple[Step, Step, Step]] = {
        "grant": (give(ben), lambda: company.unshare("ann", top, ben), give(ben)),
        "group": (
            give(group),
            lambda: company.identity.handle(LeaveGroup(ann, group, ben)),
            give(ben),
        ),
        "member": (
            member(Role.MANAGER),
            lambda: company.files.ask(RemoveMember(ann, space_id, ben)),
            member(Role.MANAGER),
        ),
        "role": (member(Role.MANAGER), member(Role.EDITOR), member(Role.MANAGER)),
        "move": (give(ben), move("Team:/"), move("Team:/top")),
    }
    start, end, back = ways[way]
    await start()
    issued = await make(company, node_id, "ben")
    assert isinstance(await come(company, issued), Caller)
    assert await lit(company, node_id) == {issued.link.link_id}

    await end()
    assert await come(company, issued) == LinkNotFound()
    assert await lit(company, node_id) == set()

    await back()
    assert isinstance(await come(company, issued), Caller)
    assert await lit(company, node_id) == {issued.link.link_id}


async def test_a_link_to_what_is_in_the_trash_leads_nowhere(company: Company) -> None:
    """Until it is brought back."""
    node_id, ann = await company.folder("ann", "/top"), company.caller("ann")
    issued = await make(company, node_id)
    gone = await company.files.apply(TrashNode(Target(node_id=node_id)), caller=ann)
    assert await come(company, issued) == LinkNotFound()
    await company.files.apply(RestoreEntry(gone.entry_id), caller=ann)
    assert isinstance(await come(company, issued), Caller)


@pytest.mark.requirement("X28")
async def test_whoever_changes_a_link_answers_for_it(company: Company) -> None:
    """The links of who goes end; the heir brings back those that are wanted by changing them."""
    node_id = await company.folder("ben", "/top")
    wanted, other = await make(company, node_id, "ben"), await make(company, node_id, "ben")
    admin, ben, cat = company.caller("ann"), company.people["ben"].user_id, company.people["cat"]
    await company.files.ask(PassOn(admin, ben, "ben", cat.user_id))
    assert await come(company, wanted) == LinkNotFound()
    await company.identity.handle(DeleteUser(admin, ben))
    assert await come(company, wanted) == LinkNotFound()
    assert await lit(company, node_id, "cat") == set()

    changed = await change(company, wanted.link, name="cat", label="ours now")

    assert changed.created_by == ben
    guest = await come(company, wanted)
    node = await company.files.ask(GetNode(guest, Target(node_id=node_id)))
    assert node.node_id == node_id
    assert await come(company, other) == LinkNotFound()
    assert await lit(company, node_id, "cat") == {wanted.link.link_id}


@pytest.mark.requirement("X32")
async def test_a_link_that_ended_asks_for_no_password(company: Company) -> None:
    """It looks like none also to who does not know its password."""
    node_id = await company.folder("ann", "/top")
    await company.share("ann", node_id, "ben", Role.MANAGER)
    issued = await make(company, node_id, "ben", password="open sesame")
    assert await come(company, issued) == LinkPasswordNeeded()

    await company.unshare("ann", node_id, "ben")

    for password in (None, "wrong one", "open sesame"):
        assert await come(company, issued, password) == LinkNotFound()


async def test_links_that_ended_are_not_explained(company: Company) -> None:
    """Who has access is who gets in: an expired or used up link is not among them."""
    node_id = await company.folder("ann", "/top")
    until = company.files.clock.now() + timedelta(hours=1)
    expiring, other = await make(company, node_id, expires_at=until), await make(company, node_id)
    assert await lit(company, node_id) == {expiring.link.link_id, other.link.link_id}
    company.files.clock.advance(7200)
    assert await lit(company, node_id) == {other.link.link_id}
