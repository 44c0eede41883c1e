"""What a change would expose is what it then exposes, and asking changes nothing."""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from attrs import evolve

from bitvault.actors.files.contract import (
    Apply,
    CreateSpace,
    GetSpace,
    KindMismatch,
    MoveNode,
    NodeNotFound,
    Target,
    TreeRuleBroken,
)
from bitvault.actors.sharing.contract import (
    CreateLink,
    ExplainAccess,
    Grantee,
    GranteeKind,
    GranteeNotFound,
    Granting,
    Linking,
    LinkTerms,
    Moving,
    Preview,
    PreviewAccess,
    Restricting,
    Shift,
)
from bitvault.drivers import aio
from bitvault.kernel.access import EVERYONE, NONE, RIGHTS, Right, Role
from bitvault.kernel.ids import NodeId
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.files.counting import CountingDatabase
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import make
from tests.support.rewiring import rewire

ROLES = (None, *Role)
_ROWS = """
    SELECT (SELECT array_agg(g::text ORDER BY g) FROM sharing.granted g) AS granted,
           (SELECT array_agg(l::text ORDER BY l) FROM sharing.link l) AS links,
           (SELECT array_agg(n::text ORDER BY n) FROM files.node n) AS nodes,
           (SELECT count(*) FROM outbox.event) AS events
"""
_FILL = """
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, version, size,
                            hash, content_type, created_at, modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), node_id, 'file', 'f' || n, 'f' || n, 1, 5, 'h', 'a/b',
           created_at, modified_at, modified_by
      FROM files.node, generate_series(1, 3000) AS n WHERE name = 'large'
"""


async def ask(company: Company, name: str, node: NodeId, change: Any) -> Any:
    """Have somebody ask what would come of a change."""
    return await company.sharing.handle(PreviewAccess(company.caller(name), node, change))


async def run(company: Company, sql: str) -> Sequence[Any]:
    """Run a statement past the rooms."""
    connection = await aio.call(asyncpg.connect, company.files.database.sessions.dsn)
    rows: Sequence[Any] = await aio.call(connection.fetch, sql)
    await aio.call(connection.close)
    return rows


async def explained(company: Company, name: str, node: NodeId) -> Mapping[Grantee, Right]:
    """Return everybody's rights at a node, as explained to somebody."""
    asked = ExplainAccess(company.caller(name), node)
    holders = await company.sharing.handle(asked)
    return {one.grantee: one.rights for one in holders.items}


def differences(before: Mapping[Grantee, Right], after: Mapping[Grantee, Right]) -> set[Shift]:
    """Return whose rights differ; what everyone has, each user and group has too."""

    def all_of(one: Grantee, rights: Mapping[Grantee, Right]) -> Right:
        of_all = rights.get(Grantee(GranteeKind.EVERYONE, EVERYONE), NONE)
        own = rights.get(one, NONE)
        return own | of_all if one.kind in (GranteeKind.USER, GranteeKind.GROUP) else own

    pairs = {one: (all_of(one, before), all_of(one, after)) for one in (*before, *after)}
    return {Shift(one, was, is_) for one, (was, is_) in pairs.items() if was != is_}


class Game:
    """Random changes of a small tree, each asked about before it is made."""

    def __init__(self, company: Company, seed: int) -> None:
        """Begin."""
        self.company, self.dice = company, random.Random(seed)  # noqa: S311 - the same every time

    async def begin(self) -> None:
        """Make folders, some of them in a team's space, and a group."""
        company = self.company
        group = await company.group("team", "ben")
        people = [one.user_id for one in company.people.values()]
        self.grantees: list[UUID] = [EVERYONE, group, *people]
        await company.files.ask(CreateSpace(company.caller("ann"), "Team"))
        paths = ("/a", "/a/b", "/a/b/c", "/d", "Team:/t", "Team:/t/u")
        self.folders = [await company.folder("ann", path) for path in paths]
        # Links that ben answers for, as long as he may.
        for folder in self.folders[::2]:
            await company.share("ann", folder, "ben", Role.MANAGER)
            await make(company, folder, "ben")

    async def turn(self) -> None:
        """Ask, make the change, and compare."""
        node, change = self.dice.choice(self.folders), self._drawn()
        before, rows = await explained(self.company, "ann", node), await run(self.company, _ROWS)
        told = await ask(self.company, "ann", node, change)
        assert await run(self.company, _ROWS) == rows
        done = await self._made(node, change)
        if isinstance(told, Preview):
            after = await explained(self.company, "ann", node)
            is_link = isinstance(change, Linking)  # which has an id only now
            new = set(after) - set(before) if is_link else set()
            found = differences(before, {_nameless(one, new): r for one, r in after.items()})
            assert set(told.shifts) == found, change
            assert told.gains == len([one for one in found if one.after & ~one.before])
            assert told.losses == len([one for one in found if one.before & ~one.after])
        else:
            assert done == told

    def _drawn(self) -> Any:
        dice = self.dice
        return dice.choice(
            [
                Granting(dice.choice(self.grantees), dice.choice(ROLES)),
                Linking(dice.choice((Role.UPLOADER, Role.VIEWER, Role.EDITOR))),
                Restricting(dice.random() < 0.5),
                Moving(dice.choice(self.folders)),
            ]
        )

    async def _made(self, node: NodeId, change: Any) -> Any:
        company = self.company
        match change:
            case Granting(grantee, None):
                return await company.unshare("ann", node, grantee)
            case Granting(grantee, role):
                return await company.share("ann", node, grantee, role)
            case Linking(role):
                asked = CreateLink(company.caller("ann"), node, LinkTerms(role))
                return await company.sharing.handle(asked)
            case Restricting(wanted):
                return await company.restrict("ann", node, wanted=wanted)
            case Moving(parent):
                operation = MoveNode(Target(node_id=node), Target(node_id=parent))
                (answer,) = await company.files.ask(Apply(company.caller("ann"), (operation,)))
                return answer


