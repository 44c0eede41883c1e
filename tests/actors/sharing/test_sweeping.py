"""What was said below a purged folder is forgotten, in slices, and nothing else is."""

from uuid import UUID

import pytest

from bitvault.actors.files.contract import ContinuePurges, PurgeEntry, Target, TrashNode
from bitvault.actors.finalizer.actor import sweeps_of
from bitvault.actors.identity.contract import DeleteGroup, DeleteUser
from bitvault.actors.sharing.contract import ExplainAccess, ForgetLost, ListLinks
from bitvault.actors.sharing.manifest import SHARING
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from tests.actors.sharing.conftest import Asked, Company
from tests.actors.sharing.test_links import change, make

_NODES = Query(
    "nodes",
    "SELECT node_id FROM sharing.granted UNION ALL SELECT node_id FROM sharing.link",
    (),
)


async def _said(company: Company) -> set[UUID]:
    """Return the nodes that anything is said of."""

    async def work(tx: Transaction) -> set[UUID]:
        return {row["node_id"] for row in await tx.fetch(_NODES)}

    return await company.files.database.read(company.tenant_id, work)


async def _full(company: Company, path: str) -> list[NodeId]:
    """Make folders in one another, and say something of each."""
    made = []
    for number in range(4):
        path = f"{path}/{number}"
        node_id = await company.folder("ann", path)
        await company.share("ann", node_id, "ben", Role.VIEWER)
        await company.share("ann", node_id, "cat", Role.VIEWER)
        revoked = await make(company, node_id)
        await change(company, revoked.link, is_revoked=True)
        made.append(node_id)
    await company.restrict("ann", made[-1])
    return made


@pytest.mark.requirement("X29")
@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_what_is_gone_is_forgotten(company: Company, limit: int) -> None:
    """Below what was purged, at whatever depth; what is kept or in the trash keeps all."""
    kept, trashed, purged = [await _full(company, f"/{name}") for name in "abc"]
    ann = company.caller("ann")
    await company.files.apply(TrashNode(Target(node_id=trashed[0])), caller=ann)
    gone = await company.files.apply(TrashNode(Target(node_id=purged[0])), caller=ann)
    await company.files.apply(PurgeEntry(gone.entry_id), caller=ann)
    assert await company.files.ask(ContinuePurges(1000)) == 0
    assert await _said(company) == {*kept, *trashed, *purged}

    (sweep,) = sweeps_of([SHARING], lambda _: Asked(company.sharing))  # type: ignore[arg-type,return-value]
    assert sweep.name == "forget-shares"
    if limit == 1000:
        assert await sweep.slice() > 0
    for _ in range(60):
        await company.sharing.handle(ForgetLost(limit))
    assert await _said(company) == {*kept, *trashed}
    for node_id in kept:
        assert len((await company.sharing.handle(ListLinks(ann, node_id))).items) == 1


async def test_slices_go_round(company: Company) -> None:
    """Small slices come to everything, and what is lost later is found in a later round."""
    first, second = await _full(company, "/a"), await _full(company, "/b")
    ann = company.caller("ann")
    for made in (first, second):
        gone = await company.files.apply(TrashNode(Target(node_id=made[0])), caller=ann)
        await company.files.apply(PurgeEntry(gone.entry_id), caller=ann)
        for _ in range(40):
            await company.sharing.handle(ForgetLost(2))
        assert not await _said(company) & set(made)
    assert await _said(company) == set()


_GIVEN = Query(
    "given",
    """INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                    rights, granted_by, granted_at)
       SELECT $1, gen_random_uuid(), $2, 'user', gen_random_uuid(), 'viewer', 1, $2, now()
         FROM generate_series(1, $3::int)""",
    ("tenant", "user_id", "count"),
)
_DEPARTED = Query("departed", "SELECT grantee_id FROM sharing.departed", ())


async def _given(company: Company, user_id: UUID, count: int) -> None:
    """Give somebody something on nodes of which nothing else is known."""

    async def give(tx: Transaction) -> None:
        await tx.execute(_GIVEN, tenant=company.tenant_id, user_id=user_id, count=count)

    await company.files.database.transact(company.tenant_id, give)


async def test_what_was_given_to_who_is_gone_goes_after_them(company: Company) -> None:
    """A user's and a group's grants; those of others stay, and nobody nameless is explained."""
    node_id, ann = await company.folder("ann", "/top"), company.caller("ann")
    ben, group = company.people["ben"].user_id, await company.group("team", "cat")
    for whom in (ben, group, "cat"):
        await company.share("ann", node_id, whom, Role.EDITOR)
    await company.restrict("ann", node_id)

    await company.identity.handle(DeleteUser(ann, ben))
    await company.identity.handle(DeleteGroup(ann, group))
    await company.consume()

    holders = (await company.sharing.handle(ExplainAccess(ann, node_id))).items
    cat = company.people["cat"].user_id
    assert {one.grantee.grantee_id for one in holders} == {ann.principal.user_id, cat}


async def test_many_grants_of_who_is_gone_go_in_slices(company: Company) -> None:
    """What is more than a slice, and what was given at that moment, goes an hour later."""
    ben, ann = company.people["ben"].user_id, company.caller("ann")
    await _given(company, ben, 1500)
    await company.identity.handle(DeleteUser(ann, ben))
    await company.consume()
    assert len(await _said(company)) == 500
    await _given(company, ben, 1)
    company.files.clock.advance(3601)

    async def departed(tx: Transaction) -> int:
        return len(await tx.fetch(_DEPARTED))

    left = []
    for _ in range(3):
        await company.sharing.lost_shares.forget_departed(300)
        known = await company.files.database.read(company.tenant_id, departed)
        left.append((len(await _said(company)), known))
    assert left == [(201, 1), (0, 0), (0, 0)]
