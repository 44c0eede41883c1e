"""SELECT by key: what our pool on Trio costs beside bare asyncpg on asyncio's loop and on uvloop.

Run: ``python -m bench.aio [seconds]``. 32 tasks share 8 connections; figures are statements a
second, the best of three rounds taken in turn, so that a noisy neighbour hits all of them alike.
"""

import asyncio
import sys
import time
from collections.abc import Callable

import asyncpg
import trio
import uvloop

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import open_database
from bitvault.drivers.postgres.port import Query
from bitvault.drivers.postgres.sessions import Limits
from tests.support.postgres import make_template, running_server

_TASKS, _CONNECTIONS, _ROUNDS = 32, 8, 3
_SELECT = "SELECT value FROM item WHERE id = $1"
_FILL = """
    CREATE TABLE item AS SELECT id, md5(id::text) AS value FROM generate_series(1, 1000) id;
    ALTER TABLE item ADD PRIMARY KEY (id); ANALYZE item; GRANT SELECT ON item TO PUBLIC;
"""


async def _on_asyncio(dsn: str, seconds: float) -> float:
    async with asyncpg.create_pool(
        dsn, min_size=_CONNECTIONS, max_size=_CONNECTIONS, reset=_no_reset
    ) as pool:
        end, done = time.perf_counter() + seconds, [0]

        async def task(key: int) -> None:
            while time.perf_counter() < end:
                async with pool.acquire() as connection:
                    await connection.fetchrow(_SELECT, key)
                done[0] += 1

        await asyncio.gather(*(task(key + 1) for key in range(_TASKS)))
    return done[0] / seconds


async def _no_reset(_connection: object) -> None:
    """Leave out the pool's RESET, which the other contenders do not send either."""


async def _on_trio(dsn: str, seconds: float) -> float:
    query = Query("select", _SELECT, ("key",))
    async with aio.open_loop(), open_database(dsn, Limits(size=_CONNECTIONS)) as database:
        end, done = time.perf_counter() + seconds, [0]

        async def task(key: int) -> None:
            while time.perf_counter() < end:
                await database.read(None, lambda tx: tx.fetchrow(query, key=key))
                done[0] += 1

        async with trio.open_nursery() as nursery:
            for key in range(_TASKS):
                nursery.start_soon(task, key + 1)
    return done[0] / seconds


def _bare(factory: Callable[[], asyncio.AbstractEventLoop], dsn: str, seconds: float) -> float:
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_on_asyncio(dsn, seconds))


def main() -> None:
    """Print one line for each loop, the ratio to asyncio last."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with running_server() as server:
        make_template(server)  # for the roles that the pool takes
        server.run(_FILL)
        dsn = server.dsn()
        contenders: dict[str, Callable[[], float]] = {
            "asyncio": lambda: _bare(asyncio.SelectorEventLoop, dsn, seconds),
            "uvloop": lambda: _bare(uvloop.new_event_loop, dsn, seconds),
            "our pool": lambda: trio.run(_on_trio, dsn, seconds),
        }
        best = dict.fromkeys(contenders, 0.0)
        for _ in range(_ROUNDS):
            for name, run in contenders.items():
                best[name] = max(best[name], run())
    for name, rate in best.items():
        print(f"{name:15} {rate:8.0f}/s  {rate / best['asyncio']:5.2f}")


if __name__ == "__main__":
    main()