def _nameless(one: Grantee, new: Collection[Grantee]) -> Grantee:
    return Grantee(GranteeKind.LINK, EVERYONE) if one in new else one


@pytest.mark.parametrize("seed", range(3))
async def test_a_change_does_what_was_told_before(company: Company, seed: int) -> None:
    """Shares, links, restrictions and moves shift exactly those who were named, asked or not."""
    game = Game(company, seed)
    await game.begin()
    for _ in range(25):
        await game.turn()


async def test_a_move_under_a_shared_folder_says_to_whom(company: Company) -> None:
    """Those who are granted something there gain it; those of the old folder lose theirs."""
    old, new = await company.folder("ann", "/old"), await company.folder("ann", "/new")
    node = await company.put("ann", "/old/plan", "12345")
    await company.share("ann", old, "ben", Role.EDITOR)
    await company.share("ann", new, "cat", Role.VIEWER)

    told = await ask(company, "ann", node, Moving(parent_path="/new"))

    ben, cat = (Grantee(GranteeKind.USER, company.people[n].user_id) for n in ("ben", "cat"))
    assert told.shifts == (
        Shift(cat, NONE, RIGHTS[Role.VIEWER]),
        Shift(ben, RIGHTS[Role.EDITOR], NONE),
    )
    assert (told.gains, told.losses) == (1, 1)
    assert (told.nodes, told.size, told.is_more) == (1, 5, False)


@pytest.mark.requirement("X28")
async def test_who_loses_a_managers_role_takes_links_along(company: Company) -> None:
    """Those they answer for would end, and are told; what has ended is nobody to lose anything."""
    node = await company.folder("ann", "/top")
    await company.share("ann", node, "ben", Role.MANAGER)
    issued = await make(company, node, "ben")
    ben = Grantee(GranteeKind.USER, company.people["ben"].user_id)
    link = Grantee(GranteeKind.LINK, issued.link.link_id)

    told = await ask(company, "ann", node, Granting(ben.grantee_id, None))
    assert set(told.shifts) == {
        Shift(ben, RIGHTS[Role.MANAGER], NONE), Shift(link, RIGHTS[Role.VIEWER], NONE)
    }  # fmt: skip
    await company.unshare("ann", node, "ben")
    assert (await ask(company, "ann", node, Restricting(True))).shifts == ()


async def test_who_may_not_share_is_told_nothing(company: Company) -> None:
    """Not of a node that was shared with them, nor of where they would move their own."""
    node = await company.folder("ann", "/shared")
    await company.share("ann", node, "ben", Role.EDITOR)
    own = await company.folder("ben", "/own")
    for change in (Granting(EVERYONE, Role.VIEWER), Linking(Role.VIEWER), Restricting(True)):
        assert isinstance(await ask(company, "ben", node, change), Forbidden)
        assert isinstance(await ask(company, "cat", node, change), NodeNotFound)
    there = Moving(node)
    assert isinstance(await ask(company, "ben", own, there), Forbidden)
    hidden = Moving(own)
    assert isinstance(await ask(company, "ann", node, hidden), NodeNotFound)


async def test_what_would_be_refused_is_refused(company: Company) -> None:
    """With the refusal that the change itself would get."""
    folder, file = await company.folder("ann", "/f"), await company.put("ann", "/f/a")
    root = (await company.files.ask(GetSpace(company.caller("ann")))).root_id
    stranger = Granting(UUID(int=7), Role.VIEWER)
    assert isinstance(await ask(company, "ann", folder, stranger), GranteeNotFound)
    everyone = Granting(EVERYONE, Role.MANAGER)
    assert isinstance(await ask(company, "ann", folder, everyone), Invalid)
    assert isinstance(await ask(company, "ann", file, Restricting(True)), Invalid)
    assert isinstance(await ask(company, "ann", root, Linking(Role.VIEWER)), Invalid)
    assert isinstance(await ask(company, "ann", file, Linking(Role.UPLOADER)), Invalid)
    for node, parent, refusal in (
        (folder, folder, TreeRuleBroken),
        (root, folder, TreeRuleBroken),
        (folder, file, KindMismatch),
    ):
        told = await ask(company, "ann", node, Moving(parent))
        assert isinstance(told, refusal)


async def test_a_link_that_the_tenant_does_not_allow_is_not_previewed(company: Company) -> None:
    """Where links are forbidden; one that needs a password or an end can be given them."""
    folder = await company.folder("ann", "/f")
    ann = company.people["ann"]
    strict = SharingPolicy(password_required=True, longest_life=timedelta(days=1))
    company.people["ann"] = evolve(ann, policy=strict)
    assert isinstance(await ask(company, "ann", folder, Linking(Role.VIEWER)), Preview)
    company.people["ann"] = evolve(ann, policy=SharingPolicy(links_allowed=False))
    assert isinstance(await ask(company, "ann", folder, Linking(Role.VIEWER)), Forbidden)


async def test_counting_stops_at_a_thousand(company: Company) -> None:
    """A large folder is not dearer than a thousand files, and is said to have more."""
    folder = await company.folder("ann", "/large")
    await run(company, _FILL)
    counting = CountingDatabase(company.files.database)
    rewire(company.files.room, database=counting)
    rewire(company.sharing, database=counting)

    told = await ask(company, "ann", folder, Granting(EVERYONE, Role.VIEWER))

    assert (told.nodes, told.is_more) == (1000, True)
    assert counting.most["extent"] <= 1100
    assert max(rows for name, rows in counting.most.items() if name != "extent") <= 50
