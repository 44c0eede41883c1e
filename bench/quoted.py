"""Figures that are quoted, and the start of the command line."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from bench.commit_path import CLIENTS, over_rest
from bench.daemon import BIN, Daemon
from bench.rest import connections
from bench.table import Row, medians
from bitvault.drivers.postgres.embedded import prepare

WARM_UP = 320
SECONDS = 10
POLL = 0.002


def quoted(daemon: Daemon) -> Iterator[Row]:
    """Yield memory, event lag, and the start of the CLI."""
    yield Row("memory of the idle daemon", f"{_resident(daemon.pid):.0f} MiB")
    peak = over_rest(daemon, WARM_UP, 1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        lags = runner.run(_lags(daemon, peak / 2))
    p50, p99 = statistics.median(lags), statistics.quantiles(lags, n=100)[98]
    measured = f"p99 {p99 * 1000:.0f} ms"
    yield Row("commit to audit row, half peak", measured, f"p50 {p50 * 1000:.0f} ms")
    words = [str(BIN / "bitvault"), "--help"]
    ours, bare = medians(lambda: _run(*words), lambda: _run(sys.executable, "-c", "pass"), 15)
    yield Row(
        "bitvault --help", f"{ours * 1000:.0f} ms", f"python {bare * 1000:.0f} ms", ours / bare,
        "<= 10",
    )  # fmt: skip


def _run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def _resident(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def _lags(daemon: Daemon, rate: float) -> list[float]:
    """Make folders at a steady rate; return the seconds until each had its audit row.

    A folder is a commit with one event, like a file's, and needs no bytes.
    """
    seen: dict[int, float] = {}
    stop = asyncio.Event()
    watcher = asyncio.create_task(_watch(daemon, seen, stop))
    answered: dict[int, float] = {}
    workers = await connections(daemon.url, daemon.token, CLIENTS)
    free: asyncio.Queue[Any] = asyncio.Queue()
    for worker in workers:
        free.put_nowait(worker)
    stamp, begin = time.time_ns(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * SECONDS)):
            await asyncio.sleep(begin + number / rate - time.perf_counter())
            group.create_task(_make(free, answered, f"/lag-{stamp}-{number}"))
    await asyncio.sleep(2)
    stop.set()
    await watcher
    for worker in workers:
        worker.close()
    return [max(0.0, _first(seen, seq) - at) for seq, at in answered.items()]


async def _make(free: "asyncio.Queue[Any]", answered: dict[int, float], path: str) -> None:
    worker = await free.get()
    made = await worker.json("POST", "/v1/folders", {"path": path})
    answered[int(made["eventId"].rpartition("-")[2])] = time.perf_counter()
    free.put_nowait(worker)


async def _watch(daemon: Daemon, seen: dict[int, float], stop: asyncio.Event) -> None:
    """Note when the audit trail reached each seq."""
    connection = await asyncpg.connect(prepare(daemon.data / "postgres").dsn())
    while not stop.is_set():
        reached = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM audit.entry")
        seen.setdefault(reached, time.perf_counter())
        await asyncio.sleep(POLL)
    await connection.close()


def _first(seen: dict[int, float], seq: int) -> float:
    return min(at for reached, at in seen.items() if reached >= seq)
