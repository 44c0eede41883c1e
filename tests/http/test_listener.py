"""Slow clients: every wait for one has an end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from bitvault.http.child import http_child
from bitvault.http.patience import Patience, PatientStream
from supervisors import Flags, run_tree, supervisor
from tests.http.support.rooms import TOKEN, World

PATIENCE = Patience(head=10.0, answer=60.0)


@pytest.mark.requirement("X67")
async def test_a_head_that_drips_in_has_one_deadline(autojump_clock: MockClock) -> None:
    """A byte every four seconds is let in until the ten of the whole head are over."""
    client, server = memory_stream_pair()
    stream = PatientStream(server, PATIENCE)

    async def drip() -> None:
        while True:
            await client.send_all(b"x")
            await trio.sleep(4)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drip)
        got = b""
        while byte := await stream.receive_some(100):
            got += byte
        nursery.cancel_scope.cancel()

    assert (got, trio.current_time()) == (b"xxx", 10.0)


async def test_between_requests_a_client_may_be_silent(autojump_clock: MockClock) -> None:
    """The next head's time begins with its first byte; a body has no deadline here."""
    client, server = memory_stream_pair()
    stream = PatientStream(server, PATIENCE)
    stream.mark(idle=False)
    stream.mark(idle=True)

    async def later() -> None:
        await trio.sleep(50)
        await client.send_all(b"G")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await stream.receive_some(100) == b"G"
    assert await stream.receive_some(100) == b""
    assert trio.current_time() == 60.0


async def test_a_client_that_asks_nothing_more_has_left(autojump_clock: MockClock) -> None:
    """Seventy-five seconds without a byte between two requests."""
    _client, server = memory_stream_pair()
    stream = PatientStream(server, Patience())
    stream.mark(idle=True)
    assert await stream.receive_some(100) == b""
    assert trio.current_time() == 75.0


async def test_silence_during_a_request_has_an_end(autojump_clock: MockClock) -> None:
    """Ninety seconds from the head, or from the last byte: each one renews it."""
    client, server = memory_stream_pair()
    stream = PatientStream(server, Patience())
    stream.mark(idle=False)

    async def later() -> None:
        await trio.sleep(80)
        await client.send_all(b"x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert [await stream.receive_some(100), await stream.receive_some(100)] == [b"x", b""]
    assert trio.current_time() == 170.0
    stream.mark(idle=False)
    assert await stream.receive_some(100) == b""
    assert trio.current_time() == 260.0
    assert stream.is_late


@pytest.mark.requirement("X67")
async def test_the_farewell_waits_for_a_while(autojump_clock: MockClock) -> None:
    """Five seconds, in which what the client still sends is dropped and renews nothing."""
    client, server = memory_stream_pair()
    stream = PatientStream(server, Patience())

    async def drip() -> None:
        while True:
            await client.send_all(b"x")
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        await stream.say_goodbye()
        nursery.start_soon(drip)
        assert await stream.receive_some(100) == b""
        nursery.cancel_scope.cancel()
    assert trio.current_time() == 5.0


@pytest.mark.requirement("X67")
async def test_an_answer_nobody_reads_is_given_up(autojump_clock: MockClock) -> None:
    """When its time is over the write fails, and the connection with it."""
    _client, server = lockstep_stream_pair()

    with pytest.raises(trio.BrokenResourceError, match="does not read"):
        await PatientStream(server, PATIENCE).send_all(b"x" * (16 << 10))

    assert trio.current_time() == 61.0


async def test_a_client_that_breaks_off_has_left(autojump_clock: MockClock) -> None:
    """A reset is a farewell like any other, whatever the stream calls it."""
    client, server = memory_stream_pair()
    stream = PatientStream(server, PATIENCE)
    await trio.aclose_forcefully(server)
    assert await stream.receive_some(100) == b""
    await trio.aclose_forcefully(client)


async def test_a_stop_cuts_an_answer_nobody_reads(autojump_clock: MockClock) -> None:
    """Hypercorn shields its writes, so a cancellation alone would wait for the client."""
    _client, server = lockstep_stream_pair()
    stream = PatientStream(server, PATIENCE)

    async def write() -> None:
        with trio.CancelScope(shield=True), pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"answer")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await trio.testing.wait_all_tasks_blocked()
        stream.cut()

    assert trio.current_time() == 0.0


