"""Slow and silent peers: how long they may hold what, and that others are served meanwhile."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import h11
import pytest
import trio
import trio.testing

from bitvault.objectd.body import Body
from bitvault.objectd.connection import Connection, Service
from bitvault.objectd.credentials import Keyring
from bitvault.objectd.errors import S3Error
from bitvault.objectd.operation import Limits
from bitvault.objectd.store import Store
from bitvault.objectd.wire import Wire

from .conftest import StoreProcess

KIB = 1024


async def read_at(step: int, seconds: float, length: int) -> float:
    """Read a body that comes in steps; returns how long it took."""

    async def recv_into(view: memoryview) -> int:
        await trio.sleep(seconds)
        return min(step, len(view))

    body = Body(length, bytearray(), recv_into, None)
    began = trio.current_time()
    await body.fill(memoryview(bytearray(length)))
    return trio.current_time() - began


@pytest.mark.parametrize("length", [KIB, 100 * KIB, KIB * KIB])
async def test_a_dripping_body_ends(autojump_clock: trio.testing.MockClock, length: int) -> None:
    """A byte in ten seconds is no progress: after one stretch the body is given up."""
    began = autojump_clock.current_time()
    with pytest.raises(S3Error, match="RequestTimeout"):
        await read_at(1, 10, length)
    assert autojump_clock.current_time() - began == pytest.approx(30)


async def test_a_slow_body_is_read(autojump_clock: trio.testing.MockClock) -> None:
    """A body that comes slowly, but comes, is read for as long as it takes."""
    assert await read_at(32 * KIB, 1.5, 32 * KIB * 1000) == pytest.approx(1500)


async def test_a_body_has_a_least_rate_in_all(autojump_clock: trio.testing.MockClock) -> None:
    """Enough in each stretch and too little on the whole: a minute, and 16 KiB a second."""
    began = autojump_clock.current_time()
    with pytest.raises(S3Error, match="RequestTimeout"):
        await read_at(4 * KIB, 1.5, 4 * KIB * 1000)
    assert autojump_clock.current_time() - began == pytest.approx(60 + 250)


async def test_a_slow_disk_does_not_cut_a_body(autojump_clock: trio.testing.MockClock) -> None:
    """Bytes sent at once are read to the end, however long each block takes to be written."""

    async def recv_into(view: memoryview) -> int:
        await trio.lowlevel.checkpoint()
        return len(view)

    body = Body(3 * KIB, bytearray(KIB // 2), recv_into, None)
    for _ in range(3):
        await trio.sleep(100)
        assert await body.fill(memoryview(bytearray(KIB))) == KIB


async def test_a_slow_disk_costs_the_sender_no_time(mock_clock: trio.testing.MockClock) -> None:
    """The wait for bytes counts, ten seconds and a lull here; what a thread writes does not."""
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        recv_into = trio.socket.from_stdlib_socket(near).recv_into
        body = Body(KIB * KIB, bytearray(), recv_into, None, near.fileno())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(body.pump, lambda _block: mock_clock.jump(1000))
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(10)
            far.sendall(bytes(60 * KIB))
        for pace in (body.pace, body.whole):
            assert 10.004 <= pace.waited(trio.current_time()) < 11
    assert body.remaining == (KIB - 60) * KIB


async def connected() -> tuple[trio.SocketStream, trio.SocketStream]:
    """Two ends of a TCP connection."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        far = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
        return await listener.accept(), far


async def test_who_does_not_read_an_answer_is_cut(mock_clock: trio.testing.MockClock) -> None:
    """What the kernel has taken is not read: after one stretch without progress it ends."""
    near, far = await connected()
    wire = Wire(near)
    cut = trio.Event()

    async def answer() -> None:
        with pytest.raises(trio.TooSlowError):
            await wire.send(bytes(64 * KIB * KIB))
        cut.set()

    async with far, near, trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        for _stretch in ("the kernels of both sides took megabytes", "and then nothing moved"):
            await trio.testing.wait_all_tasks_blocked(0.05)
            mock_clock.jump(61)
        await cut.wait()


async def test_a_slow_reader_gets_all_of_it(mock_clock: trio.testing.MockClock) -> None:
    """Hours for one answer are fine, as long as each minute takes some of it."""
    size = 32 * KIB * KIB
    near, far = await connected()
    wire, done = Wire(near), trio.Event()

    async def answer() -> None:
        await wire.send(bytes(size))
        await near.send_eof()
        done.set()

    async with far, near, trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        got = 0
        while got < size:
            for _ in range(16):
                got += len(await far.receive_some(64 * KIB))
            await trio.testing.wait_all_tasks_blocked(0.001)
            mock_clock.jump(59)
        await done.wait()
        assert got == size


async def drip(far: trio.SocketStream, clock: trio.testing.MockClock, seconds: float) -> None:
    """Send a byte every 1.5 seconds for so long."""
    for _ in range(int(seconds / 1.5)):
        await far.send_all(b"x")
        await trio.testing.wait_all_tasks_blocked(0.01)
        clock.jump(1.5)


async def test_a_dripping_head_ends(mock_clock: trio.testing.MockClock) -> None:
    """A head has ten seconds in all, however steadily its bytes come."""
    near, far = await connected()
    wire, ended = Wire(near), trio.Event()

    async def read() -> None:
        assert await wire.read_head(h11.Connection(h11.SERVER), 60) is None
        ended.set()

    async with far, near, trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await drip(far, mock_clock, 12)
        await trio.testing.wait_all_tasks_blocked()
        assert ended.is_set()
        assert wire.began
        nursery.cancel_scope.cancel()


