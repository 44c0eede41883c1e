"""What SQL a pair of init and commit really is: recorded from the rooms, to be replayed bare."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import trio
from attrs import define, field, frozen

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import (
    CommitUploads,
    GetSpace,
    InitUploads,
    Target,
    UploadCommit,
    UploadDraft,
    UploadOpened,
)
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.drivers.aio import open_loop
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.postgres.pool import PostgresDatabase, open_database
from bitvault.drivers.postgres.port import Query, Row, Transaction
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds, TenantId, UserId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.outbox import Outbox, Wakeups

T = TypeVar("T")
_SIZE = 100


@frozen
class Unit:
    """One piece of work on one connection: in a transaction, or statement by statement."""

    tenant: UUID | None
    transaction: bool
    statements: tuple[tuple[str, list[Any]], ...]


@define(eq=False)
class _Listening:
    """A transaction that writes down what is asked of it."""

    inner: Transaction
    said: list[tuple[str, list[Any]]] = field(factory=list)

    async def fetch(self, query: Query, /, **parameters: Any) -> list[Row]:
        self.said.append((query.sql, query.arguments(parameters)))
        return await self.inner.fetch(query, **parameters)

    async def fetchrow(self, query: Query, /, **parameters: Any) -> Row | None:
        self.said.append((query.sql, query.arguments(parameters)))
        return await self.inner.fetchrow(query, **parameters)

    async def execute(self, query: Query, /, **parameters: Any) -> int:
        self.said.append((query.sql, query.arguments(parameters)))
        return await self.inner.execute(query, **parameters)

    def after_commit(self, notify: Callable[[], None]) -> None:
        self.inner.after_commit(notify)


@define(eq=False)
class Recorder:
    """A database that writes down every unit of work."""

    inner: PostgresDatabase
    units: list[Unit] = field(factory=list)

    async def transact(
        self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Run and write down."""
        answer: T = await self._run(tenant, work, self.inner.transact, transaction=True)
        return answer

    async def read(self, tenant: TenantId | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run and write down."""
        answer: T = await self._run(tenant, work, self.inner.read, transaction=False)
        return answer

    async def _run(self, tenant: TenantId | None, work: Any, run: Any, *, transaction: bool) -> Any:
        said: list[tuple[str, list[Any]]] = []

        async def listening(tx: Transaction) -> Any:
            said.clear()
            return await work(_Listening(tx, said))

        result = await run(tenant, listening)
        self.units.append(Unit(tenant, transaction, tuple(said)))
        return result


@define(eq=False)
class Direct:
    """A reference that calls the room at once; the mailbox is not part of the SQL."""

    room: Any

    async def ask(self, request: Any, *, timeout: float = 30.0) -> Any:  # noqa: ARG002, ASYNC109 - the shape of Ref
        """Hand the message over."""
        return await self.room.handle(request)


@frozen
class Recording:
    """The units of one init and one commit of ``size`` files, and the ids that must stay."""

    units: tuple[Unit, ...]
    stays: frozenset[UUID]


def record(dsn: str, batch: int) -> Recording:
    """Do one init and commit with real rooms on a database, and return what SQL it was."""
    return trio.run(_record, dsn, batch)


async def _record(dsn: str, batch: int) -> Recording:
    clock, ids = SystemClock(), SystemIds()
    async with open_loop(), open_database(dsn) as pool:
        recorder, store = Recorder(pool), MemoryObjectStore(clock)
        outbox = Outbox(ids, clock, Wakeups())
        storage = Storage(
            database=recorder, objects=store, outbox=outbox, clock=clock, ids=ids,
            options=StorageOptions(),
        )  # fmt: skip
        below: Any = Direct(storage)  # asks as a Ref does
        files = Files(recorder, outbox, below, clock, ids, FilesOptions())
        who = Principal(TenantId(ids.uuid7()), UserId(ids.uuid7()), "bench", True, ids.uuid7())
        caller = Caller(who, Origin("bench"))
        # Twice, so that what is recorded is not the first of its tenant.
        for round_number in range(2):
            space = await files.handle(GetSpace(caller))
            recorder.units.clear()
            await _pair(files, store, caller, batch, round_number)
    stays = {who.tenant_id, who.user_id, space.space_id, space.root_id}
    return Recording(tuple(recorder.units), frozenset(stays))


async def _pair(
    files: Files, store: MemoryObjectStore, caller: Caller, batch: int, round_number: int
) -> None:
    names = [hashlib.sha256(f"{round_number} {n}".encode()).hexdigest() for n in range(batch)]
    bodies = [name.encode().ljust(_SIZE) for name in names]
    hashes = [f"sha256:{hashlib.sha256(body).hexdigest()}" for body in bodies]
    drafts = tuple(
        UploadDraft(size=_SIZE, target=Target(path=f"/{name}"), hash=digest)
        for name, digest in zip(names, hashes, strict=True)
    )
    opened: tuple[UploadOpened, ...] = await files.handle(InitUploads(caller, drafts))
    for one, body in zip(opened, bodies, strict=True):
        step = one.transfers[0]
        answer = await store.send(
            Signed(step.method, step.url, step.headers, step.expires_at), body
        )
        assert answer.accepted, answer
    commits = tuple(
        UploadCommit(one.upload_id, digest) for one, digest in zip(opened, hashes, strict=True)
    )
    for outcome in await files.handle(CommitUploads(caller, commits)):
        assert hasattr(outcome, "node"), outcome
