"""A house: the real files and storage rooms, a store that keeps a log, and the finalizer."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from attrs import define, field

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import (
    InitUploads,
    PartToSign,
    PurgeEntry,
    SignUploadParts,
    Target,
    TransferStep,
    TrashNode,
    UploadCommit,
    UploadDraft,
    UploadOpened,
    Written,
)
from bitvault.actors.files.manifest import FILES
from bitvault.actors.finalizer.actor import Finalizer, sweeps_of
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.actors.storage.manifest import STORAGE
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import TenantId
from bitvault.kernel.refusal import DependencyDown, Unavailable
from bitvault.outbox import Outbox, Wakeups
from tests.actors.files.conftest import World
from tests.support.determinism import FixedClock, SequenceIds
from tests.support.rewiring import rewire

T = TypeVar("T")

DAY = 86_400.0
GRACE = DAY
UPLOADS = 7 * DAY


_WATCH = """
    SELECT EXISTS (SELECT FROM files.blob b JOIN files.version v
                     ON v.tenant_id = b.tenant_id AND v.hash = b.hash WHERE b.object_key = ?),
           EXISTS (SELECT FROM files.condemned c JOIN files.blob b
                     ON b.tenant_id = c.tenant_id AND b.hash = c.hash
                    WHERE c.object_key = ? AND b.object_key <> ? AND b.state = 'live')
"""


class Killed(BaseException):
    """The daemon was killed here; nothing may catch it but the test."""


@define(eq=False)
class Fuse:
    """Counts durable effects, and kills at the one it is set to, before or after it happened."""

    at: int = 0
    count: int = 0

    def tick(self) -> None:
        """Count one side of an effect; once dead, nothing has an effect any more."""
        self.count += 1
        if self.at and self.count >= self.at:
            raise Killed


@define(eq=False)
class FusedDatabase:
    """The database of a daemon that may be killed before or after each commit."""

    inner: PostgresDatabase
    fuse: Fuse

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Commit, unless killed before."""
        self.fuse.tick()
        result = await self.inner.transact(tenant, work)
        self.fuse.tick()
        return result

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Read; nothing durable happens."""
        return await self.inner.read(tenant, work)


@define(eq=False)
class WatchedStore:
    """A store that proves of each deletion, when it happens, that nobody needs the bytes (I15b)."""

    inner: MemoryObjectStore
    database: PostgresDatabase
    fuse: Fuse
    deleted: list[str] = field(factory=list)
    broken: list[str] = field(factory=list)
    down: bool = False
    taken_over: int = 0
    """Condemned objects whose content had come back with another object when they were deleted."""
    stubborn: set[str] = field(factory=set)
    """Keys that the store will not delete."""

    def __getattr__(self, name: str) -> Any:
        """Signing is arithmetic; every request is an effect, and fails while the store is down."""
        inner = getattr(self.inner, name)
        if name in {"capabilities", "send"} or name.startswith("sign_"):
            return inner

        async def request(*arguments: Any) -> Any:
            if self.down or (name == "delete" and arguments[0] in self.stubborn):
                raise DependencyDown("object store", "switched off by the test")
            self.fuse.tick()
            if name == "delete":
                await self._watch(arguments[0])
            result = await inner(*arguments)
            self.fuse.tick()
            return result

        return request

    async def _watch(self, key: str) -> None:
        self.deleted.append(key)
        ((needed, taken_over),) = await rows(self.database, _WATCH.replace("?", f"'{key}'"))
        if needed:
            self.broken.append(key)
        self.taken_over += bool(taken_over)

    @property
    def keys(self) -> set[str]:
        """Return what the store holds."""
        return set(self.inner._objects)

    @property
    def multiparts(self) -> list[str]:
        """Return the keys of unfinished uploads."""
        return [one.key for one in self.inner._multiparts.values()]


async def rows(database: PostgresDatabase, sql: str) -> list[tuple[Any, ...]]:
    """Run a query outside the rooms."""

    async def work(tx: Transaction) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in await tx.fetch(Query("test", sql, ()))]

    return await database.read(None, work)


@define(eq=False)
class Direct:
    """Asks a room without a mailbox between."""

    room: Any

    async def ask(self, request: Any, *, timeout: float = 5) -> Any:  # noqa: ASYNC109 - Ref's shape
        """Hand the message over."""
        return await self.room.handle(request)


@define(eq=False)
class House(World):
    """Files over storage over a watched store; ``finalizer`` asks both."""

    store: WatchedStore
    below: Storage
    finalizer: Finalizer

    async def send(self, step: TransferStep, data: bytes) -> None:
        """Follow one transfer step."""
        signed = Signed(step.method, step.url, step.headers, step.expires_at)
        assert (await self.store.inner.send(signed, data)).accepted

    async def put(self, path: str, text: str, caller: Any = None, **more: Any) -> Any:
        """Upload real bytes and commit."""
        upload = await self.init(path, text, caller, **more)
        if not isinstance(upload, UploadOpened):
            return getattr(upload, "written", upload)
        await self.send(upload.transfers[0], text.encode())
        return await self.commit(upload, text, caller)

    async def open_large(self, path: str, data: bytes, caller: Any = None) -> Any:
        """Open an upload in one part, and send it."""
        draft = UploadDraft(len(data), Target(path=path))
        (upload,) = await self.ask(InitUploads(caller or self.caller(), (draft,)))
        digest = hashlib.sha256(data).hexdigest()
        parts = (PartToSign(1, f"sha256:{digest}"),)
        (step,) = await self.ask(SignUploadParts(caller or self.caller(), upload.upload_id, parts))
        await self.send(step, data)
        return upload

    @staticmethod
    def claim_large(upload: UploadOpened, data: bytes) -> UploadCommit:
        """Return the commit of such an upload."""
        digest = hashlib.sha256(hashlib.sha256(data).digest()).hexdigest()
        return UploadCommit(upload.upload_id, f"sha256-1:{digest}")

    async def purge(self, path: str, caller: Any = None) -> None:
        """Trash a node and purge the entry."""
        trashed = await self.apply(TrashNode(Target(path=path)), caller=caller)
        done = await self.apply(PurgeEntry(trashed.entry_id), caller=caller)
        assert isinstance(done, Written), done

    async def settle(self, seconds: float = 0.0) -> None:
        """Let time pass, then take turns until nothing is left to do now."""
        self.clock.advance(seconds)
        for _ in range(50):
            if not await self.finalizer.turn() and not self.finalizer.tally.last:
                return
        raise AssertionError("the finalizer finds work for ever")

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query outside the rooms."""
        return await rows(self.database, sql)

    async def ledger(self) -> dict[str, str]:
        """Return the state of each object by key."""
        found = await self.rows("SELECT coalesce(sealed_key, key), state FROM storage.object")
        return dict(found)

    async def check(self) -> None:
        """Hold I1, I15, I15b and I19: nothing alive was deleted, and every count is right."""
        assert self.store.broken == []
        versions = await self.rows(
            "SELECT b.object_key, v.hash FROM files.version v LEFT JOIN files.blob b"
            " ON b.tenant_id = v.tenant_id AND b.hash = v.hash AND b.state = 'live'"
        )
        for key, content in versions:
            stored = self.store.inner._objects.get(key)
            assert stored is not None, f"{content} is dangling"
            if content.startswith("sha256:"):
                assert content == f"sha256:{hashlib.sha256(stored.data).hexdigest()}"
        assert await self.rows(
            "SELECT b.hash FROM files.blob b WHERE b.refs <> (SELECT count(*) FROM files.version v"
            " WHERE v.tenant_id = b.tenant_id AND v.hash = b.hash)"
        ) == []  # fmt: skip
        assert await self.rows(
            "SELECT * FROM files.usage u WHERE u.holder_id = u.tenant_id AND u.used <>"
            " (SELECT coalesce(sum(size), 0) FROM files.version v WHERE v.tenant_id = u.tenant_id)"
        ) == []  # fmt: skip

    async def check_clean(self) -> None:
        """Hold ``check`` and I15c: nothing is anywhere but what a version needs."""
        await self.check()
        named = {key for (key,) in await self.rows("SELECT object_key FROM files.blob")}
        assert self.store.keys == named
        assert self.store.multiparts == []
        assert await self.ledger() == dict.fromkeys(named, "sealed")
        assert await self.rows("SELECT 1 FROM files.blob WHERE refs = 0") == []
        assert await self.rows("SELECT object_key FROM files.condemned") == []
        assert await self.rows("SELECT node_id FROM files.purge") == []


