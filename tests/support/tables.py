"""Every row a daemon keeps, read past it: what a refused request must not have changed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.request import urlopen

from bitvault.workers import CONSUMERS
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
"""
_UNWRITTEN = b'bitvault_child_statistic{name="waiting",path="root/workers/downloads"} 0.0'
_UNSENT = "SELECT count(*) FROM notifier.mail WHERE state = 'queued'"


def dump(daemon: Daemon) -> Mapping[str, list[str]]:
    """Return every table's rows as text, sorted, once all that writes later is at rest."""
    readers = ["relay", *(consumer.name for consumer in CONSUMERS)]
    eventually(lambda: daemon.rows(_BEHIND, readers) == [(0,)], 20)
    eventually(lambda: daemon.rows(_UNSENT) == [(0,)], 20)
    eventually(lambda: _UNWRITTEN in _metrics(daemon), 20)
    names = [name for (name,) in daemon.rows(_NAMES)]
    selects = [
        f"SELECT '{name}' AS name, (to_jsonb(t) - {_USE})::text AS line FROM {name} t"  # noqa: S608 - quoted by format %I
        for name in names
    ]
    found: dict[str, list[str]] = {name: [] for name in names}
    for name, line in daemon.rows(" UNION ALL ".join(selects) + " ORDER BY 1, 2"):
        found[name].append(line)
    return found


def _metrics(daemon: Daemon) -> bytes:
    with urlopen(f"{daemon.url}/metrics", timeout=20) as answer:  # noqa: S310 - of our own daemon
        content: bytes = answer.read()
        return content


@contextmanager
def changes(daemon: Daemon) -> Iterator[list[str]]:
    """Yield a list that afterwards names the tables in which rows changed."""
    changed: list[str] = []
    before = dump(daemon)
    yield changed
    after = dump(daemon)
    changed += [name for name in after if before[name] != after[name]]


@contextmanager
def unchanged(daemon: Daemon) -> Iterator[None]:
    """Prove that what happens inside changes no row of any table."""
    with changes(daemon) as changed:
        yield
    assert not changed, f"rows changed in {changed}"
