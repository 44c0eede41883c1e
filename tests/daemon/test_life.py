"""Starting, stopping and starting again."""

import json
import re
import signal

import pytest

from tests.support.daemon import Daemon, eventually, processes_in
from tests.support.uploads import download, upload


@pytest.mark.requirement("X66")
def test_the_first_start_says_what_starts_where_it_is_and_how_to_log_in(daemon: Daemon) -> None:
    """Everything a person needs stands on the terminal; the password file is theirs alone."""
    daemon.start()
    password = daemon.data / "admin-password"
    for what in ("PostgreSQL (embedded)", "object store (embedded)", "rooms: identity, storage"):
        assert f"starting {what}" in daemon.output
    assert f"user admin, password {password.read_text().strip()}" in daemon.output
    assert password.stat().st_mode & 0o777 == 0o600
    with daemon.client() as client:
        assert client.get("/v1/me").json()["login"] == "admin"


@pytest.mark.requirement("X66")
def test_a_second_start_keeps_everything_and_prints_no_password(daemon: Daemon) -> None:
    """What was stored before a stop is there after it, under the same login."""
    with daemon.start().client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
    assert daemon.stop() == 0
    with daemon.start().client() as client:
        assert download(client, node) == b"kept"
    assert (daemon.data / "admin-password").read_text().strip() not in daemon.output + daemon.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_reverse_order_and_leaves_nothing(
    daemon: Daemon, number: signal.Signals
) -> None:
    """The edge goes first and the engines last; the exit code is 0 and no process remains."""
    daemon.environment = {"BITVAULT_LOG_LEVEL": "debug"}
    daemon.start()
    assert daemon.stop(number) == 0
    records = [json.loads(line) for line in daemon.log.splitlines()]
    stopped = [each["path"].split("/")[1:] for each in records if each["event"] == "ChildStopped"]
    order = [path[0] for path in stopped if len(path) == 1]
    assert order == ["edges", "workers", "relays", "rooms", "drivers", "engines"]
    engines = [path[1] for path in stopped if path[:1] == ["engines"] and len(path) == 2]
    assert engines == ["objectd", "postgres"]
    assert any(record.get("engine") == "postgres" for record in records), "engines log records too"
    assert processes_in(daemon.folder) == []


def test_kill_9_of_the_daemon_takes_its_children_along_and_loses_nothing(daemon: Daemon) -> None:
    """After a kill nothing runs on; the next start recovers the database and serves the bytes."""
    with daemon.start().client() as client:
        node = upload(client, "/kept.txt", b"kept")["id"]
    daemon.kill()
    eventually(lambda: not processes_in(daemon.folder), 10)
    with daemon.start().client() as client:
        assert download(client, node) == b"kept"
    assert not re.search(r"Traceback|exception", daemon.log)
