"""Five thousand files of 4 KiB up and down by the CLI, against boto3 with the same parallelism."""

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
    """Yield the rows for a tree up and down."""
    numbers, client = count(), store_client(daemon)
    trees = [_tree(here / f"small-{run}") for run in range(RUNS)]
    waiting, prefixes = iter(trees), list[str]()

    def by_cli() -> None:
        tree = next(waiting)
        daemon.cli("put", "-r", "-j", str(JOBS), tree, f"/small-{next(numbers)}")

    def by_boto3() -> None:
        prefix = f"bench/small-{next(numbers)}/"
        prefixes.append(prefix)
        with ThreadPoolExecutor(JOBS) as pool:
            for _ in pool.map(lambda path: _put(client, prefix, path), sorted(trees[0].iterdir())):
                pass

    yield _row("put", medians(by_cli, by_boto3, RUNS), ">= 1.5")

    def back_by_cli() -> None:
        daemon.cli("get", "-r", "-j", str(JOBS), "/small-0", here / f"back-{next(numbers)}")

    def back_by_boto3() -> None:
        folder = here / f"back-{next(numbers)}"
        folder.mkdir()
        names = [path.name for path in sorted(trees[0].iterdir())]
        with ThreadPoolExecutor(JOBS) as pool:
            for _ in pool.map(lambda name: _get(client, prefixes[0] + name, folder / name), names):
                pass

    yield _row("get", medians(back_by_cli, back_by_boto3, RUNS), ">= 1.0")


def _row(verb: str, seconds: tuple[float, float], bar: str) -> Row:
    ours, bare = (FILES / one for one in seconds)
    measured, baseline = f"{ours:.0f} files/s", f"boto3 {bare:.0f} files/s"
    return Row(f"{verb} {FILES} x 4 KiB", measured, baseline, ours / bare, bar)


def _tree(folder: Path) -> Path:
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:05}.bin").write_bytes(os.urandom(SIZE))
    return folder


def _put(client: Any, prefix: str, path: Path) -> None:
    client.put_object(Bucket="bitvault", Key=prefix + path.name, Body=path.read_bytes())


def _get(client: Any, key: str, target: Path) -> None:
    target.write_bytes(client.get_object(Bucket="bitvault", Key=key)["Body"].read())
