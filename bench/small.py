"""Five thousand files of 4 KiB by the CLI, against boto3 with the same parallelism."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

from bench.daemon import Daemon
from bench.large import store_client
from bench.table import Row, medians

FILES = 5000
SIZE = 4096
JOBS = 8
RUNS = 3


def small(daemon: Daemon, here: Path) -> Iterator[Row]:
    """Yield the row."""
    numbers, client = count(), store_client(daemon)
    trees = [_tree(here / f"small-{run}") for run in range(RUNS)]
    waiting = iter(trees)

    def by_cli() -> None:
        tree = next(waiting)
        daemon.cli("put", "-r", "-j", str(JOBS), tree, f"/small-{next(numbers)}")

    def by_boto3() -> None:
        prefix = f"bench/small-{next(numbers)}/"
        with ThreadPoolExecutor(JOBS) as pool:
            for _ in pool.map(lambda path: _put(client, prefix, path), sorted(trees[0].iterdir())):
                pass

    ours, bare = medians(by_cli, by_boto3, RUNS)
    rates = FILES / ours, FILES / bare
    measured, baseline = f"{rates[0]:.0f} files/s", f"boto3 {rates[1]:.0f} files/s"
    yield Row(f"put {FILES} x 4 KiB", measured, baseline, rates[0] / rates[1], ">= 0.5")


def _tree(folder: Path) -> Path:
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:05}.bin").write_bytes(os.urandom(SIZE))
    return folder


def _put(client: Any, prefix: str, path: Path) -> None:
    client.put_object(Bucket="bitvault", Key=prefix + path.name, Body=path.read_bytes())