async def test_lingering_ends(mock_clock: trio.testing.MockClock) -> None:
    """Who goes on sending after a refusal is listened to for ten seconds, no longer."""
    near, far = await connected()
    wire, ended = Wire(near), trio.Event()

    async def linger() -> None:
        await wire.linger()
        ended.set()

    async with far, near, trio.open_nursery() as nursery:
        nursery.start_soon(linger)
        await drip(far, mock_clock, 7.5)
        assert not ended.is_set()
        await drip(far, mock_clock, 4.5)
        await trio.testing.wait_all_tasks_blocked()
        assert ended.is_set()
        nursery.cancel_scope.cancel()


async def test_half_a_head_is_answered_when_its_time_is_over(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """It came too late, and is not malformed: 408 (RFC 9110 §15.5.9), and the connection ends."""
    near, far = await connected()
    store = Store(tmp_path)
    service = Service(store, Keyring({}, {}), "us-east-1", (), Limits(0), lambda: 0.0)
    async with far, near, trio.open_nursery() as nursery:
        nursery.start_soon(Connection(near, service, "a").serve)
        await far.send_all(b"GET /blobs/x HTTP/1.1\r\nhost:")
        await trio.testing.wait_all_tasks_blocked(0.01)
        mock_clock.jump(11)
        answer = await far.receive_some(65536)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    store.close()


UNSIGNED = b"PUT /blobs/x HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\nx"
DRIPPED = {
    "silent": b"",
    "half a head": b"PUT /blobs/x HTTP/1.1\r\nhost:",
    "refused bodies": UNSIGNED,
    "preflights": b"OPTIONS /blobs/x HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n",
    "not http": b"\x16\x03\x01\r\n\r\n",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """A store with few places."""
    store = StoreProcess(tmp_path_factory.mktemp("small"), "--max-connections", "32")
    yield store
    assert store.stop() == 0


@pytest.mark.requirement("X67")
@pytest.mark.parametrize("addresses", [1, 64])
@pytest.mark.parametrize("sent", DRIPPED.values(), ids=DRIPPED)
def test_strangers_do_not_shut_others_out(small: StoreProcess, sent: bytes, addresses: int) -> None:
    """Twice as many strangers as there are places: a signed request is served meanwhile."""
    with contextlib.ExitStack() as held:
        for number in range(64):
            source = (f"127.0.0.{2 + number % addresses}", 0)
            stranger = connect(small, source)
            held.enter_context(stranger)
            stranger.sendall(sent)
        assert small.send("PUT", small.presign("PUT", "k"), {}, b"data").status == 200
        assert small.send("GET", small.presign("GET", "k")).body == b"data"


def connect(store: StoreProcess, source: tuple[str, int] | None = None) -> socket.socket:
    """Connect without sending anything."""
    host, port = store.address.split(":")
    return socket.create_connection((host, int(port)), timeout=10, source_address=source)


def to_the_end(connection: socket.socket) -> bytes:
    """Read until the store closes."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def test_a_refused_body_is_answered_first(store: StoreProcess) -> None:
    """The refusal does not wait for the rest of the body, and the connection ends with it."""
    with connect(store) as connection:
        connection.sendall(UNSIGNED)
        answer = to_the_end(connection)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1


def test_who_sends_all_of_a_refused_body_sees_the_answer(store: StoreProcess) -> None:
    """A client that reads only after it has sent is not reset before it has read."""
    with connect(store) as connection:
        connection.sendall(UNSIGNED + bytes(999_999))
        assert to_the_end(connection).startswith(b"HTTP/1.1 403 Forbidden\r\n")


def test_a_refusal_with_its_whole_body_keeps_the_connection(store: StoreProcess) -> None:
    """What came along with the head is passed over, so a polite client goes on."""
    refused = b"PUT /blobs/x HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody"
    with connect(store) as connection:
        connection.sendall(refused + refused.replace(b"host: h", b"host: h\r\nconnection: close"))
        assert to_the_end(connection).count(b"HTTP/1.1 403 Forbidden\r\n") == 2


def hold_a_signed_put(store: StoreProcess, name: str) -> socket.socket:
    """Sign a large PUT, and leave its body unsent."""
    target = store.presign("PUT", name).removeprefix(f"http://{store.address}")
    head = f"PUT {target} HTTP/1.1\r\nhost: {store.address}\r\ncontent-length: 200000\r\n"
    connection = connect(store)
    connection.sendall(f"{head}expect: 100-continue\r\n\r\n".encode())
    assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    return connection


@pytest.mark.requirement("X67")
def test_one_address_holds_no_more_than_its_share(small: StoreProcess) -> None:
    """Half the places in use for one address: it is answered SlowDown, another is served."""
    with contextlib.ExitStack() as held:
        for number in range(16):
            held.enter_context(hold_a_signed_put(small, f"held/{number}"))
        with connect(small) as refused:
            assert to_the_end(refused).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        with connect(small, ("127.0.0.9", 0)) as other:
            other.sendall(b"GET /blobs/x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
            assert to_the_end(other).startswith(b"HTTP/1.1 403 Forbidden\r\n")


@pytest.mark.requirement("X67")
def test_a_proxy_holds_all_places(tmp_path: Path) -> None:
    """Many clients come through the one that is named, and others are held to a share."""
    store = StoreProcess(tmp_path, "--max-connections", "8", "--trusted-proxy", "127.0.0.1/32")
    with contextlib.ExitStack() as held:
        for number in range(8):
            held.enter_context(hold_a_signed_put(store, f"held/{number}"))
        with connect(store) as refused:
            assert to_the_end(refused).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert store.stop() == 0
