"""Every row a daemon keeps, read past it: what a refused request must not have changed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

from bitvault.services import SERVICES
from tests.support.daemon import Daemon, eventually

_NAMES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname <> ALL(ARRAY['pg_catalog', 'information_schema']) ORDER BY 1
"""
_USE = "ARRAY['last_used_at', 'idle_expires_at']"
"""Columns that note the use of a token, which a refused request is."""
_BEHIND = """
    SELECT count(*) FROM outbox.tenant_seq s CROSS JOIN unnest($1::text[]) AS w (name)
    LEFT JOIN outbox.consumer_cursor c ON c.tenant_id = s.tenant_id AND c.consumer = w.name
    WHERE coalesce(c.applied, 0) < s.last
    UNION ALL SELECT count(*) FROM notifier.mail WHERE state = 'queued'
"""
_UNWRITTEN = b'bitvault_child_statistic{name="waiting",path="root/workers/downloads"} 0.0'
_SOURCES = {
    "audit.entry": "(SELECT * FROM audit.entry WHERE kind <> 'session.refused')",
    "outbox.event": "(SELECT * FROM outbox.event WHERE kind <> 'session.refused')",
    "outbox.tenant_seq": """
        (SELECT tenant_id, epoch, last - (
            SELECT count(*) FROM outbox.event e
            WHERE e.tenant_id = s.tenant_id AND kind = 'session.refused'
        ) AS last FROM outbox.tenant_seq s)""",
    "outbox.lease": "(SELECT * FROM outbox.lease WHERE false)",
    "outbox.consumer_cursor": """
        (SELECT tenant_id, consumer, applied - (
            SELECT count(*) FROM outbox.event e
            WHERE e.tenant_id = s.tenant_id AND kind = 'session.refused' AND seq <= s.applied
        ) AS applied FROM outbox.consumer_cursor s)""",
}
"""Tables without what an earlier request tells at any time: wrong passwords, once their minute is
over."""


def dump(daemon: Daemon) -> Mapping[str, list[str]]:
    """Return every table's rows as text, sorted, once all that writes later is at rest."""
    select = "SELECT {name!r} AS name, ({row})::text AS line FROM {source} t"
    found: dict[str, list[str]] = {}
    for name, line in _of_every_table(daemon, select, " ORDER BY 1, 2"):
        found.setdefault(name, []).append(line)
    return found


def _digests(daemon: Daemon) -> Mapping[str, tuple[int, int]]:
    """Return how many rows each table has, and the sum of their hashes."""
    select = (
        "SELECT {name!r}, count(*), coalesce(sum(hashtextextended(({row})::text, 0)), 0)"
        " FROM {source} t"
    )
    return {name: (rows, total) for name, rows, total in _of_every_table(daemon, select)}


def _of_every_table(daemon: Daemon, select: str, order: str = "") -> Sequence[tuple[Any, ...]]:
    readers = ["relay", *(name for each in SERVICES for name in each.consumers)]
    eventually(lambda: daemon.rows(_BEHIND, readers) == [(0,), (0,)], 20)
    eventually(lambda: _UNWRITTEN in _metrics(daemon), 20)
    parts = [
        select.format(name=name, row=f"to_jsonb(t) - {_USE}", source=_SOURCES.get(name, name))
        for (name,) in daemon.rows(_NAMES)
    ]
    return daemon.rows(" UNION ALL ".join(parts) + order)


def _metrics(daemon: Daemon) -> bytes:
    with urlopen(f"{daemon.url}/metrics", timeout=20) as answer:  # noqa: S310 - of our own daemon
        content: bytes = answer.read()
        return content


@contextmanager
def changes(daemon: Daemon) -> Iterator[list[str]]:
    """Yield a list that afterwards names the tables in which rows changed."""
    changed: list[str] = []
    before = _digests(daemon)
    yield changed
    after = _digests(daemon)
    changed += [name for name in after if before[name] != after[name]]


@contextmanager
def unchanged(daemon: Daemon) -> Iterator[None]:
    """Prove that what happens inside changes no row of any table."""
    with changes(daemon) as changed:
        yield
    assert not changed, f"rows changed in {changed}"
