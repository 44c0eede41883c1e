"""A files room on a real database, with a storage room from memory or the real one."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from attrs import define, field

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import (
    Apply,
    CommitUploads,
    GetSpace,
    InitUploads,
    Target,
    TransferStep,
    UploadCommit,
    UploadDraft,
    UploadOpened,
)
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.actors.storage.contract import (
    BytesMissing,
    DescribeObject,
    DiscardObjects,
    ObjectOpened,
    ObjectProgress,
    ObjectVerified,
    OpenObjects,
    Plan,
    PlanObjects,
    ResignPut,
    SignDownloads,
    SignParts,
    Transfer,
    VerifyObjects,
)
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Idempotency, Origin, Principal
from bitvault.kernel.refusal import Unavailable
from bitvault.outbox import Outbox, Wakeups
from tests.support.determinism import FixedClock, SequenceIds

TENANT = TenantId(UUID(int=0xA))


def sha256(text: str) -> str:
    """Return the hash of some content as the contract writes it."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@define(eq=False)
class StandInStorage:
    """Answers the storage contract from memory; ``missing`` uploads have no bytes."""

    clock: FixedClock
    opened: dict[UUID, Any] = field(factory=dict)
    missing: set[UUID] = field(factory=set)
    discarded: list[UUID] = field(factory=list)
    down: bool = False

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109, PLR0911 - Ref's shape; one answer per message
        """Answer as the storage room would."""
        if self.down:
            return Unavailable("object store")
        match request:
            case OpenObjects():
                self.opened |= {one.upload_id: one for one in request.drafts}
                plan = Plan("single", 0, 0)
                return tuple(ObjectOpened(plan, (self._get("put"),)) for _ in request.drafts)
            case VerifyObjects():
                return tuple(self._verified(claim) for claim in request.claims)
            case SignDownloads():
                return tuple(self._get(one.key) for one in request.downloads)
            case DiscardObjects():
                self.discarded += request.upload_ids
                return len(request.upload_ids)
            case PlanObjects():
                return tuple(Plan("single", 0, 0) for _ in request.objects)
            case DescribeObject():
                return ObjectProgress(Plan("single", 0, 0), (), True)
            case ResignPut():
                return self._get("put")
            case SignParts():
                return tuple(self._get(f"part-{one.part_number}") for one in request.parts)
        raise AssertionError(request)

    def _verified(self, claim: Any) -> Any:
        if claim.upload_id in self.missing:
            return BytesMissing()
        size = self.opened[claim.upload_id].size
        return ObjectVerified(f"key-{claim.upload_id}", size, claim.hash)

    def _get(self, key: str) -> Transfer:
        return Transfer("GET", f"memory://{key}", {}, self.clock.now())


@define(eq=False)
class World:
    """A room and short ways to ask it."""

    room: Files
    database: PostgresDatabase
    storage: StandInStorage
    clock: FixedClock
    ids: SequenceIds

    def caller(
        self, user: int = 1, key: str | None = None, *, admin: bool = False, tenant: UUID = TENANT
    ) -> Caller:
        """Return user number ``user``, optionally with an Idempotency-Key."""
        principal = Principal(
            TenantId(tenant), UserId(UUID(int=user)), f"user{user}", admin, UUID(int=9)
        )
        idempotency = Idempotency(key, key.encode()) if key else None
        return Caller(principal, Origin("req"), idempotency)

    async def init(self, path: str, text: str, caller: Caller | None = None, **more: Any) -> Any:
        """Open one upload."""
        draft = UploadDraft(len(text), Target(path=path), hash=sha256(text), **more)
        (outcome,) = await self.ask(InitUploads(caller or self.caller(), (draft,)))
        return outcome

    async def commit(self, upload: UploadOpened, text: str, caller: Caller | None = None) -> Any:
        """Commit one upload."""
        claim = UploadCommit(upload.upload_id, sha256(text))
        (outcome,) = await self.ask(CommitUploads(caller or self.caller(), (claim,)))
        return outcome

    async def put(self, path: str, text: str, caller: Caller | None = None, **more: Any) -> Any:
        """Upload and commit."""
        upload = await self.init(path, text, caller, **more)
        if not isinstance(upload, UploadOpened):
            return getattr(upload, "written", upload)
        return await self.commit(upload, text, caller)

    async def apply(self, *operations: Any, caller: Caller | None = None) -> Any:
        """Apply operations; the outcome itself for a single one."""
        outcomes = await self.ask(Apply(caller or self.caller(), operations))
        return outcomes[0] if len(operations) == 1 else outcomes

    async def ask(self, message: Any) -> Any:
        """Ask the room."""
        return await self.room.handle(message)


@pytest.fixture
def options() -> FilesOptions:
    """Return the room's limits; a test overrides them."""
    return FilesOptions()


@pytest.fixture
async def world(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds, options: FilesOptions
) -> World:
    """Build the room."""
    storage = StandInStorage(clock)
    outbox = Outbox(ids, clock, Wakeups())
    room = Files(database, outbox, storage, clock, ids, options)  # type: ignore[arg-type]
    return World(room, database, storage, clock, ids)


@define(eq=False)
class Direct:
    """Asks the storage room without a mailbox between."""

    room: Storage
    heard: list[Any] = field(factory=list)
    before: dict[type, Callable[[], Awaitable[None]]] = field(factory=dict)
    """What happens, once, just before a message of this kind arrives."""

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109 - Ref's shape
        """Hand the message over, and remember it."""
        self.heard.append(request)
        if happens := self.before.pop(type(request), None):
            await happens()
        return await self.room.handle(request)


@pytest.fixture
def objects(clock: FixedClock) -> MemoryObjectStore:
    """Return an honest store."""
    return MemoryObjectStore(clock)


@pytest.fixture
def direct(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds, objects: MemoryObjectStore
) -> Direct:
    """Build the real storage room; more than 1 KiB goes up in parts."""
    outbox = Outbox(ids, clock, Wakeups())
    limits = StorageOptions(single_max=1 << 10)
    return Direct(
        Storage(
            database=database, objects=objects, outbox=outbox, clock=clock, ids=ids, options=limits
        )
    )


@pytest.fixture
def real(database: PostgresDatabase, clock: FixedClock, ids: SequenceIds, direct: Direct) -> World:
    """Build the room over the real storage room."""
    outbox = Outbox(ids, clock, Wakeups())
    room = Files(database, outbox, direct, clock, ids, FilesOptions())  # type: ignore[arg-type]
    return World(room, database, direct, clock, ids)  # type: ignore[arg-type]


async def send(objects: MemoryObjectStore, step: TransferStep, data: bytes) -> Any:
    """Follow one transfer step."""
    return await objects.send(Signed(step.method, step.url, step.headers, step.expires_at), data)


async def usage(world: World) -> tuple[int, int]:
    """Return what the personal space uses and reserves."""
    space = await world.ask(GetSpace(world.caller()))
    return space.used, space.reserved
