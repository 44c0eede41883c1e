"""The daemon of now against that of an older commit, in turn on one machine.

Both run at the same time with a data folder each, and are measured in alternating rounds, so that
what else the machine does hits both. A ratio is the older figure over the present one, each the
lower quartile of its rounds: neighbours only ever add.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import uvloop
from attrs import asdict, define, field, frozen

from bench.commit_path import over_rest
from bench.daemon import Daemon, started
from bench.rest import connections, spread

_LEAST_ROUNDS = 5
_READERS, _READS, _PAGE = 8, 400, 100
_HZ = os.sysconf("SC_CLK_TCK")
_EPILOG = """
Fails (exit 1) when a ratio is under its bar; the bars are for 4eeb14a.

The older daemon runs from `git archive REV`, with the libraries of the present environment. Where
they do not fit it any more, make a virtual environment from its own requirements/run.txt, and give
its folder of programs with --bin.

example: python -m bench versus 4eeb14a --rounds 9
"""


@frozen
class Cost:
    """What one call took: seconds of the clock, and of processors."""

    time: float
    daemon: float
    """Of ``bitvaultd`` alone."""
    processes: float
    """With PostgreSQL and the object store."""


@frozen
class Verdict:
    """One measure, older over present; what is judged is the daemon's CPU and the time."""

    what: str
    before: Cost
    now: Cost
    bar: float

    @property
    def ratios(self) -> Mapping[str, float]:
        """Return how many times more the older one took."""
        before, now = asdict(self.before), asdict(self.now)
        return {name: before[name] / now[name] for name in before}

    @property
    def is_met(self) -> bool:
        """Whether the present one is as much better as it has to be."""
        return min(self.ratios["time"], self.ratios["daemon"]) >= self.bar


@define(eq=False)
class Side:
    """One of the two daemons, with a folder of files to read."""

    daemon: Daemon
    folder: str = ""
    files: Sequence[str] = ()
    costs: dict[str, list[Cost]] = field(factory=dict)

    def measure(self, what: str, calls: int, work: Callable[["Side"], float]) -> None:
        """Note the cost of one of some calls; ``work`` returns the seconds they took."""
        daemon, everything = _cpu(self.daemon.pid), _cpu_of_all(self.daemon)
        seconds = work(self)
        daemon = _cpu(self.daemon.pid) - daemon
        everything = _cpu_of_all(self.daemon) - everything
        cost = Cost(seconds / calls, daemon / calls, everything / calls)
        self.costs.setdefault(what, []).append(cost)

    def typical(self, what: str) -> Cost:
        """Return the lower quartile of what was noted."""
        rounds = [asdict(cost) for cost in self.costs[what]]
        return Cost(**{name: _quartile([one[name] for one in rounds]) for name in rounds[0]})


def _quartile(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=4, method="inclusive")[0]


def _single(side: Side) -> float:
    return 320 / over_rest(side.daemon, 320, 1)


def _batch(side: Side) -> float:
    return 800 / over_rest(side.daemon, 8, 100)


def _content(side: Side) -> float:
    paths = [f"/v1/files/{one}/content" for one in side.files]
    return _read(side, [paths[n % len(paths)] for n in range(_READS)])


def _children(side: Side) -> float:
    return _read(side, [f"/v1/folders/{side.folder}/children?limit={_PAGE}"] * _READS)


_MEASURES: tuple[tuple[str, int, Callable[[Side], float], float], ...] = (
    ("init+commit, single", 320, _single, 2.0),
    ("init+commit, batch of 100", 800, _batch, 1.2),
    ("GET content", _READS, _content, 1.8),
    (f"page of {_PAGE} children", _READS, _children, 1.4),
)


