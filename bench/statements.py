"""What a statement costs the daemon's processor: microseconds of CPU, without PostgreSQL's own.

Run: ``python -m bench.statements``. One SELECT by key in a read, eight of them in a transaction;
alone, and by eight tasks at once. The least of five rounds, since neighbours only ever add.
"""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import trio

from bitvault.drivers import aio
from bitvault.drivers.postgres.pool import PostgresDatabase, open_database
from bitvault.drivers.postgres.port import Query, Transaction
from bitvault.drivers.postgres.sessions import Limits
from bitvault.kernel.ids import TenantId
from tests.support.postgres import make_template, running_server

_SELECT = Query("select", "SELECT value FROM item WHERE id = $1", ("key",))
_FILL = """
    CREATE TABLE item AS SELECT id, md5(id::text) AS value FROM generate_series(1, 1000) id;
    ALTER TABLE item ADD PRIMARY KEY (id); ANALYZE item; GRANT SELECT ON item TO PUBLIC;
"""
_TENANT = TenantId(UUID(int=1))
_TASKS, _ROUNDS, _TIMES, _STATEMENTS = 8, 5, 400, 8


async def _measure(once: Callable[[], Awaitable[object]], tasks: int) -> float:
    async def again() -> None:
        for _ in range(_TIMES // tasks):
            await once()

    started = time.process_time()
    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(again)
    return (time.process_time() - started) / _TIMES * 1e6


async def _figures(dsn: str) -> dict[str, float]:
    async with aio.open_loop(), open_database(dsn, Limits(size=_TASKS)) as database:
        cases = {
            f"{name}, {tasks} task{'s' * (tasks > 1)}": (once, tasks)
            for name, once in _cases(database).items()
            for tasks in (1, _TASKS)
        }
        for once, _ in cases.values():
            await _measure(once, _TASKS)  # opens the sessions, prepares the statements
        rounds = [
            {name: await _measure(*case) for name, case in cases.items()} for _ in range(_ROUNDS)
        ]
    return {name: min(each[name] for each in rounds) for name in cases}


def _cases(database: PostgresDatabase) -> dict[str, Callable[[], Awaitable[object]]]:
    async def one(tx: Transaction) -> None:
        await tx.fetchrow(_SELECT, key=1)

    async def many(tx: Transaction) -> None:
        for key in range(_STATEMENTS):
            await tx.fetchrow(_SELECT, key=key + 1)

    return {
        "read": lambda: database.read(_TENANT, one),
        f"transaction of {_STATEMENTS}": lambda: database.transact(_TENANT, many),
    }


def main() -> None:
    """Print one line for each case."""
    with running_server() as server:
        make_template(server)  # for the roles that the pool takes
        server.run(_FILL)
        for name, cost in trio.run(_figures, server.dsn()).items():
            print(f"{name:30} {cost:6.0f} µs")


if __name__ == "__main__":
    main()
