"""Prometheus metrics: requests are counted here, the tree is read when it is scraped."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import attrs
import trio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bitvault.edge.capacity import Capacity
from bitvault.edge.disk import DiskReserve
from bitvault.edge.places import Places
from bitvault.kernel.dependencies import Dependencies
from supervisors import ChildStatus

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_FRESH = 0.1
"""Seconds that a text is shown again: so scraping costs little, however often it is done."""
_BEHIND = {
    "lag_events": "Events it has not applied, over all tenants.",
    "lag_seconds": "Age of the oldest of them.",
    "dead_letters": "Events it gave up, and those that wait behind them.",
}


_FOUND = {
    "up": "1 if it answered when it was last asked.",
    "seconds": "Time it took to answer, or to be given up.",
    "age_seconds": "Time since it was last asked.",
}
_GATES = {
    "requests": "Requests in work now.",
    "hashing": "Requests in work now that hash a password.",
    "bodies": "Bytes of request bodies held now.",
    "connections": "Connections held now.",
    "answers": "Bytes of large answers held now until their clients have taken them.",
}


class Metrics:
    """The counts of one edge, in a registry of its own."""

    def __init__(
        self,
        tree: Callable[[], ChildStatus],
        reserve: DiskReserve,
        capacity: Capacity,
        dependencies: Dependencies,
    ) -> None:
        self.registry = CollectorRegistry()
        self._rendered, self._rendered_at = b"", -math.inf
        self._series = dict[tuple[str, str, int], tuple[Counter, Histogram]]()
        self._requests = Counter(
            "bitvault_http_requests",
            "Requests answered.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "bitvault_http_request_seconds",
            "Time to answer.",
            ["route", "method"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Tree(tree))
        self.registry.register(_Dependencies(dependencies))
        for name, gate in attrs.asdict(capacity, recurse=False).items():
            inside = Gauge(f"bitvault_http_{name}_inside", _GATES[name], registry=self.registry)
            inside.set_function(partial(getattr, gate, "inside"))
            refused = Gauge(
                f"bitvault_http_{name}_refused",
                f"How often a client was refused because {name} had no room.",
                registry=self.registry,
            )
            refused.set_function(partial(getattr, gate, "refused"))
            if isinstance(gate, Places):
                ended = Gauge(
                    f"bitvault_http_{name}_ended",
                    f"Clients cut off because {name} had no room for another.",
                    registry=self.registry,
                )
                ended.set_function(partial(getattr, gate, "ended"))
        if reserve.keep:
            free = Gauge("bitvault_disk_free_bytes", "Free on the disk.", registry=self.registry)
            free.set_function(reserve.free)

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer; ``route`` is a template, so that the labels stay few."""
        key = (route, method, status)
        if (series := self._series.get(key)) is None:
            answered = self._requests.labels(route, method, str(status))
            series = self._series[key] = answered, self._seconds.labels(route, method)
        series[0].inc()
        series[1].observe(seconds)

    def recent(self) -> bytes:
        """Return the text, made a moment ago at most: anybody here may ask, and it is expensive."""
        now = trio.current_time()
        if now - self._rendered_at >= _FRESH:
            self._rendered, self._rendered_at = self.render(), now
        return self._rendered

    def render(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)


class _Tree(Collector):
    def __init__(self, tree: Callable[[], ChildStatus]) -> None:
        self._tree = tree

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("bitvault_child_up", "1 if it runs.", labels=["path"])
        restarts = GaugeMetricFamily("bitvault_child_restarts", "Restarts.", labels=["path"])
        counts = GaugeMetricFamily(
            "bitvault_child_statistic",
            "What a child counts: mailbox.queued, lag, a pool's use.",
            labels=["path", "name"],
        )
        behind = [
            GaugeMetricFamily(f"bitvault_consumer_{name}", text, labels=["consumer"])
            for name, text in _BEHIND.items()
        ]
        for child in walk(self._tree()):
            up.add_metric([child.path], float(child.state == "running"))
            restarts.add_metric([child.path], child.restarts)
            for name, value in numbers(statistics_of(child)):
                counts.add_metric([child.path, name], value)
            if (lag := lag_of(child)) is not None:
                for gauge, value in zip(behind, attrs.astuple(lag), strict=True):
                    gauge.add_metric([child.id], value)
        yield from (up, restarts, counts, *behind)


class _Dependencies(Collector):
    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        now = trio.current_time()
        up, seconds, age = (
            GaugeMetricFamily(f"bitvault_dependency_{name}", text, labels=["dependency"])
            for name, text in _FOUND.items()
        )
        for one in self._dependencies.all():
            up.add_metric([one.dependency], float(one.is_up(now)))
            seconds.add_metric([one.dependency], one.seconds)
            age.add_metric([one.dependency], now - one.at)
        yield from (up, seconds, age)


@attrs.frozen
class Lag:
    """What a consumer says of itself: events behind, age of the oldest in seconds, dead letters."""

    events: int
    seconds: float
    dead_letters: int


def lag_of(child: ChildStatus) -> Lag | None:
    """Return how far a child is behind, if it is a consumer that has looked."""
    counted = statistics_of(child) or {}
    if "lag" not in counted:
        return None
    return Lag(counted["lag"], counted.get("lag_seconds", 0.0), counted.get("dead", 0))


def walk(child: ChildStatus) -> Iterator[ChildStatus]:
    """Yield a child and all below it, in start order."""
    yield child
    for below in child.children:
        yield from walk(below)


def statistics_of(child: ChildStatus) -> dict[str, Any] | None:
    """Return what a child counts as plain values."""
    counted = child.statistics
    if attrs.has(type(counted)):
        return attrs.asdict(counted)  # type: ignore[arg-type]  # attrs.has does not narrow
    return dict(counted) if isinstance(counted, dict) else None


def numbers(counted: dict[str, Any] | None, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers among statistics, nested names joined by dots."""
    for name, value in (counted or {}).items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", float(value)
