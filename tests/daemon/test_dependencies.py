"""What the daemon says of a database or an object store that stops answering."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bitvault.kernel.dependencies import LOOKS_EVERY, LOOKS_FOR
from tests.support.daemon import Daemon, child_named, eventually
from tests.support.postgres import PostgresServer, running_server, start

pytestmark = pytest.mark.slow
_DATABASE, _STORE = "postgresql", "object store"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Have a PostgreSQL that is not the daemon's own, and that may be ended."""
    with running_server() as server:
        yield server


@pytest.fixture
def on_server(daemon: Daemon, server: PostgresServer) -> Daemon:
    """Have a daemon that runs on it."""
    daemon.environment = {"BITVAULT_DATABASE_URL": server.dsn()}
    return daemon


def looked(daemon: Daemon) -> tuple[int, Sequence[str], dict[str, bool], dict[str, float]]:
    """Return what readiness, status and metrics say; the process is alive all the while."""
    assert httpx.get(f"{daemon.url}/livez").status_code == 200
    ready = httpx.get(f"{daemon.url}/readyz")
    status = httpx.get(f"{daemon.url}/v1/status").json()
    lines = httpx.get(f"{daemon.url}/metrics").text.splitlines()
    metrics = {
        line.split('"')[1]: float(line.split()[-1])
        for line in lines
        if line.startswith("bitvault_dependency_up{")
    }
    shown = {one["name"]: one["isUp"] for one in status["dependencies"]}
    return ready.status_code, ready.json()["waitingFor"], shown, metrics


def all_is_well(daemon: Daemon) -> bool:
    """Return whether everything says so."""
    shown = {_DATABASE: True, _STORE: True}
    return looked(daemon) == (200, [], shown, shown)


def is_missed(daemon: Daemon, name: str) -> bool:
    """Return whether everything says that this one does not answer, and only this one."""
    shown = {each: each != name for each in (_DATABASE, _STORE)}
    return looked(daemon) == (503, [name], shown, shown)


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Have processes that keep their connections and say nothing."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_it_is_known_within_five_seconds() -> None:
    """From one look to the end of the next: an outage is found in at most that time."""
    assert LOOKS_EVERY + LOOKS_FOR < 5


def test_a_database_that_goes_and_comes(on_server: Daemon, server: PostgresServer) -> None:
    """Refused connections, then silent ones: missed at once, and found again by itself."""
    daemon = on_server.start()
    eventually(lambda: all_is_well(daemon))
    server.process.send_signal(signal.SIGINT)  # its fast shutdown
    server.process.wait()
    eventually(lambda: is_missed(daemon, _DATABASE))
    server.process = start(server.embedded, daemon.folder / "postgres.log")
    eventually(lambda: all_is_well(daemon))
    with frozen(_family(server.process.pid)):
        eventually(lambda: is_missed(daemon, _DATABASE))
    eventually(lambda: all_is_well(daemon))


def test_a_store_that_is_silent(on_server: Daemon) -> None:
    """A store that accepts and says nothing is missed, and found again by itself."""
    daemon = on_server.start()
    eventually(lambda: all_is_well(daemon))
    with frozen([child_named(daemon.pid, "objectd")]):
        eventually(lambda: is_missed(daemon, _STORE))
    eventually(lambda: all_is_well(daemon))


def _family(pid: int) -> Sequence[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]
