"""A tenant leaves for good: all that was its own goes, nothing of others, wherever it is killed."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from attrs import define, evolve

from bitvault.actors.audit.actor import Audit
from bitvault.actors.audit.actor.downloads import Downloads
from bitvault.actors.audit.actor.writer import DownloadWriter
from bitvault.actors.audit.consumer import AuditSink
from bitvault.actors.audit.contract import Download
from bitvault.actors.files.actor import FilesOptions
from bitvault.actors.files.contract import Written
from bitvault.actors.finalizer.actor.leaving import Leaving, phases_of
from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    BadCredentials,
    ChangePolicy,
    ChangeTenant,
    CreateGroup,
    CreateTenant,
    CreateToken,
    EnsureTenant,
    Erasure,
    ErasureBegun,
    ErasureNotFound,
    ListErasures,
    OpenSession,
    PolicyChange,
    RevokeErasure,
    ScheduleErasure,
    SecretIssued,
    TenantLeaving,
    TenantNotFound,
    Unauthenticated,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.letters.actor import Letters
from bitvault.actors.notifier.actor import Notifier
from bitvault.actors.notifier.consumer import MailQueue
from bitvault.actors.sharing.actor import Sharing
from bitvault.actors.sharing.contract import CreateLink, LinkIssued, LinkTerms
from bitvault.actors.sso.actor import Sso
from bitvault.actors.sso.contract import AddProvider, Provider, ProviderTerms
from bitvault.actors.storage.actor import StorageOptions
from bitvault.drivers.bus.memory import MemoryBus
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.outgoing.guard import Allowed
from bitvault.drivers.outgoing.guarded import GuardedOutgoing
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.migrate import load_migrations
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.sealing.aesgcm import AesGcmSealing
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller, Origin, Scope
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.manifest import events_of
from bitvault.outbox import ConsumerLoop, Outbox, Wakeups
from bitvault.services import SERVICES, migrations_of
from tests.actors.finalizer.conftest import (
    DAY,
    GRACE,
    UPLOADS,
    Direct,
    Fuse,
    FusedDatabase,
    House,
    Killed,
    build,
    rows,
)
from tests.support.determinism import FixedClock, SequenceIds
from tests.support.issuer import Issuer, running_issuer
from tests.support.postgres import unchanged

ORIGIN = Origin("r", "192.0.2.1", "pytest")
PASSWORD = "correct horse"
LARGE = b"x" * 2048
WEEK = 7 * 86_400
APART = 4
"""How many tests share the effects at which a run is killed."""
_TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND a.attname = 'tenant_id'
       AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
"""


@define(eq=False)
class Estate:
    """A house with all the rooms there are, in one life that a fuse may end."""

    house: House
    identity: Identity
    sharing: Sharing
    sso: Sso
    issuer: Issuer

    async def be(self, tenant: str, login: str) -> Caller:
        """Log in."""
        opened = await self.identity.handle(OpenSession(tenant, login, PASSWORD, ORIGIN))
        return Caller(await self.identity.handle(Authenticate(opened.token, ORIGIN)), ORIGIN)

    async def catch_up(self, *tenants: TenantId) -> None:
        """Let the trail and mails be written."""
        house = self.house
        for consumer in (AuditSink(events_of(SERVICES)), MailQueue(is_on=True)):
            loop = ConsumerLoop(consumer, house.database, MemoryBus(), house.clock)
            for tenant_id in tenants:
                await loop.catch_up(tenant_id)

    async def turns(self, seconds: float = 0.0) -> None:
        """Let time pass, and take turns until nothing is left to do now."""
        await self.house.settle(seconds)


