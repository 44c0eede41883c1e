"""Nothing may cost more because a folder is large: the same calls on small and large folders.

The folders are filled by one INSERT each, with rows like those that 300,000 calls would leave.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import uvloop

from bench.daemon import Daemon
from bench.rest import Connection, connections
from bench.table import Row
from bitvault.drivers.postgres.embedded import prepare

SMALL_TREE, LARGE_TREE = 10, 100_000
SMALL_FOLDER, LARGE_FOLDER = 200, 200_000
RUNS = 30
_FILL = """
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, created_at,
                            modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), node_id, 'folder', to_char(n, 'FM0000000'),
           to_char(n, 'FM0000000'), created_at, modified_at, modified_by
    FROM files.node, generate_series(1, $2::int) AS n WHERE node_id = $1
"""


def growth(daemon: Daemon) -> Iterator[Row]:
    """Yield the rows; the large folders are made first, in the database."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield from runner.run(_growth(daemon))


async def _growth(daemon: Daemon) -> list[Row]:
    (worker,) = await connections(daemon.url, daemon.token, 1)
    database = await asyncpg.connect(prepare(daemon.data / "postgres").dsn())
    ids = {}
    sizes = {"s-tree": SMALL_TREE, "l-tree": LARGE_TREE}
    sizes |= {"s-list": SMALL_FOLDER, "l-list": LARGE_FOLDER}
    for name, count in sizes.items():
        ids[name] = await _fill(worker, database, name, count)
    await database.execute("ANALYZE files.node")
    await database.close()

    async def rename(name: str, turn: int) -> None:
        await worker.json("PATCH", f"/v1/files/{ids[name]}", {"name": f"{name}-{turn}"})

    async def first_page(name: str, _turn: int) -> None:
        await worker.json("GET", f"/v1/folders/{ids[name]}/children?limit=100")

    rows = [
        await _compare(f"rename folder of {LARGE_TREE}", rename, "s-tree", "l-tree", "<= 1.5"),
        await _compare(f"first page of {LARGE_FOLDER}", first_page, "s-list", "l-list", "<= 2"),
    ]
    worker.close()
    return rows


async def _fill(worker: Connection, database: asyncpg.Connection, name: str, count: int) -> str:
    made = await worker.json("POST", "/v1/folders", {"path": f"/{name}"})
    parent: str = made["node"]["id"]
    await database.execute(_FILL, uuid.UUID(parent), count)
    return parent


async def _compare(
    what: str, call: Callable[[str, int], Awaitable[Any]], small: str, large: str, bar: str
) -> Row:
    times: dict[str, list[float]] = {small: [], large: []}
    for turn in range(RUNS):
        for name in (small, large):
            begin = time.perf_counter()
            await call(name, turn)
            times[name].append(time.perf_counter() - begin)
    few, many = statistics.median(times[small]), statistics.median(times[large])
    return Row(what, f"{many * 1000:.1f} ms", f"small {few * 1000:.1f} ms", many / few, bar)
