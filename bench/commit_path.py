"""Pairs of init and commit over REST, against their own SQL by bare asyncpg on uvloop."""

import asyncio
import hashlib
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench.daemon import Daemon
from bench.recording import record
from bench.replay import rate
from bench.rest import Connection, connections, spread
from bench.table import Row
from bitvault.drivers.postgres.embedded import prepare

CLIENTS = 32
POOL = 8
SIZE = 100
RUNS = 3
SINGLES = 640
BATCHES, BATCH = 32, 100


def commit_path(daemon: Daemon) -> Iterator[Row]:
    """Yield the rows for single calls and for batches of a hundred."""
    dsn = prepare(daemon.data / "postgres").dsn()
    for what, calls, batch, bar in (
        ("init+commit, single", SINGLES, 1, ">= 0.20"),
        (f"init+commit, batch of {BATCH}", BATCHES, BATCH, ">= 0.60"),
    ):
        recording = record(dsn, batch)
        ours, bare = [], []
        for _ in range(RUNS):
            ours.append(over_rest(daemon, calls, batch))
            bare.append(rate(dsn, recording, calls, CLIENTS, POOL) * batch)
        measured, baseline = statistics.median(ours), statistics.median(bare)
        yield Row(
            what,
            f"{measured:.0f} pairs/s",
            f"asyncpg {baseline:.0f} pairs/s",
            measured / baseline,
            bar,
        )


def over_rest(daemon: Daemon, calls: int, batch: int, folder: str = "") -> float:
    """Return pairs a second; the PUTs in between are not counted."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_over_rest(daemon, calls, batch, folder))


async def _over_rest(daemon: Daemon, calls: int, batch: int, folder: str) -> float:
    workers = await connections(daemon.url, daemon.token, CLIENTS)
    stamp = f"{folder}/{time.time_ns()}"
    bodies = [[_body(stamp, call, n) for n in range(batch)] for call in range(calls)]
    begin = time.perf_counter()
    opened = await spread(workers, lambda worker, n: _init(worker, stamp, n, bodies[n]), calls)
    inits = time.perf_counter() - begin
    await _put_all(opened, bodies)
    begin = time.perf_counter()
    await spread(workers, lambda worker, n: _commit(worker, opened[n], bodies[n]), calls)
    commits = time.perf_counter() - begin
    for worker in workers:
        worker.close()
    return calls * batch / (inits + commits)


def _body(stamp: str, call: int, number: int) -> bytes:
    return f"{stamp} {call} {number}".encode().ljust(SIZE)


def _hash(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


async def _init(worker: Connection, stamp: str, call: int, bodies: list[bytes]) -> list[Any]:
    items = [
        {"path": f"{stamp}-{call}-{n}.bin", "size": SIZE, "hash": _hash(body)}
        for n, body in enumerate(bodies)
    ]
    if len(items) == 1:
        return [await worker.json("POST", "/v1/files", items[0])]
    answer = await worker.json("POST", "/v1/files/batch", {"items": items})
    return [item["result"] for item in answer["items"]]


async def _commit(worker: Connection, opened: list[Any], bodies: list[bytes]) -> None:
    if len(opened) == 1:
        path = f"/v1/files/{opened[0]['uploadId']}/commit"
        await worker.json("POST", path, {"hash": _hash(bodies[0])})
        return
    items = [
        {"uploadId": one["uploadId"], "hash": _hash(body)}
        for one, body in zip(opened, bodies, strict=True)
    ]
    answer = await worker.json("POST", "/v1/files/commits", {"items": items})
    wrong = [item for item in answer["items"] if item["status"] != 200]
    if wrong:
        raise SystemExit(f"commit refused: {json.dumps(wrong[0])}")


async def _put_all(opened: list[list[Any]], bodies: list[list[bytes]]) -> None:
    steps = [
        (one["transfers"][0], body)
        for call, contents in zip(opened, bodies, strict=True)
        for one, body in zip(call, contents, strict=True)
    ]
    place = urlsplit(steps[0][0]["url"])
    workers = await connections(f"{place.scheme}://{place.netloc}", "", 16)

    async def put(worker: Connection, number: int) -> None:
        step, body = steps[number]
        parts = urlsplit(step["url"])
        headers = {k: v for k, v in step["headers"].items() if k.lower() != "content-length"}
        status, answer = await worker.send("PUT", f"{parts.path}?{parts.query}", headers, body)
        if status != 200:
            raise SystemExit(f"PUT: {status} {answer!r}")

    await spread(workers, put, len(steps))
    for worker in workers:
        worker.close()