@define(eq=False)
class World:
    """What outlives a daemon, from which new lives begin."""

    database: PostgresDatabase
    clock: FixedClock
    ids: SequenceIds
    store: MemoryObjectStore
    options: tuple[FilesOptions, StorageOptions]
    issuer: Issuer

    def live(self, fuse: Fuse | None = None) -> Estate:
        """Begin a life."""
        fuse = fuse or Fuse()
        house = build(self.database, self.clock, self.ids, self.store, self.options, fuse)
        database: Any = FusedDatabase(self.database, fuse)
        hasher = Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        limits, outbox = MemoryLimits(), Outbox(self.ids, self.clock, Wakeups())
        identity = Identity(database, hasher, self.clock, self.ids, limits, IdentityOptions())
        files: Any = house.finalizer.files
        below: Any = Direct(identity)
        sharing = Sharing(database, outbox, files, below, self.clock, self.ids, hasher, limits)
        sso = self._sso(database, outbox, below, files)
        refs: dict[str, Any] = {
            "identity": below,
            "sso": Direct(sso),
            "sharing": Direct(sharing),
            "files": files,
            "storage": house.finalizer.storage,
            "letters": Direct(Letters(database, {})),
            "notifier": Direct(Notifier(database, self.clock, is_on=True)),
            "audit": Direct(Audit(database, Downloads(), Direct(sharing), self.clock, self.ids)),
        }
        leaving = Leaving(below, phases_of(SERVICES, refs.__getitem__))
        house.finalizer = evolve(house.finalizer, leaving=leaving)
        return Estate(house, identity, sharing, sso, self.issuer)

    def _sso(self, database: Any, outbox: Outbox, identity: Any, files: Any) -> Sso:
        outgoing, sealing = GuardedOutgoing(Allowed.of("127.0.0.1")), AesGcmSealing(b"k" * 32)
        asked = identity, files, outgoing, sealing
        return Sso(database, outbox, *asked, self.clock, self.ids, lambda: "https://x")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Run a provider that tenants may name."""
    with running_issuer() as running:
        yield running


@pytest.fixture
async def world(
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    store: MemoryObjectStore,
    options: FilesOptions,
    storage_options: StorageOptions,
    issuer: Issuer,
) -> World:
    """Have an operator in a tenant of its own."""
    made = World(database, clock, ids, store, (options, storage_options), issuer)
    await made.live().identity.handle(EnsureTenant("default", "op", PASSWORD))
    return made


async def furnish(estate: Estate, name: str) -> Caller:
    """Make a tenant that has something in every room, and uploads in every state."""
    await estate.identity.handle(CreateTenant(name, "root", PASSWORD))
    root, house = await estate.be(name, "root"), estate.house
    await estate.identity.handle(CreateGroup(root, "Staff"))
    await estate.identity.handle(ChangePolicy(root, PolicyChange(min_password=9)))
    token = await estate.identity.handle(CreateToken(root, "robot", None, Scope.WRITE))
    assert isinstance(token, SecretIssued)
    terms = ProviderTerms(name="Acme", issuer=f"{estate.issuer.url}/idp", client_id="bitvault")
    assert isinstance(await estate.sso.handle(AddProvider(root, terms, "s3cret")), Provider)
    for number in range(4):
        await house.put(f"/docs/{number % 2}/{number}", f"{number} of all", root)
    await house.put("/docs/0/0", "again", root)
    await house.put("/purged/deep", "purged", root)
    await house.purge("/purged", root)
    written = await house.put("/shared", "0 of all", root)
    wanted = CreateLink(root, written.node.node_id, LinkTerms(label="for all"))
    link = await estate.sharing.handle(wanted)
    assert isinstance(link, LinkIssued)
    unfinished = await house.init("/unfinished", "unfinished", root)
    await house.send(unfinished.transfers[0], b"unfinished")
    await house.open_large("/large", LARGE, root)
    downloads = Downloads()
    what = [Download(written.node.node_id, 1, 8, "shared")]
    downloads.add(root, what, root.tenant_id, house.ids, house.clock.now())
    await DownloadWriter(downloads, house.database).turn()
    await estate.catch_up(root.tenant_id)
    return root


async def owners(world: World) -> dict[str, set[UUID]]:
    """Return whose rows are in each table there is."""
    names = [name for (name,) in await rows(world.database, _TABLES)]
    return {
        name: {one for (one,) in await rows(world.database, f"SELECT tenant_id FROM {name}")}  # noqa: S608 - names from the catalogue
        for name in names
    }


async def gone(world: World, tenant_id: TenantId) -> None:
    """Hold that no row in any table says that it is the tenant's."""
    assert [name for name, found in (await owners(world)).items() if tenant_id in found] == []


async def schedule(estate: Estate, name: str, tenant_id: TenantId, **more: Any) -> Any:
    """Have a tenant erased."""
    op = await estate.be("default", "op")
    return await estate.identity.handle(ScheduleErasure(op, tenant_id, name, **more))


async def test_all_of_a_tenant_goes_and_nothing_of_another(world: World) -> None:
    """Beside one with the same content, which goes on working; the operators keep the record."""
    estate = world.live()
    acme, other = await furnish(estate, "acme"), await furnish(estate, "globex")
    covered = {name for name, found in (await owners(world)).items() if acme.tenant_id in found}
    packages = migrations_of(SERVICES)
    rooms = {step.room for package in packages for step in load_migrations(package)}
    assert {name.partition(".")[0] for name in covered} == rooms
    assert {"files.version", "sharing.link", "storage.object", "sso.provider"} < covered
    assert {"audit.entry", "audit.download"} < covered
    assert isinstance(await schedule(estate, "ACME", acme.tenant_id), Erasure)

    await estate.turns(WEEK - 1)
    assert acme.tenant_id in (await owners(world))["files.version"]
    await estate.turns(1)
    for step in range(4):
        assert isinstance(await estate.house.put(f"/late/{step}", f"late {step}", other), Written)
        await estate.turns(GRACE)

    await gone(world, acme.tenant_id)
    await estate.house.check()
    op = await estate.be("default", "op")
    [record] = await estate.identity.handle(ListErasures(op, acme.tenant_id))
    assert (record.name, record.state) == ("acme", "erased")
    told = await rows(
        world.database, "SELECT kind, tenant_id FROM outbox.event WHERE kind LIKE 'tenant.erasu%'"
        " OR kind = 'tenant.erased' ORDER BY seq",
    )  # fmt: skip
    assert told == [
        ("tenant.erasure_scheduled", op.tenant_id),
        ("tenant.erased", op.tenant_id),
    ]
    await estate.turns(UPLOADS)
    await estate.house.check_clean()


