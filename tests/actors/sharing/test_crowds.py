"""A team space with many members: what is told of it is complete, page by page."""

from uuid import UUID

import pytest
from attrs import frozen

from bitvault.actors.files.contract import CreateSpace, ListMembers, SetMember
from bitvault.actors.sharing.contract import (
    ExplainAccess,
    Granting,
    Holder,
    PreviewAccess,
    Restricting,
)
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.access import EVERYONE, Role
from bitvault.kernel.ids import NodeId, SpaceId
from bitvault.kernel.paging import encode_cursor
from bitvault.kernel.refusal import Invalid
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import come, make

_CROWD = Query(
    "crowd",
    """INSERT INTO files.member (tenant_id, space_id, user_id, role)
       SELECT $1, $2, ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'viewer'
         FROM generate_series($3::int, $4::int) n""",
    ("tenant", "space_id", "first", "last"),
)


@frozen
class Team:
    """A team space that ann and ben manage, whose ids are greater than those of the crowd."""

    space_id: SpaceId
    top: NodeId


@pytest.fixture
async def team(company: Company) -> Team:
    """Make it, with a folder."""
    ann, ben = company.caller("ann"), company.people["ben"].user_id
    space = await company.files.ask(CreateSpace(ann, "Team"))
    await company.files.ask(SetMember(ann, space.space_id, ben, Role.MANAGER))
    return Team(space.space_id, await company.folder("ann", "Team:/top"))


async def crowd(company: Company, team: Team, last: int, first: int = 1) -> None:
    """Let so many viewers in, past the rooms."""
    which = {"first": first, "last": last}

    async def work(tx: Transaction) -> None:
        await tx.execute(_CROWD, tenant=company.tenant_id, space_id=team.space_id, **which)

    await company.files.database.transact(company.tenant_id, work)


async def explained(company: Company, team: Team, limit: int) -> list[Holder]:
    """Return all holders, page by page."""
    found: list[Holder] = []
    cursor = None
    while True:
        asked = ExplainAccess(company.caller("ann"), team.top, cursor, limit)
        page = await company.sharing.handle(asked)
        assert len(page.items) <= limit
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


@pytest.mark.requirement("X31")
async def test_managers_past_many_members_are_explained_and_so_are_their_links(
    company: Company, team: Team
) -> None:
    """A link that a guest comes in with is on the first page, whoever answers for it."""
    link = await make(company, team.top, "ben")
    await crowd(company, team, 1000)
    await company.share("ann", team.top, EVERYONE, Role.VIEWER)

    assert await come(company, link)
    holders = await explained(company, team, 1000)
    roles = {one.grantee.grantee_id: one.role for one in holders}
    ann, ben = (company.people[name].user_id for name in ("ann", "ben"))
    assert (len(holders), roles[ann], roles[ben]) == (1004, Role.MANAGER, Role.MANAGER)
    assert [one.grantee.kind.value for one in holders[:3]] == ["everyone", "link", "user"]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_of_those_with_access_come_to_the_whole(
    company: Company, team: Team, limit: int
) -> None:
    """Whoever is member and has a grant beside it is told once, with both; a page may be short."""
    await crowd(company, team, 4)
    group = await company.group("staff", "cat")
    for whom in (group, "cat", "ben"):
        await company.share("ann", team.top, whom, Role.EDITOR)
    await make(company, team.top, "ben")

    for restricted in (False, True):
        await company.restrict("ann", team.top, wanted=restricted)
        whole = await explained(company, team, 1000)
        assert await explained(company, team, limit) == whole
        (ben,) = [o for o in whole if o.grantee.grantee_id == company.people["ben"].user_id]
        assert [one.source.value for one in ben.reasons] == ["member", "grant"]


@pytest.mark.parametrize("key", [["user", "x"], ["cat", str(UUID(int=1))], ["user"]])
async def test_a_cursor_of_another_list_explains_nothing(
    company: Company, team: Team, key: list[str | int]
) -> None:
    """It is refused by name."""
    cursor = encode_cursor(["access", str(team.top), *key])
    refused = await company.sharing.handle(ExplainAccess(company.caller("ann"), team.top, cursor))
    assert isinstance(refused, Invalid)
    assert refused.field == "cursor"


async def test_a_preview_counts_every_member_and_says_where_it_ends(
    company: Company, team: Team
) -> None:
    """Of ten thousand all are looked at, of more these and the managers; of none is it wrong."""
    ann, ben = company.caller("ann"), company.people["ben"].user_id
    await crowd(company, team, 1500)
    found = await company.sharing.handle(PreviewAccess(ann, team.top, Restricting(True)))
    assert (found.losses, found.gains, found.is_partial) == (1500, 0, False)

    await crowd(company, team, 10_001, 1501)
    found = await company.sharing.handle(PreviewAccess(ann, team.top, Restricting(True)))
    assert (found.losses, found.gains, found.is_partial) == (10_000, 0, True)
    for whom in (ben, company.people["ann"].user_id):
        granted = await company.sharing.handle(
            PreviewAccess(ann, team.top, Granting(whom, Role.EDITOR))
        )
        assert granted.shifts == ()


async def test_members_are_listed_in_pages(company: Company, team: Team) -> None:
    """By user id; the cursor of another space's list is refused."""
    await crowd(company, team, 3)
    ann = company.caller("ann")
    first = await company.files.ask(ListMembers(ann, team.space_id, limit=4))
    rest = await company.files.ask(ListMembers(ann, team.space_id, first.next_cursor, 4))
    ids = [one.user_id for one in (*first.items, *rest.items)]
    assert ids == sorted(ids)
    assert (len(first.items), len(rest.items), rest.next_cursor) == (4, 1, None)
    other = await company.files.ask(CreateSpace(ann, "Other"))
    refused = await company.files.ask(ListMembers(ann, other.space_id, first.next_cursor))
    assert isinstance(refused, Invalid)