def versus(arguments: Sequence[str]) -> int:
    """Measure as the command line says; return the exit code."""
    asked = _parser().parse_args(arguments)
    with ExitStack() as stack:
        source = stack.enter_context(_source_of(asked.revision))
        _check(asked.bin, source)
        sides = (
            Side(stack.enter_context(started({}, source, asked.bin))),
            Side(stack.enter_context(started({}))),
        )
        for side in sides:
            _fill(side)
        for turn in range(asked.rounds + 1):  # the first one warms up
            for what, calls, work, _ in _MEASURES:
                for side in sides[:: -1 if turn % 2 else 1]:
                    side.measure(what, calls, work)
        for side in sides:
            side.costs = {what: costs[1:] for what, costs in side.costs.items()}
        before, now = sides
        verdicts = [
            Verdict(what, before.typical(what), now.typical(what), bar)
            for what, _, _, bar in _MEASURES
        ]
    _show(verdicts, as_json=asked.json)
    return 0 if all(one.is_met for one in verdicts) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench versus",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("revision", metavar="REV", help="the older commit")
    parser.add_argument("--rounds", type=_rounds, default=7, help="alternating rounds (7)")
    parser.add_argument(
        "--bin",
        type=Path,
        default=Path(sys.executable).parent,
        metavar="FOLDER",
        help="has the bitvaultd of the older one (that of this environment)",
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects instead")
    return parser


def _rounds(text: str) -> int:
    number = int(text)
    if number < _LEAST_ROUNDS:
        raise argparse.ArgumentTypeError(f"at least {_LEAST_ROUNDS}")
    return number


@contextmanager
def _source_of(revision: str) -> Iterator[Path]:
    """Yield a folder with the tree of a commit."""
    archive = subprocess.run(["git", "archive", revision], capture_output=True, check=False)
    if archive.returncode:
        raise SystemExit(archive.stderr.decode().strip())
    with tempfile.TemporaryDirectory(prefix="bitvault-versus-") as folder:
        Path(folder).chmod(0o755)
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def _check(binaries: Path, source: Path) -> None:
    """Make sure that it is the older one that runs."""
    code = "import bitvault; print(bitvault.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    found = subprocess.run(
        [binaries / "python", "-c", code], cwd=source, env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    if not Path(found.stdout.strip()).is_relative_to(source):
        raise SystemExit(f"{found.stdout.strip()} would run, not what is in {source}")


def _fill(side: Side) -> None:
    """Make a folder with a page of files that have content."""
    body = {"path": "/page"}
    (made,) = _run(side, lambda worker, _: worker.json("POST", "/v1/folders", body), 1)
    over_rest(side.daemon, 1, _PAGE, "/page")
    side.folder = made["node"]["id"]
    path = f"/v1/folders/{side.folder}/children?limit={_PAGE}"
    (page,) = _run(side, lambda worker, _: worker.json("GET", path), 1)
    side.files = [one["id"] for one in page["items"]]
    assert len(side.files) == _PAGE


def _read(side: Side, paths: Sequence[str]) -> float:
    begin = time.perf_counter()
    _run(side, lambda worker, n: worker.json("GET", paths[n]), len(paths))
    return time.perf_counter() - begin


def _run(side: Side, work: Callable[[Any, int], Awaitable[Any]], count: int) -> list[Any]:
    async def run() -> list[Any]:
        workers = await connections(side.daemon.url, side.daemon.token, _READERS)
        try:
            return await spread(workers, work, count)
        finally:
            for worker in workers:
                worker.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def _cpu(pid: int, *, with_children: bool = False) -> float:
    """Return the seconds of CPU of a process, and of children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_children else 13])) / _HZ


def _cpu_of_all(daemon: Daemon) -> float:
    """Return that of all processes that serve a data folder, and of what they have started."""
    parents: dict[int, int] = {}
    ours = {daemon.pid}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            stat = (entry / "stat").read_text(encoding="utf-8")
        except OSError:
            continue  # it has ended meanwhile
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        if str(daemon.data).encode() in words:
            ours.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(_cpu_if_there(pid) for pid in ours)


def _cpu_if_there(pid: int) -> float:
    try:
        return _cpu(pid, with_children=True)
    except OSError:
        return 0.0


def _show(verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_members(one) for one in verdicts], indent=2))
        return
    print(f"{'per call':28}{'daemon':>20}{'':7}{'time':>20}{'':7}{'all':>6}   bar")
    for one in verdicts:
        cpu = f"{one.before.daemon * 1e6:.0f} -> {one.now.daemon * 1e6:.0f} µs"
        clock = f"{one.before.time * 1e6:.0f} -> {one.now.time * 1e6:.0f} µs"
        ratios = one.ratios
        verdict = "ok" if one.is_met else "MISSED"
        print(
            f"{one.what:28}{cpu:>20}{ratios['daemon']:6.2f}x{clock:>20}{ratios['time']:6.2f}x"
            f"{ratios['processes']:5.2f}x   >= {one.bar:.1f} {verdict}"
        )


def _members(one: Verdict) -> Mapping[str, Any]:
    figures = asdict(one, recurse=True)
    return {**figures, "ratios": one.ratios, "met": one.is_met}
