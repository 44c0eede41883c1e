"""TLS on the edge's own socket, with certificates of an authority made for the test."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import trio
import trustme

from bitvault.daemon.loading import load
from bitvault.http.child import http_child
from bitvault.http.options import Options
from bitvault.http.patience import Patience
from bitvault.http.tls import Certificate
from bitvault.kernel.settings import SettingError
from supervisors import Flags, run_tree, supervisor
from tests.http.support.rooms import TOKEN, World

AUTHORITY = trustme.CA()
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Write a certificate for localhost, and its key."""
    return write(tmp_path, AUTHORITY)


def write(folder: Path, authority: trustme.CA) -> tuple[str, str]:
    """Write a fresh certificate of an authority over whatever is there."""
    issued = authority.issue_cert("localhost", "127.0.0.1")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return str(chain), str(key)


def trusting(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """Return a client's context that believes one authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@asynccontextmanager
async def served(world: World, files: tuple[str, str], head: float = 10.0) -> AsyncIterator[str]:
    """Serve the world's application; yields the URL."""
    where, stop = list[str](), trio.Event()
    child = http_child(
        lambda _tree: world.app, "127.0.0.1:0", patience=Patience(head=head), tls=files,
        on_listening=where.append,
    )  # fmt: skip

    async def run(task_status: trio.TaskStatus[object]) -> None:  # noqa: ASYNC128 - passed on
        await run_tree(supervisor("root", Flags(), [child]), stop=stop, task_status=task_status)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(run)
            yield where[0]
            stop.set()


async def status(url: str, authority: trustme.CA = AUTHORITY) -> int:
    """Ask on a connection of one's own."""
    async with httpx.AsyncClient(verify=trusting(authority)) as client:
        return (await client.get(f"{url}/v1/me", headers=HEADERS)).status_code


@pytest.mark.requirement("X64")
async def test_who_trusts_the_certificate_is_answered(world: World, files: tuple[str, str]) -> None:
    """Several requests over one connection, a body among them; others do not get so far."""
    async with served(world, files) as url:
        assert url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(verify=trusting()) as client:
            for _ in range(3):
                answer = await client.get(f"{url}/v1/me", headers=HEADERS)
                assert (answer.status_code, answer.json()["login"]) == (200, "ann")
            body = {"path": "/x", "parents": True, "unknown": "x" * 300_000}
            refused = await client.post(f"{url}/v1/folders", headers=HEADERS, json=body)
            assert (refused.status_code, refused.json()["field"]) == (400, "unknown")
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/v1/me", headers=HEADERS)


@pytest.mark.requirement("X64")
async def test_neither_plain_http_nor_old_tls_is_spoken(
    world: World, files: tuple[str, str]
) -> None:
    """A token sent in the clear gets no answer, and the server goes on."""
    async with served(world, files) as url:
        port = int(url.rpartition(":")[2])
        plain = await trio.open_tcp_stream("127.0.0.1", port)
        await plain.send_all(b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        with suppress(trio.BrokenResourceError):
            answer = await plain.receive_some(1000)
        assert not answer.startswith(b"HTTP/")  # but an alert of TLS, or nothing
        await plain.aclose()
        old = trusting()
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        with pytest.raises(trio.BrokenResourceError):
            await trio.SSLStream(stream, old, server_hostname="localhost").do_handshake()
        await trio.aclose_forcefully(stream)
        assert await status(url) == 200


@pytest.mark.requirement("X64", "X67")
async def test_a_handshake_that_drips_in_is_cut(world: World, files: tuple[str, str]) -> None:
    """Whoever connects and says nothing is let go as one with half a head is."""
    async with served(world, files, head=0.2) as url:
        silent = await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2]))
        assert await silent.receive_some(100) == b""
        await silent.aclose()


@pytest.mark.requirement("X64")
async def test_a_renewed_certificate_holds_from_the_next_connection_on(
    world: World, files: tuple[str, str]
) -> None:
    """Without a restart; while the files are half written, the old one goes on."""
    other, folder = trustme.CA(), Path(files[0]).parent
    async with served(world, files) as url:
        assert await status(url) == 200
        await trio.Path(files[0]).write_text("-----BEGIN CERTIFICATE-----\nhalf")
        assert await status(url) == 200
        write(folder, other)
        assert await status(url, other) == 200
        with pytest.raises(httpx.ConnectError):
            await status(url)


def test_a_wrong_certificate_is_refused_by_its_setting(
    tmp_path: Path, files: tuple[str, str]
) -> None:
    """Absent, no PEM, or another's key: named with the file, and nothing starts."""
    (tmp_path / "other").mkdir()
    _, another = write(tmp_path / "other", AUTHORITY)
    noise = tmp_path / "noise.pem"
    noise.write_text("noise")
    absent = str(tmp_path / "absent.pem")
    for pair in ((absent, files[1]), (str(noise), files[1]), (files[0], another)):
        with pytest.raises(SettingError, match=r"server\.tls_cert") as refused:
            Certificate(*pair)
        assert pair[0] in str(refused.value)


def test_half_a_certificate_is_refused() -> None:
    """To serve without TLS then would be a guess; and so would be a public URL without it."""
    for given, name in (
        ({"BITVAULT_SERVER_TLS_CERT": "x"}, "server.tls_key"),
        ({"BITVAULT_SERVER_TLS_KEY": "x"}, "server.tls_cert"),
        (
            {
                "BITVAULT_SERVER_TLS_CERT": "x",
                "BITVAULT_SERVER_TLS_KEY": "y",
                "BITVAULT_SERVER_PUBLIC_URL": "http://files.example.org",
            },
            "server.public_url",
        ),
    ):
        with pytest.raises(SettingError) as refused:
            load(None, given, {})
        assert refused.value.name == name


@pytest.mark.requirement("X64")
def test_browsers_are_told_to_come_by_https_only() -> None:
    """As they are where a proxy speaks TLS."""
    given = {"BITVAULT_SERVER_TLS_CERT": "x", "BITVAULT_SERVER_TLS_KEY": "y"}
    assert Options.of(load(None, given, {})).browsers.is_https
    assert not Options.of(load(None, {}, {})).browsers.is_https
