"""What everybody waits for is locked last, in one order for all: nobody deadlocks."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import trio
from attrs import evolve

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target, UploadOpened, Written
from bitvault.actors.files.store.contents import Stamp
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import UserId
from bitvault.kernel.principal import Caller, Drop
from tests.actors.files.conftest import TENANT, World, sha256
from tests.actors.files.test_concurrency import one_waits_for_another
from tests.actors.files.test_templates import names, seed

_BLOBS = Query("blobs", "SELECT hash FROM files.blob FOR UPDATE", ())
_DROPS = Query("drops", "SELECT link_id FROM files.drop FOR UPDATE", ())
_QUOTA = Query("quota", "SELECT holder_id FROM files.usage FOR UPDATE NOWAIT", ())
LINK = UserId(UUID(int=55))


async def behind(world: World, held: Query, ask: Callable[[], Awaitable[Any]]) -> Any:
    """Hold some rows until ``ask`` waits for them, then take the quota's; return its answer."""
    answers, has_rows = [], trio.Event()

    async def hold(tx: Transaction) -> None:
        assert await tx.fetch(held)
        has_rows.set()
        await one_waits_for_another(world)
        assert await tx.fetch(_QUOTA)

    async def wait() -> None:
        await has_rows.wait()
        answers.append(await ask())

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await world.database.transact(TENANT, hold)
    return answers[0]


async def test_a_first_login_waits_for_content_before_it_holds_the_quota(world: World) -> None:
    """A commit of the template's content locks that first, and the quota after it."""
    await seed(world)

    listed = await behind(world, _BLOBS, lambda: names(world, world.caller(), "/"))

    assert listed == ["notes", "plan.txt"]


async def test_a_guest_waits_for_the_request_before_they_hold_the_quota(world: World) -> None:
    """Whoever ends an upload of the same request locks it first, and the quota after it."""
    made = await world.apply(c.MakeFolder(Target(path="/in")))
    assert isinstance(made, Written)
    guest = await guest_of(world, made.node.node_id)
    draft = c.UploadDraft(
        4, Target(path=f"{made.node.node_id}:/f"), hash=sha256("text"), sender=c.Sender(LINK, "Zoe")
    )
    (first,) = await world.ask(c.InitUploads(guest, (draft,)))
    assert isinstance(first, UploadOpened)
    uploads, stamp = world.room.uploads, Stamp(guest, world.clock.now())

    async def tight() -> Any:
        opened = await uploads._opened(stamp, [draft], is_tight=True)
        return await uploads._signed(stamp, opened)

    (second,) = await behind(world, _DROPS, tight)

    assert isinstance(second, UploadOpened)
    assert await world.ask(c.AbortUpload(guest, first.upload_id)) is None


async def guest_of(world: World, node_id: UUID) -> Caller:
    """Return somebody who came with a file request for a folder."""
    put = Query(
        "put",
        "INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id,"
        " role, rights, granted_by, granted_at)"
        " VALUES ($1, $2, $3, 'link', $2, 'uploader', 8, $2, now())",
        ("tenant", "node_id", "link_id"),
    )

    async def grant(tx: Transaction) -> None:
        await tx.execute(put, tenant=TENANT, node_id=node_id, link_id=LINK)

    await world.database.transact(TENANT, grant)
    caller = world.caller()
    guest = evolve(caller.principal, user_id=LINK, is_guest=True, drop=Drop())
    return evolve(caller, principal=guest)
