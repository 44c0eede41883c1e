"""What lists and explanations say of links, and of those that lead nowhere."""

from datetime import timedelta

import pytest
from attrs import evolve

from bitvault.actors.identity.contract import ChangeUser, DeleteUser
from bitvault.actors.sharing.contract import (
    CountDownloads,
    ExplainAccess,
    GetLink,
    ListLinks,
)
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.policy import SharingPolicy
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import change, come, make, top

__all__ = ["top"]


@pytest.mark.requirement("X31")
async def test_links_are_listed_and_explained(company: Company, top: NodeId) -> None:
    """By node and by who made them, in pages; and each is among those with access."""
    made = [await make(company, top, label=str(number)) for number in range(3)]
    caller = company.caller("ann")

    for node_id in (top, None):
        first = await company.sharing.handle(ListLinks(caller, node_id, None, 2))
        rest = await company.sharing.handle(ListLinks(caller, node_id, first.next_cursor, 2))
        assert [*first.items, *rest.items] == [one.link for one in made]
        assert rest.next_cursor is None
    holders = await company.sharing.handle(ExplainAccess(caller, top))
    links = {one.grantee.grantee_id for one in holders.items if one.grantee.kind == "link"}
    assert links == {one.link.link_id for one in made}


async def test_the_list_says_what_stands_in_the_way_of_a_link(
    company: Company, top: NodeId
) -> None:
    """Whoever lists them sees which still lead anywhere, by the policy as it is."""
    hour = company.files.clock.now() + timedelta(hours=1)
    made = [
        await make(company, top, password="long enough"),
        await make(company, top),
        await make(company, top, expires_at=hour),
        await make(company, top, max_downloads=1),
        await make(company, top),
    ]
    await company.sharing.handle(CountDownloads(await come(company, made[3]), 1))
    await change(company, made[4].link, is_revoked=True)
    company.files.clock.advance(7200)
    strict = SharingPolicy(password_required=True)
    company.people["ann"] = evolve(company.people["ann"], policy=strict)

    listed = await company.sharing.handle(ListLinks(company.caller("ann"), top))
    found = [one.state.value for one in listed.items]
    assert found == ["valid", "against_policy", "expired", "used_up", "revoked"]


@pytest.mark.requirement("X28")
async def test_a_link_that_nobody_answers_for_is_shown_as_one(
    company: Company, top: NodeId
) -> None:
    """Its maker is disabled, then gone; whoever changes it answers for it."""
    ann, ben = company.caller("ann"), company.people["ben"].user_id
    await company.share("ann", top, "ben", Role.MANAGER)
    link = (await make(company, top, "ben")).link

    async def states() -> set[str]:
        listed = await company.sharing.handle(ListLinks(ann, top))
        shown = await company.sharing.handle(GetLink(ann, link.link_id))
        return {one.state.value for one in (*listed.items, shown)}

    assert await states() == {"valid"}
    await company.identity.handle(ChangeUser(ann, ben, is_disabled=True))
    assert await states() == {"unanswered"}
    await company.identity.handle(DeleteUser(ann, ben))
    assert await states() == {"unanswered"}
    assert (await change(company, link, label="ours")).state.value == "valid"
    assert await states() == {"valid"}
