"""Kill -9 while clients work: what was acknowledged is there, once, and a retry agrees.

The page cache survives a kill; what a power cut does to the store is tried in
``tests/objectd/test_power_cuts.py``.
"""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from attrs import define, field

from tests.support.daemon import Daemon, eventually, open_folder
from tests.support.uploads import commit, download, init, send

_CLIENTS = 3


@define(eq=False)
class Work:
    """What clients did in one life of the daemon, and what they were told."""

    round: int
    enough: int
    reached: threading.Event = field(factory=threading.Event)
    commits: dict[str, tuple[str, bytes, Any]] = field(factory=dict)
    """By idempotency key: upload, content, and the answer; None when none came."""
    moves: dict[str, tuple[str, str, Any]] = field(factory=dict)
    """By idempotency key: node, new name, and the answer."""

    def run(self, client: httpx.Client, who: int) -> None:
        """Upload, commit and rename until the daemon is gone."""
        for number in range(1000):
            name = f"{self.round}-{who}-{number}"
            try:
                self.one(client, name)
            except httpx.TransportError:
                return

    def one(self, client: httpx.Client, name: str) -> None:
        """Store one file, and rename it."""
        content = name.encode() * 1000
        opened = init(client, f"/cuts/{name}", content)
        send(opened["transfers"][0], content).raise_for_status()
        upload = opened["uploadId"]
        self.commits[f"c-{name}"] = (upload, content, None)
        told = commit(client, upload, content, f"c-{name}")
        self.commits[f"c-{name}"] = (upload, content, told.raise_for_status().json())
        node = told.json()["node"]["id"]
        self.moves[f"m-{name}"] = (node, f"{name}.moved", None)
        moved = move(client, node, f"{name}.moved", f"m-{name}")
        self.moves[f"m-{name}"] = (node, f"{name}.moved", moved.raise_for_status().json())
        if len(self.moves) >= self.enough:
            self.reached.set()


def move(client: httpx.Client, node: str, name: str, key: str) -> httpx.Response:
    """Rename a node."""
    headers = {"Idempotency-Key": key}
    return client.patch(f"/v1/files/{node}", json={"name": name}, headers=headers)


@pytest.fixture(scope="module")
def cut() -> Iterator[Daemon]:
    """Have one data folder that outlives every kill."""
    with open_folder() as folder:
        daemon = Daemon(folder).start()
        yield daemon
        daemon.stop()


@pytest.mark.parametrize("after", [1, 7, 24])
def test_what_was_acknowledged_outlives_a_kill(cut: Daemon, after: int) -> None:
    """Every answer that reached a client is true after the restart, and is given again."""
    work = Work(after, after)
    _work_until_cut(cut, work)
    with cut.start().client() as client:
        for key, (upload, content, told) in work.commits.items():
            again = commit(client, upload, content, key).raise_for_status().json()
            assert told is None or told == again
            assert download(client, again["node"]["id"]) == content
        for key, (node, name, told) in work.moves.items():
            again = move(client, node, name, key).raise_for_status().json()
            assert told is None or told == again
            assert client.get(f"/v1/files/{node}").json()["name"] == name
    assert [told for *_, told in work.commits.values() if told]
    _audited_exactly_once(cut)


def _work_until_cut(daemon: Daemon, work: Work) -> None:
    clients = [daemon.client() for _ in range(_CLIENTS)]
    threads = [
        threading.Thread(target=work.run, args=(client, who)) for who, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    assert work.reached.wait(30)
    daemon.kill()
    for thread, client in zip(threads, clients, strict=True):
        thread.join(40)
        client.close()


def _audited_exactly_once(daemon: Daemon) -> None:
    """Wait until the audit has caught up, and compare it with the events one by one."""
    events = "SELECT tenant_id, seq, event_id FROM outbox.event ORDER BY 1, 2"
    entries = "SELECT tenant_id, seq, event_id FROM audit.entry ORDER BY 1, 2"
    eventually(lambda: len(daemon.rows(entries)) >= len(daemon.rows(events)), 20)
    assert daemon.rows(entries) == daemon.rows(events)
    assert daemon.rows("SELECT * FROM outbox.dead_letter") == []