@pytest.mark.requirement("X67")
async def test_the_farewell_comes_after_what_is_being_sent(autojump_clock: MockClock) -> None:
    """Another task may be writing when a fault of the client ends the connection."""
    client, server = lockstep_stream_pair()
    stream = PatientStream(server, PATIENCE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, b"answer")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(stream.say_goodbye)
        await trio.testing.wait_all_tasks_blocked()
        assert [await client.receive_some(100), await client.receive_some(100)] == [b"answer", b""]


@asynccontextmanager
async def served(world: World, patience: Patience, *, http2: bool = False) -> AsyncIterator[int]:
    """Serve the world's application on a real socket; yields the port."""
    where, stop = list[str](), trio.Event()
    child = http_child(
        lambda _tree: world.app,
        "127.0.0.1:0",
        patience=patience,
        on_listening=where.append,
        http2=http2,
    )

    async def run(task_status: trio.TaskStatus[object]) -> None:  # noqa: ASYNC128 - passed on
        await run_tree(supervisor("root", Flags(), [child]), stop=stop, task_status=task_status)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(run)
            yield int(where[0].rpartition(":")[2])
            stop.set()


@pytest.mark.requirement("X67")
async def test_slowloris_is_cut_on_a_real_socket(world: World) -> None:
    """A client that says nothing, or never ends its head, loses its connection; others don't."""
    async with served(world, Patience(head=0.2)) as port:
        silent = await trio.open_tcp_stream("127.0.0.1", port)
        assert await silent.receive_some(100) == b""
        await silent.aclose()
        slow = await trio.open_tcp_stream("127.0.0.1", port)
        answer = await drip_until_cut(slow, b"GET /livez HTTP/1.1\r\nX-Slow: ")
        await slow.aclose()
        assert await ask(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") == b"HTTP/1.1 200 "
    assert answer in {b"", b"HTTP/1.1 408 "}


@pytest.mark.parametrize(
    ("token", "status"), [(b"", b"401"), (f"Authorization: Bearer {TOKEN}\r\n".encode(), b"413")]
)
async def test_a_body_answered_too_early_does_not_spoil_the_connection(
    world: World, token: bytes, status: bytes
) -> None:
    """No token, or too large: the answer comes, and so does that of the next request."""
    size = 4 << 20
    head = b"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + token
    async with served(world, Patience()) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        for _ in range(3):
            await stream.send_all(head + b"Content-Length: %d\r\n\r\n" % size + b" " * size)
            assert (await stream.receive_some(65536))[9:12] == status
        await stream.send_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await stream.receive_some(65536)).startswith(b"HTTP/1.1 200 ")
        await stream.aclose()
    assert world.room.asked == []


async def test_a_body_that_never_ends_is_cut_after_its_answer(world: World) -> None:
    """The rest of a refused body is waited for, and not for ever."""
    async with served(world, Patience(rest=0.1)) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(
            b"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"
        )
        answer = b""
        with suppress(trio.BrokenResourceError):
            while part := await stream.receive_some(65536):
                answer += part
        await stream.aclose()
    assert answer.startswith(b"HTTP/1.1 401 ")


async def ask(port: int, request: bytes) -> bytes:
    """Send a request on a connection of its own; return the beginning of the answer."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(request)
    answer = await stream.receive_some(65536)
    await stream.aclose()
    return bytes(answer[:13])


async def drip_until_cut(stream: trio.SocketStream, head: bytes) -> bytes:
    """Send a head that never ends, byte by byte; return the first line of what came back."""
    await stream.send_all(head)
    while True:
        with trio.move_on_after(0.01):
            return (await stream.receive_some(13)) or b""
        try:
            await stream.send_all(b"x")
        except trio.BrokenResourceError:
            return b""
