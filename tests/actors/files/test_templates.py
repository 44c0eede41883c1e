"""What new spaces start with."""

from uuid import UUID

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target, Written
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from tests.actors.files.conftest import TENANT, World
from tests.support.postgres import unchanged

_STOP = Query(
    "stop",
    "INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, rights,"
    " granted_by, granted_at) VALUES ($1, $2, $3, 'everyone', $2, 16384, $2, now())",
    ("tenant", "node_id", "everyone"),
)
_REFS = Query("refs", "SELECT refs FROM files.blob WHERE size = 5", ())


def admin(world: World) -> Caller:
    """Be the tenant's admin."""
    return world.caller(3, admin=True)


async def seed(world: World) -> NodeId:
    """Have new personal spaces start with a folder of the admin's own."""
    for name in ("/start/plan.txt", "/start/notes/first.txt"):
        assert isinstance(await world.put(name, "12345", admin(world)), Written)
    node = await world.ask(c.GetNode(admin(world), Target(path="/start")))
    made = await world.ask(c.SetTemplate(admin(world), "personal", node.node_id))
    assert made == c.Template("personal", node.node_id)
    return NodeId(node.node_id)


async def names(world: World, caller: Caller, path: str) -> list[str]:
    """List a folder."""
    page = await world.ask(c.ListChildren(caller, Target(path=path)))
    return sorted(one.name for one in page.items)


async def test_a_new_space_starts_with_a_copy(world: World) -> None:
    """With a user's first request, and for a team: each its own, and its bytes counted."""
    node_id = await seed(world)
    await world.ask(c.SetTemplate(admin(world), "team", node_id))

    assert await names(world, world.caller(), "/") == ["notes", "plan.txt"]
    await world.ask(c.CreateSpace(admin(world), "Team"))
    assert await names(world, admin(world), "Team:/notes") == ["first.txt"]
    space = await world.ask(c.GetSpace(world.caller()))
    assert (space.used, space.reserved) == (10, 0)
    await world.put("/plan.txt", "mine", if_exists=c.IfExists.REPLACE)
    theirs = await world.ask(c.GetNode(admin(world), Target(path="/start/plan.txt")))
    assert (theirs.size, theirs.version) == (5, 1)

    async def refs(tx: Transaction) -> list[int]:
        return [row["refs"] for row in await tx.fetch(_REFS)]

    assert await world.database.read(TENANT, refs) == [6]


async def test_what_not_everybody_may_see_is_left_out(world: World) -> None:
    """A restricted folder in the template, with all that is in it."""
    await seed(world)
    notes = await world.ask(c.GetNode(admin(world), Target(path="/start/notes")))

    async def restrict(tx: Transaction) -> None:
        where = {"tenant": TENANT, "node_id": notes.node_id, "everyone": UUID(int=0)}
        await tx.execute(_STOP, **where)

    await world.database.transact(TENANT, restrict)
    assert await names(world, world.caller(), "/") == ["plan.txt"]


async def test_without_a_template_that_fits_a_space_starts_empty(world: World) -> None:
    """It is in the trash, is too much for the quota, or was taken back: nobody is kept out."""
    await seed(world)
    await world.ask(c.ChangeQuota(admin(world), space_quota=9))
    assert await names(world, world.caller(5), "/") == []
    await world.ask(c.ChangeQuota(admin(world), unlimited_spaces=True))
    await world.apply(c.TrashNode(Target(path="/start")), caller=admin(world))
    assert await names(world, world.caller(6), "/") == []
    assert await world.ask(c.DropTemplate(admin(world), "personal")) is None
    assert await world.ask(c.ListTemplates(admin(world))) == ()
    assert await names(world, world.caller(7), "/") == []


async def test_a_template_is_a_small_folder_that_an_admin_may_read(world: World) -> None:
    """No file, nothing large, nothing of somebody else's, and nobody else's to say."""
    node_id = await seed(world)
    page = await world.ask(c.ListChildren(admin(world), Target(path="/start")))
    plan = next(one.node_id for one in page.items if one.name == "plan.txt")
    await world.apply(
        *(c.MakeFolder(Target(path=f"/many/{one}"), parents=True) for one in range(200)),
        caller=admin(world),
    )
    many = await world.ask(c.GetNode(admin(world), Target(path="/many")))
    theirs = await world.put("/theirs/x", "x")
    async with unchanged(world.database, "files", "outbox"):
        refused = [
            await world.ask(c.SetTemplate(caller, kind, wanted))
            for caller, kind, wanted in (
                (admin(world), "team", plan),
                (admin(world), "team", many.node_id),
                (admin(world), "team", theirs.node.parent_id),
                (admin(world), "home", node_id),
                (world.caller(3), "team", node_id),
            )
        ]
    assert [type(one) for one in refused] == [
        c.KindMismatch, c.TooManyNodes, c.NodeNotFound, Invalid, Forbidden,
    ]  # fmt: skip
