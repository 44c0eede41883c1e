"""Who loses the right to share while a request of theirs is under way writes nothing any more."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from bitvault.actors.files.contract import (
    CreateSpace,
    MoveNode,
    NodeNotFound,
    RemoveMember,
    SetMember,
    Target,
    TrashNode,
)
from bitvault.actors.sharing.contract import (
    ChangeLink,
    CreateLink,
    DeleteLink,
    ExplainAccess,
    Link,
    LinkNotFound,
    LinkTerms,
    ListGrants,
    ListLinks,
)
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.refusal import Forbidden
from tests.actors.files.test_concurrency import Held, one_waits_for_another
from tests.actors.sharing.conftest import Company
from tests.support.rewiring import rewire

_PATIENCE = 30
Ask = Callable[[], Awaitable[Any]]


async def overtaken(company: Company, first: Ask, second: Ask) -> Any:
    """Let ``first`` do all but commit, then start ``second``, and let both end."""
    held = Held(company.sharing.outbox)
    rewire(company.files.room, outbox=held)
    rewire(company.sharing, outbox=held)
    answers = {}

    async def run(name: str, ask: Ask) -> None:
        answers[name] = await ask()

    with trio.fail_after(_PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "first", first)
            await held.arrived.wait()
            nursery.start_soon(run, "second", second)
            await one_waits_for_another(company.files)
            held.released.set()
    return answers["second"]


async def _team(company: Company, role: Role) -> Any:
    """Have ann make a team space with ben in it."""
    space = await company.files.ask(CreateSpace(company.caller("ann"), "Team"))
    ben = company.people["ben"].user_id
    await company.files.ask(SetMember(company.caller("ann"), space.space_id, ben, role))
    return space.space_id


@pytest.mark.requirement("X27")
@pytest.mark.parametrize("way", ["grant", "group", "lesser grant", "member", "role", "move"])
async def test_a_right_that_is_being_taken_back_is_not_used(company: Company, way: str) -> None:
    """However it came, and however it goes: the grant is not written."""
    ann, ben = company.caller("ann"), company.people["ben"].user_id
    group = await company.group("team", "ben")
    space_id = await _team(company, Role.MANAGER if way in {"member", "role"} else Role.VIEWER)
    top = await company.folder("ann", "Team:/top")
    node_id = await company.folder("ann", "Team:/top/inner")
    whom = group if way == "group" else ben
    if way not in {"member", "role"}:
        await company.share("ann", top, whom, Role.MANAGER)
    ends: dict[str, Ask] = {
        "grant": lambda: company.unshare("ann", top, ben),
        "group": lambda: company.unshare("ann", top, group),
        "lesser grant": lambda: company.share("ann", top, ben, Role.EDITOR),
        "member": lambda: company.files.ask(RemoveMember(ann, space_id, ben)),
        "role": lambda: company.files.ask(SetMember(ann, space_id, ben, Role.EDITOR)),
        "move": lambda: company.files.apply(
            MoveNode(Target(node_id=node_id), Target(path="Team:/")), caller=ann
        ),
    }

    late = await overtaken(
        company, ends[way], lambda: company.share("ben", node_id, "cat", Role.VIEWER)
    )

    gone = NodeNotFound(str(node_id))
    assert late == (gone if way == "member" else Forbidden("say who may do what"))
    assert not (await company.sharing.handle(ListGrants(ann, node_id))).grants


async def _act(company: Company, act: str, node_id: NodeId, link: Link) -> Any:
    """Have ben do one of the things that need the right to share."""
    caller = company.caller("ben")
    match act:
        case "revoke":
            return await company.unshare("ben", node_id, "cat")
        case "restrict":
            return await company.restrict("ben", node_id)
        case "link":
            return await company.sharing.handle(CreateLink(caller, node_id, LinkTerms()))
        case "change":
            terms = LinkTerms(Role.EDITOR)
            asked = ChangeLink(caller, link.link_id, terms, keeps_password=True, is_revoked=False)
            return await company.sharing.handle(asked)
        case "delete":
            return await company.sharing.handle(DeleteLink(caller, link.link_id))


@pytest.mark.requirement("X30")
@pytest.mark.parametrize("act", ["revoke", "restrict", "link", "change", "delete"])
async def test_nothing_is_said_with_a_right_that_is_gone(company: Company, act: str) -> None:
    """Neither taken back, nor restricted, nor is a link made, changed or deleted."""
    ann = company.caller("ann")
    top = await company.folder("ann", "/top")
    node_id = await company.folder("ann", "/top/inner")
    await company.share("ann", top, "ben", Role.MANAGER)
    await company.share("ann", node_id, "cat", Role.VIEWER)
    link = (await company.sharing.handle(CreateLink(ann, node_id, LinkTerms()))).link
    before = await company.sharing.handle(ListGrants(ann, node_id))

    late = await overtaken(
        company,
        lambda: company.unshare("ann", top, "ben"),
        lambda: _act(company, act, node_id, link),
    )

    about_link = act in {"change", "delete"}
    assert late == (LinkNotFound() if about_link else NodeNotFound(str(node_id)))
    assert await company.sharing.handle(ListGrants(ann, node_id)) == before
    assert (await company.sharing.handle(ListLinks(ann, node_id))).items == (link,)


async def test_what_is_being_trashed_is_not_shared(company: Company) -> None:
    """A folder that goes to the trash meanwhile is not there."""
    node_id = await company.folder("ann", "/top")
    ann = company.caller("ann")

    late = await overtaken(
        company,
        lambda: company.files.apply(TrashNode(Target(node_id=node_id)), caller=ann),
        lambda: company.share("ann", node_id, "cat", Role.VIEWER),
    )

    assert late == NodeNotFound(str(node_id))
    assert await company.sharing.handle(ExplainAccess(ann, node_id)) == late
