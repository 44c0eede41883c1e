"""A storage room over the real database and a store in memory, and a client that sends bytes."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import uuid5

import pytest
from attrs import evolve, field, frozen

from bitvault.actors.storage import contract as c
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.actors.storage.rules import ContentHash, composite
from bitvault.drivers.objects.memory import MemoryObjectStore
from bitvault.drivers.objects.port import Capabilities, Signed
from bitvault.drivers.objects.probe import Answer
from bitvault.drivers.objects.signing import PROVEN
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.kernel.ids import TenantId, UploadId
from bitvault.outbox import Outbox, Wakeups
from tests.support.determinism import FixedClock, SequenceIds

BIG = 16 << 20
"""With ``single_max`` at zero bytes, one part; the plan's own part size is the least there is."""


@frozen
class Box:
    """The room, the store behind it, and one tenant's client."""

    room: Storage
    store: MemoryObjectStore
    database: PostgresDatabase
    ids: SequenceIds
    tenant: TenantId
    clock: FixedClock = field(factory=FixedClock)

    async def ask(self, request: Any) -> Any:
        """Give the room one message."""
        return await self.room.handle(request)

    def draft(self, data: bytes, hash_: str | None = None) -> c.ObjectDraft:
        """Return a draft of these bytes under a new id."""
        return c.ObjectDraft(UploadId(self.ids.uuid7()), len(data), hash_ or plain(data))

    async def open(self, *drafts: c.ObjectDraft) -> tuple[Any, ...]:
        """Open uploads."""
        return tuple(await self.ask(c.OpenObjects(self.tenant, drafts)))

    async def put(self, transfer: c.Transfer, data: bytes) -> Answer:
        """Follow a transfer instruction."""
        signed = Signed(transfer.method, transfer.url, transfer.headers, transfer.expires_at)
        return await self.store.send(signed, data)

    async def uploaded(self, data: bytes) -> tuple[c.ObjectDraft, c.Transfer]:
        """Open and send one object."""
        draft = self.draft(data)
        opened = (await self.open(draft))[0]
        assert (await self.put(opened.transfers[0], data)).accepted
        return draft, opened.transfers[0]

    async def verify(self, *claims: c.UploadClaim) -> tuple[Any, ...]:
        """Claim uploads."""
        return tuple(await self.ask(c.VerifyObjects(self.tenant, claims)))

    async def events(self) -> list[str]:
        """Return the kinds of every event of the tenant, in order."""
        query = Query(
            "kinds", "SELECT kind FROM outbox.event WHERE tenant_id = $1 ORDER BY seq", ("tenant",)
        )

        async def work(tx: Transaction) -> Sequence[Any]:
            return await tx.fetch(query, tenant=self.tenant)

        return [row["kind"] for row in await self.database.read(self.tenant, work)]

    async def bytes_at(self, key: str) -> bytes:
        """Download an object."""
        get = self.store.sign_get(key, 60, "text/plain", "attachment")
        return (await self.store.send(get, b"")).body

    def other_tenant(self) -> "Box":
        """Return the same room seen by another tenant."""
        return evolve(self, tenant=TenantId(uuid5(self.tenant, "other")))


def plain(data: bytes) -> str:
    """Return the hash of a single PUT."""
    return str(ContentHash(hashlib.sha256(data).digest()))


def of_parts(*parts: bytes) -> str:
    """Return the hash of a multipart upload."""
    return str(composite(hashlib.sha256(part).digest() for part in parts))


def claim(draft: c.ObjectDraft, **changed: Any) -> c.UploadClaim:
    """Return the claim that fits a draft."""
    return evolve(c.UploadClaim(draft.upload_id, str(draft.hash)), **changed)


def make_box(
    database: PostgresDatabase,
    clock: FixedClock,
    ids: SequenceIds,
    *,
    can: Capabilities = PROVEN,
    single_max: int = 64 << 20,
    min_part: int = BIG,
) -> Box:
    """Build a room over a store that honours ``can``."""
    store = MemoryObjectStore(clock, can, capabilities=can)
    room = Storage(
        database=database,
        objects=store,
        outbox=Outbox(ids, clock, Wakeups()),
        clock=clock,
        ids=ids,
        options=StorageOptions(single_max=single_max, min_part=min_part),
    )
    return Box(room, store, database, ids, TenantId(ids.uuid7()), clock)


@pytest.fixture
def box(database: PostgresDatabase, clock: FixedClock, ids: SequenceIds) -> Box:
    """A room over an honest store."""
    return make_box(database, clock, ids)


@pytest.fixture
def parts_box(database: PostgresDatabase, clock: FixedClock, ids: SequenceIds) -> Box:
    """A room where anything above 1 KiB goes up in parts."""
    return make_box(database, clock, ids, single_max=1 << 10)
