"""The room under test: on real PostgreSQL, over the real storage room and a store in memory."""

import hashlib
from typing import Any
from uuid import UUID

from attrs import define, field

from bitvault.actors.files import contract as c
from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Idempotency, Origin, Principal
from bitvault.outbox import Outbox, Wakeups
from tests.model.model import Model
from tests.model.steps import TEAM, TEXTS
from tests.model.tree import MANAGER, VIEWER, Space
from tests.support.determinism import FixedClock, SequenceIds

TENANT_QUOTA, OWN_QUOTA, TEAM_QUOTA = 110, 80, 40
_EIGHT_DAYS = 8 * 86400.0
HASH_OF = {text: "sha256:" + hashlib.sha256(text.encode()).hexdigest() for text in TEXTS}
TEXT_OF = {digest: text for text, digest in HASH_OF.items()}


@define(eq=False)
class Direct:
    """Asks the storage room without a mailbox between."""

    room: Storage

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109 - Ref's shape
        """Hand the message over."""
        return await self.room.handle(request)


@define(eq=False)
class World:
    """A tenant of its own: many share one database, one after the other."""

    database: PostgresDatabase
    number: int
    clock: FixedClock = field(factory=FixedClock)
    objects: MemoryObjectStore = field(init=False)
    room: Files = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Build both rooms."""
        ids, clock, database = SequenceIds(self.number), self.clock, self.database
        outbox = Outbox(ids, clock, Wakeups())
        self.objects = MemoryObjectStore(clock)
        storage = Storage(
            database=database, objects=self.objects, outbox=outbox, clock=clock, ids=ids,
            options=StorageOptions(),
        )  # fmt: skip
        limits = FilesOptions(default_space_quota=OWN_QUOTA, tenant_quota=TENANT_QUOTA)
        self.room = Files(database, outbox, Direct(storage), clock, ids, limits)  # type: ignore[arg-type]

    @property
    def tenant(self) -> TenantId:
        """The tenant."""
        return TenantId(UUID(int=self.number))

    def caller(self, user: int, idempotency: Idempotency | None = None) -> Caller:
        """Return user 1, the tenant's admin, or user 2."""
        user_id = UserId(UUID(int=user))
        principal = Principal(self.tenant, user_id, f"user{user}", user == 1, UUID(int=9))
        return Caller(principal, Origin("request"), idempotency)

    async def ask(self, message: Any) -> Any:
        """Ask the room."""
        return await self.room.handle(message)

    async def send(self, step: c.TransferStep, text: str) -> None:
        """Put bytes where the room says."""
        signed = Signed(step.method, step.url, step.headers, step.expires_at)
        await self.objects.send(signed, text.encode())

    async def expire(self) -> int:
        """Let eight days pass, and have the finalizer look."""
        self.clock.advance(_EIGHT_DAYS)
        ended: int = await self.ask(c.ExpireUploads(1000))
        return ended

    async def held(self, key: str) -> bytes:
        """Download an object."""
        get = self.objects.sign_get(key, 60, "text/plain", "attachment")
        return (await self.objects.send(get)).body

    async def furnished(self) -> Model:
        """Make a space for each user and one for both; return the model of that."""
        model = Model(
            [
                Space("user1", {1: MANAGER}, OWN_QUOTA),
                Space("user2", {2: MANAGER}, OWN_QUOTA),
                Space(TEAM, {1: MANAGER, 2: VIEWER}, TEAM_QUOTA, team=True),
            ],
            TENANT_QUOTA,
        )
        made = [
            await self.ask(c.GetSpace(self.caller(1))),
            await self.ask(c.GetSpace(self.caller(2))),
            await self.ask(c.CreateSpace(self.caller(1), TEAM, TEAM_QUOTA)),
        ]
        for ours, theirs in zip(model.spaces, made, strict=True):
            ours.space_id, ours.root.node_id = theirs.space_id, theirs.root_id
        viewer = c.SetMember(self.caller(1), theirs.space_id, UserId(UUID(int=2)), c.Role.VIEWER)
        await self.ask(viewer)
        return model
