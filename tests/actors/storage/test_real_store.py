"""The room over a store that is a process of its own, and over none."""

import json
import sys
from pathlib import Path

from attrs import evolve

from bitvault.actors.storage import contract as c
from bitvault.actors.storage.actor import Storage, StorageOptions
from bitvault.drivers.objects.port import Signed
from bitvault.drivers.objects.probe import http_sender
from bitvault.drivers.objects.s3 import open_objects
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds, TenantId, UploadId
from bitvault.kernel.refusal import Unavailable
from bitvault.outbox import Outbox, Wakeups
from tests.drivers.objects.conftest import KEYS, options_for, running

from .conftest import claim, plain

CLOCK, IDS = SystemClock(), SystemIds()


def command(folder: Path) -> list[str]:
    """Return how to start the embedded store in a folder."""
    rights = {"s": "admin", "w": "write", "r": "read"}
    keys = [
        {"accessKeyId": k.key_id, "secretAccessKey": k.secret, "permissions": [rights[n]]}
        for n, k in KEYS.items()
    ]
    credentials = folder / "keys.json"
    credentials.touch(0o600)
    credentials.write_text(json.dumps({"keys": keys}))
    where = ["--data", str(folder / "data"), "--credentials", str(credentials)]
    return [sys.executable, "-m", "bitvault.objectd", *where, "--bucket", "bitvault"]


async def test_a_batch_goes_through_until_the_store_is_gone(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    """Real PUTs are verified by one LIST; with the store dead each answer is Unavailable."""
    tenant = TenantId(IDS.uuid7())
    drafts = [c.ObjectDraft(UploadId(IDS.uuid7()), 5, plain(b"hello")) for _ in range(6)]
    with running(command(tmp_path)) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        endpoint = address if "://" in address else f"http://{address}"
        options = evolve(options_for(endpoint), connect_timeout=1.0, read_timeout=2.0)
        async with open_objects(options, CLOCK, IDS) as objects, http_sender() as send:
            room = Storage(
                database=database,
                objects=objects,
                outbox=Outbox(IDS, CLOCK, Wakeups()),
                clock=CLOCK,
                ids=IDS,
                options=StorageOptions(),
            )
            opened = await room.handle(c.OpenObjects(tenant, tuple(drafts)))
            for one in opened[:5]:
                put = one.transfers[0]
                signed = Signed(put.method, put.url, put.headers, put.expires_at)
                assert (await send(signed, b"hello")).accepted

            first = await room.handle(c.VerifyObjects(tenant, tuple(map(claim, drafts))))
            process.kill()
            process.wait()
            last = await room.handle(c.VerifyObjects(tenant, (claim(drafts[5]),)))

    assert [type(a) for a in first] == [c.ObjectVerified] * 5 + [c.BytesMissing]
    assert last == (Unavailable("object store"),)
