"""What keeps a server, or the object store, from being reached is told in a sentence of its own."""

import datetime as dt
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from bitvault.cli.failures import exit_code, hint
from bitvault.cli.output import Exit
from bitvault.client.client import Client
from bitvault.client.errors import BadAddress, Unreachable
from bitvault.client.hashing import Section
from bitvault.client.objects import ObjectStore
from bitvault.client.retry import NO_RETRY
from bitvault.client.shapes import Transfer
from bitvault.client.trust import BadCertificateFile, trusting

AUTHORITY = trustme.CA()


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer an object."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def serving(certificate: trustme.LeafCert | None = None) -> Iterator[str]:
    """Serve, with TLS when there is a certificate; yield the port."""
    server = _Quiet(("127.0.0.1", 0), _Fine)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield str(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _expired() -> trustme.LeafCert:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    return AUTHORITY.issue_cert("127.0.0.1", not_after=past)


@contextmanager
def _silent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


@contextmanager
def _nothing() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    yield str(port)


@contextmanager
def _nowhere() -> Iterator[str]:
    yield "x"


def fetch(store: ObjectStore, url: str) -> None:
    """Get an object of two bytes."""
    step = Transfer(method="GET", url=url, headers={}, expires_at=dt.datetime.now(dt.UTC))
    store.fetch(step, lambda _: None, Section(0, 2), whole=True)


Place = Callable[[], "contextmanager[str]"]
CASES = [
    ("https://127.0.0.1:", lambda: serving(trustme.CA().issue_cert("127.0.0.1")),
     "certificate_untrusted"),
    ("https://127.0.0.1:", lambda: serving(AUTHORITY.issue_cert("files.example")),
     "certificate_name"),
    ("https://127.0.0.1:", lambda: serving(_expired()), "certificate_dates"),
    ("https://127.0.0.1:", serving, "needs_http"),
    ("http://127.0.0.1:", lambda: serving(AUTHORITY.issue_cert("127.0.0.1")), "needs_https"),
    ("http://127.0.0.1:", _nothing, "refused"),
    ("http://127.0.0.1:", _silent, "timeout"),
    ("http://no-such-host.invalid/", _nowhere, "unknown_host"),
]  # fmt: skip
each_cause = pytest.mark.parametrize(
    ("prefix", "place", "cause"), CASES, ids=[case[2] for case in CASES]
)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """Write the authority's certificate."""
    path = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return path


@each_cause
def test_a_server_that_is_not_reached_is_told_why(
    ca_file: Path, prefix: str, place: Place, cause: str
) -> None:
    """With what to do about it, and no second try where that would meet the same."""
    with place() as port, Client(f"{prefix}{port}", policy=NO_RETRY, ca_file=ca_file) as client:
        client.rest._http.timeout = 0.5
        with pytest.raises(Unreachable) as failed:
            client.me()
    assert failed.value.reason.cause == cause
    assert (exit_code(failed.value), failed.value.is_store) == (Exit.UNAVAILABLE, False)
    assert ("Is bitvaultd running there?" in hint(failed.value)) == (cause == "refused")
    assert hint(failed.value)


@each_cause
def test_a_store_that_is_not_reached_is_told_by_its_address(
    ca_file: Path, prefix: str, place: Place, cause: str
) -> None:
    """It is the store, not the daemon: the daemon has just answered."""
    store = ObjectStore(timeout=0.5, trust=lambda: trusting(ca_file))
    with place() as port, pytest.raises(Unreachable) as failed:
        fetch(store, f"{prefix}{port}")
    assert (failed.value.reason.cause, failed.value.is_store) == (cause, True)
    assert str(failed.value).startswith(f"the object store at {prefix.rstrip('/')}")
    assert "bitvaultd" not in hint(failed.value)


def test_an_authority_of_ones_own_is_trusted_by_both(ca_file: Path) -> None:
    """The one file is for the server and for the store."""
    with (
        serving(AUTHORITY.issue_cert("127.0.0.1")) as port,
        Client(f"https://127.0.0.1:{port}", policy=NO_RETRY, ca_file=ca_file) as client,
    ):
        assert client.me() == {}
        fetch(client.store, f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: str | None) -> None:
    """Missing, or something else."""
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadCertificateFile) as failed:
        trusting(path)
    assert failed.value.filename == str(path)


@pytest.mark.parametrize("server", ["http://a:b", "http://[::1", "http://..", f"http://{'a' * 70}"])
def test_what_is_no_address_is_wrong_usage(server: str) -> None:
    """And no traceback, whichever library finds it out."""
    with pytest.raises(BadAddress) as failed, Client(server, policy=NO_RETRY) as client:
        client.me()
    assert exit_code(failed.value) == Exit.USAGE
