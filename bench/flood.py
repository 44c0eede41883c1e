"""A flood of logins: what somebody else's request takes meanwhile, against what it takes alone.

The wrong passwords come from one address, and then from a new one each: then nothing but the
number of hashes at once stands between the flood and the machine.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import uvloop
from attrs import define, field

from bench.daemon import Daemon, running
from bench.rest import Connection, connections
from bench.table import Row

FLOOD, OTHERS = 200, 60
"""Requests a second, sent when they are due whether or not the ones before are answered."""
SECONDS, ROUNDS = 3, 4
CONNECTIONS = 32
_PATH = "/v1/folders/children?path=/&limit=100"


def flood() -> Iterator[Row]:
    """Yield the rows, on a daemon that believes what a proxy says of addresses."""
    with running(BITVAULT_SERVER_TRUSTED_PROXIES="127.0.0.1/32") as daemon:
        for what, addresses in (("one address", _same), ("new addresses", _new)):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                flooded, idle = runner.run(_flood(daemon, addresses()))
            yield Row(
                f"p99 in {FLOOD} logins/s, {what}", f"{flooded * 1000:.1f} ms",
                f"idle {idle * 1000:.1f} ms", flooded / idle, "<= 2",
            )  # fmt: skip


def _same() -> Iterator[str]:
    while True:
        yield "192.0.2.1"


def _new() -> Iterator[str]:
    return (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in count(time.time_ns() >> 30))


@define
class _Load:
    """Requests at a steady rate over a few connections, each taken when it is free."""

    free: "asyncio.Queue[Connection]"
    taken: list[float] = field(factory=list)

    @classmethod
    async def over(cls, daemon: Daemon) -> "_Load":
        """Connect, and use each connection once: what is new is slow."""
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for worker in await connections(daemon.url, daemon.token, CONNECTIONS):
            free.put_nowait(worker)
        load = cls(free)
        await load.run(FLOOD, _greet, 1.0)
        return cls(free)

    async def run(
        self, rate: float, work: Callable[[Connection], Awaitable[object]], seconds: float = SECONDS
    ) -> None:
        """Send for some seconds; note how long each took from when it was due."""
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = begin + number / rate
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(self._one(work, due))

    async def _one(self, work: Callable[[Connection], Awaitable[object]], due: float) -> None:
        worker = await self.free.get()
        try:
            await work(worker)
        finally:
            self.free.put_nowait(worker)
        self.taken.append(time.perf_counter() - due)


async def _greet(worker: Connection) -> None:
    await worker.json("GET", _PATH)


async def _flood(daemon: Daemon, addresses: Iterator[str]) -> tuple[float, float]:
    """Return the p99 of others during the flood and without it, each the median of some rounds."""
    tried, answers = count(), set()

    async def guess(worker: Connection) -> None:
        fields = {"X-Forwarded-For": next(addresses), "Content-Type": "application/json"}
        body = f'{{"login": "nobody{next(tried)}", "password": "a wrong password"}}'
        status, _ = await worker.send("POST", "/v1/sessions", fields, body.encode())
        answers.add(status)

    idle, flooded = [], []
    for _ in range(ROUNDS):
        others = await _Load.over(daemon)
        await others.run(OTHERS, _greet)
        idle.append(_p99(others.taken))
        others, guesses = await _Load.over(daemon), await _Load.over(daemon)
        async with asyncio.TaskGroup() as group:
            group.create_task(guesses.run(FLOOD, guess))
            group.create_task(others.run(OTHERS, _greet))
        flooded.append(_p99(others.taken))
    if not answers & {401, 429, 503} or not answers <= {401, 429, 503}:
        raise SystemExit(f"the flood was answered {answers}")
    return statistics.median(flooded), statistics.median(idle)


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]
