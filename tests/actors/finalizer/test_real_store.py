"""The whole collection over the embedded object store as a process of its own."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import AbortUpload, CommitUploads, TransferStep, Written
from bitvault.actors.files.manifest import FILES
from bitvault.actors.finalizer.actor import Finalizer, sweeps_of
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.actors.storage.manifest import STORAGE
from bitvault.drivers.objects.port import ObjectStore, Signed
from bitvault.drivers.objects.probe import Send, http_sender
from bitvault.drivers.objects.s3 import open_objects
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds
from bitvault.outbox import Outbox, Wakeups
from tests.actors.finalizer.conftest import Direct, House, rows
from tests.actors.storage.test_real_store import command
from tests.drivers.objects.conftest import options_for, running

LARGE = b"x" * 2048
CLOCK, IDS = SystemClock(), SystemIds()


class RealHouse(House):
    """The same house; its bytes go over HTTP, and time is the machine's."""

    send_http: Send
    process: Any

    async def send(self, step: TransferStep, data: bytes) -> None:
        """Follow one transfer step."""
        signed = Signed(step.method, step.url, step.headers, step.expires_at)
        assert (await self.send_http(signed, data)).accepted

    async def held(self) -> list[str]:
        """Return the keys that the store holds, but for what its probe left."""
        store: ObjectStore = self.store  # type: ignore[assignment]
        return [one.key for one in await store.list_prefix("blobs/", 1000)]


@pytest.fixture
async def real(database: PostgresDatabase, tmp_path: Path) -> AsyncIterator[RealHouse]:
    """Run the store; everything nobody needs is due at once."""
    with running(command(tmp_path)) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        endpoint = address if "://" in address else f"http://{address}"
        limits = evolve(options_for(endpoint), connect_timeout=1.0, read_timeout=2.0)
        async with open_objects(limits, CLOCK, IDS) as objects, http_sender() as send:
            outbox = Outbox(IDS, CLOCK, Wakeups())
            storage = Storage(
                database=database,
                objects=objects,
                outbox=outbox,
                clock=CLOCK,
                ids=IDS,
                options=StorageOptions(single_max=1 << 10, upload_ttl=0, grace=0),
            )
            below: Any = Direct(storage)
            options = FilesOptions(grace=timedelta(0), purge_at_once=1)
            files = Files(database, outbox, below, CLOCK, IDS, options)
            above: Any = Direct(files)
            refs = {"files": above, "storage": below}
            sweeps = sweeps_of((STORAGE, FILES), refs.__getitem__)
            finalizer = Finalizer(above, below, CLOCK, 60.0, sweeps=sweeps)
            watched: Any = objects
            clock: Any = CLOCK
            ids: Any = IDS
            house = RealHouse(files, database, below, clock, ids, watched, storage, finalizer)
            house.send_http, house.process = send, process
            yield house


async def turns(house: RealHouse, count: int = 3) -> None:
    """Take some turns, each of which may find what the one before left due."""
    for _ in range(count):
        await house.finalizer.turn()


async def test_only_what_is_alive_stays_in_the_store(real: RealHouse) -> None:
    """Purged, aborted, unclaimed, single or in parts: gone; the living downloads as before."""
    for number in range(3):
        await real.put(f"/gone/{number}", f"gone {number}")
    kept = await real.put("/kept", "kept")
    assert isinstance(kept, Written)
    aborted = await real.open_large("/aborted", LARGE)
    await real.ask(AbortUpload(real.caller(), aborted.upload_id))
    large = await real.open_large("/large", LARGE)
    (done,) = await real.ask(CommitUploads(real.caller(), (real.claim_large(large, LARGE),)))
    assert isinstance(done, Written)
    keys = dict(await rows(real.database, "SELECT hash, object_key FROM files.blob"))
    stray = await real.store.create_multipart(keys[done.node.hash])
    assert await real.store.list_multiparts(keys[done.node.hash]) == [stray]
    await real.purge("/gone")

    await turns(real)

    alive = {keys[kept.node.hash], keys[done.node.hash]}
    assert set(await real.held()) == alive
    assert await real.store.list_multiparts(keys[done.node.hash]) == []
    assert await real.ledger() == dict.fromkeys(alive, "sealed")
    assert await real.store.sha256_of(keys[kept.node.hash], None) is not None


async def test_a_store_that_died_is_waited_for(real: RealHouse) -> None:
    """Nothing crashes; the garbage stays in the ledger, and its age is shown."""
    await real.put("/f", "x")
    await real.purge("/f")
    real.process.kill()
    real.process.wait()

    await turns(real)

    assert list((await real.ledger()).values()) == ["garbage"]
    assert "discarded" in real.finalizer.tally.shown(CLOCK.now())["oldest_seconds"]