def build(
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    store: MemoryObjectStore,
    options: tuple[FilesOptions, StorageOptions],
    fuse: Fuse | None = None,
) -> House:
    """Build one life of the house; a database and a store outlive it."""
    fuse = fuse or Fuse()
    watched, outbox = WatchedStore(store, database, fuse), Outbox(ids, clock, Wakeups())
    fused = FusedDatabase(database, fuse)
    storage = Storage(
        database=fused,
        objects=watched,  # type: ignore[arg-type] - forwards what it does not watch
        outbox=outbox,
        clock=clock,
        ids=ids,
        options=options[1],
    )
    below: Any = Direct(storage)
    files = Files(fused, outbox, below, clock, ids, options[0])
    above: Any = Direct(files)
    sweeps = sweeps_of((STORAGE, FILES), {"files": above, "storage": below}.__getitem__)
    finalizer = Finalizer(above, below, clock, 60.0, sweeps=sweeps)
    return House(files, database, below, clock, ids, watched, storage, finalizer)


class Silent:
    """A storage room that does not answer."""

    async def ask(self, _: Any) -> Unavailable:
        """Say so."""
        return Unavailable("storage")


@contextmanager
def storage_silent(house: House) -> Iterator[None]:
    """Let storage not answer, so that what files closes leaves its object behind."""
    below = house.room.storage
    rewire(house.room, storage=Silent())
    yield
    rewire(house.room, storage=below)


@pytest.fixture
def options() -> FilesOptions:
    """Return the room's limits; a test overrides them."""
    return FilesOptions(grace=timedelta(seconds=GRACE), purge_at_once=3)


@pytest.fixture
def storage_options() -> StorageOptions:
    """Return storage's limits: more than 1 KiB goes up in parts."""
    return StorageOptions(single_max=1 << 10, upload_ttl=UPLOADS, grace=GRACE)


@pytest.fixture
def store(clock: FixedClock) -> MemoryObjectStore:
    """Return an honest store."""
    return MemoryObjectStore(clock)


@pytest.fixture
def house(
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    store: MemoryObjectStore,
    options: FilesOptions,
    storage_options: StorageOptions,
) -> House:
    """Build the house."""
    return build(database, clock, ids, store, (options, storage_options))


Relive = Callable[[Fuse], House]


@pytest.fixture
def relive(
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    store: MemoryObjectStore,
    options: FilesOptions,
    storage_options: StorageOptions,
) -> Relive:
    """Build another life of the house, which a fuse may end."""
    return lambda fuse: build(database, clock, ids, store, (options, storage_options), fuse)
