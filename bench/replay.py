"""The same SQL by bare asyncpg on uvloop: every value that must be new is new for each pair."""

import asyncio
import hashlib
import re
import time
import uuid
from typing import Any

import asyncpg
import uvloop
from attrs import define, field

from bench.recording import Recording, Unit
from bitvault.drivers.postgres.sessions import prepare_session

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TOKEN = re.compile(r"[0-9A-Za-z]{20,}")


@define(eq=False)
class Fresh:
    """Maps recorded values to new ones, the same everywhere within one pair."""

    stays: frozenset[uuid.UUID]
    salt: str
    _ids: dict[uuid.UUID, uuid.UUID] = field(factory=dict)

    def value(self, given: Any) -> Any:
        """Return a value with everything that must be unique replaced."""
        match given:
            case uuid.UUID():
                return self._id(given)
            case str():
                told = _UUID.sub(lambda found: str(self._id(uuid.UUID(found[0]))), given)
                return told if told != given else _TOKEN.sub(self._token, given)
            case bytes():
                return hashlib.sha256(self.salt.encode() + given).digest()[: len(given)]
            case list() | tuple():
                return [self.value(one) for one in given]
            case dict():
                return {key: self.value(one) for key, one in given.items()}
            case _:
                return given

    def _id(self, given: uuid.UUID) -> uuid.UUID:
        if given in self.stays:
            return given
        return self._ids.setdefault(given, uuid.uuid4())

    def _token(self, found: "re.Match[str]") -> str:
        digest = hashlib.sha256((self.salt + found[0]).encode()).hexdigest()
        return (digest * 4)[: len(found[0])]


def rate(dsn: str, recording: Recording, pairs: int, tasks: int, connections: int) -> float:
    """Return pairs a second; the arguments are prepared before the clock starts."""
    plans = [_plan(recording, f"{time.time_ns()} {number}") for number in range(pairs)]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_rate(dsn, plans, tasks, connections))


def _plan(recording: Recording, salt: str) -> list[tuple[Unit, list[Any]]]:
    fresh = Fresh(recording.stays, salt)
    return [
        (unit, [(sql, fresh.value(arguments)) for sql, arguments in unit.statements])
        for unit in recording.units
    ]


async def _rate(dsn: str, plans: list[Any], tasks: int, connections: int) -> float:
    async with asyncpg.create_pool(
        dsn, min_size=connections, max_size=connections, init=prepare_session, reset=_no_reset
    ) as pool:
        waiting = iter(plans)

        async def work() -> None:
            for plan in waiting:
                for unit, statements in plan:
                    await _unit(pool, unit, statements)

        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(work())
        return len(plans) / (time.perf_counter() - begin)


async def _unit(pool: Any, unit: Any, statements: list[tuple[str, list[Any]]]) -> None:
    async with pool.acquire() as connection:
        if unit.transaction:
            await connection.execute(f"BEGIN; SET LOCAL bitvault.tenant = '{unit.tenant}'")
        for sql, arguments in statements:
            await connection.fetch(sql, *arguments)
        if unit.transaction:
            await connection.execute("COMMIT")


async def _no_reset(_connection: object) -> None:
    """Leave out the pool's RESET, which the daemon's pool does not send either."""


def latencies(dsn: str, recording: Recording, count: int) -> list[float]:
    """Return the seconds that each of some runs took, one after the other."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_latencies(dsn, _plan(recording, ""), count))


async def _latencies(dsn: str, plan: list[Any], count: int) -> list[float]:
    times = []
    async with asyncpg.create_pool(
        dsn, min_size=1, max_size=1, init=prepare_session, reset=_no_reset
    ) as pool:
        for _ in range(count):
            begin = time.perf_counter()
            for unit, statements in plan:
                await _unit(pool, unit, statements)
            times.append(time.perf_counter() - begin)
    return times