async def test_nobody_enters_once_it_has_begun(world: World) -> None:
    """Until then its users read; then tokens, logins and links are like those of nobody."""
    estate = world.live()
    root = await furnish(estate, "acme")
    opened = await estate.identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN))
    await schedule(estate, "acme", root.tenant_id)
    assert (await estate.identity.handle(Authenticate(opened.token, ORIGIN))).is_suspended is True

    world.clock.advance(WEEK)
    await estate.house.finalizer.turn()

    told = await estate.identity.handle(Authenticate(opened.token, ORIGIN))
    assert isinstance(told, Unauthenticated)
    told = await estate.identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN))
    assert isinstance(told, BadCredentials)
    refused = await estate.identity.handle(
        RevokeErasure(await estate.be("default", "op"), root.tenant_id)
    )
    assert isinstance(refused, ErasureBegun)
    assert isinstance(await schedule(estate, "acme", root.tenant_id), ErasureBegun | TenantNotFound)


async def test_an_erasure_can_be_revoked_until_it_begins(world: World) -> None:
    """Nothing was lost; it stays suspended until an operator resumes it, which waits for that."""
    estate = world.live()
    root = await furnish(estate, "acme")
    op = await estate.be("default", "op")
    await schedule(estate, "acme", root.tenant_id)
    resume = ChangeTenant(op, root.tenant_id, is_suspended=False)
    assert isinstance(await estate.identity.handle(resume), TenantLeaving)

    await estate.turns(WEEK - 1)
    assert await estate.identity.handle(RevokeErasure(op, root.tenant_id)) is None

    await estate.turns(DAY)
    assert (await estate.identity.handle(resume)).is_suspended is False
    assert isinstance(await estate.house.put("/new", "new", root), Written)
    again = await estate.identity.handle(RevokeErasure(op, root.tenant_id))
    assert isinstance(again, ErasureNotFound)


async def test_not_everybody_erases_and_not_everything(world: World) -> None:
    """Nobody but operators, nothing by a slip, and not what the platform is operated from."""
    estate = world.live()
    root = await furnish(estate, "acme")
    op = await estate.be("default", "op")
    nowhere = TenantId(root.principal.user_id)
    async with unchanged(world.database, "identity", "outbox"):
        refused = [
            await estate.identity.handle(one)
            for one in (
                ScheduleErasure(root, root.tenant_id, "acme"),
                RevokeErasure(root, root.tenant_id),
                ListErasures(root),
                ScheduleErasure(op, op.tenant_id, "default"),
                ScheduleErasure(op, root.tenant_id, "globex"),
                ScheduleErasure(op, root.tenant_id, "acme", -1),
                ScheduleErasure(op, nowhere, "acme"),
            )
        ]
    assert [type(one) for one in refused] == [*[Forbidden] * 4, *[Invalid] * 2, TenantNotFound]


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, APART + 1))
async def test_a_crash_anywhere_leaves_nothing_of_the_tenant_and_all_of_others(
    world: World, first: int
) -> None:
    """Each run is killed at a later effect, comes back, and ends with nothing left."""
    other = await furnish(world.live(), "globex")
    for at in count(first, APART):
        estate = world.live()
        root = await furnish(estate, f"acme {at}")
        await schedule(estate, f"acme {at}", root.tenant_id, after=0)
        killed = await life(world.live(Fuse(at)))
        after = world.live()
        assert isinstance(await after.house.put(f"/again/{at}", f"again {at}", other), Written)
        for seconds in (0.0, 300.0, GRACE, GRACE, GRACE):
            await after.turns(seconds)
        await gone(world, root.tenant_id)
        await after.house.check()
        if not killed:
            break
    assert at > 40
    op = await world.live().be("default", "op")
    records = await world.live().identity.handle(ListErasures(op))
    assert [one.state for one in records] == ["erased"] * len(range(first, at + 1, APART))


async def life(estate: Estate) -> bool:
    """Live until the fuse burns through; return whether it did."""
    killed = False
    try:
        for seconds in (0.0, GRACE, GRACE, GRACE):
            await estate.turns(seconds)
    except* Killed:
        killed = True
    return killed
