"""What clients leave unread does not pile up in the daemon."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import h2.config
import h2.connection
import h2.settings
import pytest

from tests.support.daemon import Daemon, eventually, open_folder

CONNECTIONS = 21
STREAMS = 16
"""Requests at a time on a connection of HTTP/2: as many as the daemon takes."""
MOST = 100 * 1_000_000
ASK = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """Run a daemon that speaks HTTP/2 with whoever begins with it."""
    with open_folder() as folder:
        daemon = Daemon(folder, {"BITVAULT_SERVER_CLEARTEXT_HTTP2": "true"}).start()
        yield daemon
        daemon.stop()


def test_unread_answers_are_bounded(daemon: Daemon) -> None:
    """Clients with a window of 0, and those that do not read, cost less than 100 MB together."""
    before = resident(daemon, "VmRSS")
    with ExitStack() as held:
        for number in range(CONNECTIONS):
            held.enter_context(unread(daemon, f"127.0.1.{number + 1}", shut_window()))
            held.enter_context(unread(daemon, f"127.0.2.{number + 1}", ASK * STREAMS))
        grown = eventually(lambda: grown_after(daemon, before))
        assert grown < MOST
        with urlopen(f"{daemon.url}/livez") as answer:  # noqa: S310 - the daemon's own address
            assert answer.status == 200


def grown_after(daemon: Daemon, before: int) -> int:
    """Return by how much memory grew at the most, once answers are refused or it is too much."""
    grown = resident(daemon, "VmHWM") - before
    return grown if grown >= MOST or refused(daemon) >= CONNECTIONS * (STREAMS - 1) else 0


def shut_window() -> bytes:
    """Return many requests of HTTP/2 whose answers may not be sent."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration())
    window = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
    connection.local_settings = h2.settings.Settings(initial_values={window: 0})
    connection.initiate_connection()
    pseudo = (":method", "GET"), (":scheme", "http"), (":authority", "x")
    for number in range(STREAMS):
        fields = [*pseudo, (":path", "/v1/openapi.json")]
        connection.send_headers(2 * number + 1, fields, end_stream=True)
    return connection.data_to_send()


def unread(daemon: Daemon, address: str, sent: bytes) -> socket.socket:
    """Send requests from an address, and read nothing."""
    host, port = daemon.addresses[0].split(":")
    client = socket.create_connection((host, int(port)), source_address=(address, 0))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(sent)
    return client


def refused(daemon: Daemon) -> float:
    """Return how many answers had no room, or lost it."""
    with urlopen(f"{daemon.url}/metrics") as answer:  # noqa: S310 - the daemon's own address
        text = answer.read().decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    names = "bitvault_http_answers_refused", "bitvault_http_answers_ended"
    return sum(float(lines[name]) for name in names)


def resident(daemon: Daemon, which: str) -> int:
    """Return the daemon's memory in bytes, now or at its most."""
    for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == which:
            return int(rest.split()[0]) * 1024
    raise LookupError(which)
