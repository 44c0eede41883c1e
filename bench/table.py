"""Rows of the table: a figure, its baseline, the ratio and the bar."""

import statistics
import time
from collections.abc import Callable

from attrs import frozen


@frozen
class Row:
    """One line; ``bar`` is such as ``>= 0.20`` or ``<= 1.15``; empty for quoted figures."""

    what: str
    measured: str
    baseline: str = ""
    ratio: float | None = None
    bar: str = ""

    @property
    def verdict(self) -> str:
        """Say whether the bar is met."""
        if not self.bar or self.ratio is None:
            return ""
        sign, limit = self.bar.split()
        met = self.ratio >= float(limit) if sign == ">=" else self.ratio <= float(limit)
        return "ok" if met else "MISSED"


def show(row: Row) -> None:
    """Print a row as soon as it is known."""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    print(
        f"{row.what:34}{row.measured:>22}{row.baseline:>22}{ratio:>8}  {row.bar:9}{row.verdict}",
        flush=True,
    )


def head() -> None:
    """Print the heading."""
    print(f"{'what':34}{'measured':>22}{'baseline':>22}{'ratio':>8}  {'bar':9}verdict", flush=True)


def seconds(work: Callable[[], object]) -> float:
    """Time one run."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def medians(
    work: Callable[[], object],
    baseline: Callable[[], object],
    runs: int,
    before: Callable[[], object] = lambda: None,
) -> tuple[float, float]:
    """Time both, alternating so that drift hits both; return the medians in seconds.

    ``before`` runs before each of them, untimed.
    """
    times = [(_timed(work, before), _timed(baseline, before)) for _ in range(runs)]
    return statistics.median(a for a, _ in times), statistics.median(b for _, b in times)


def _timed(work: Callable[[], object], before: Callable[[], object]) -> float:
    before()
    return seconds(work)
