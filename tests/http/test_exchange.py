"""Answers that nobody takes, and bodies that never come: each wait has one end."""

import math
import socket
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from bitvault.edge.places import Places
from bitvault.http.patience import Patience
from bitvault.http.serving import BODY, HOLD_ANSWER, SMALL_BODY
from tests.http.support.lines import Line, unhurried, until
from tests.http.support.rooms import TOKEN, World
from tests.http.test_listener import ask, served

SCOPE = {"type": "http", "method": "GET", "raw_path": b"/", "path": "/", "headers": []}


async def nothing() -> Any:
    """Receive the end of a body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def ignore(_message: Any) -> None:
    """Send nowhere."""


def answering(size: int, body: bytes = b"") -> Any:
    """Return an application with an answer of a size."""

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


@pytest.mark.requirement("X67")
async def test_an_answer_has_one_deadline_for_all_of_it(autojump_clock: MockClock) -> None:
    """Ten seconds, and what its size takes at the least rate; taken, the connection goes on."""
    line = Line()
    began = trio.current_time()
    await unhurried(answering(32 << 10), line)(SCOPE, nothing, ignore)
    assert line.dues == [began + 12.0, float("inf")]


async def test_no_more_than_a_slice_is_copied_at_once() -> None:
    """A large answer goes out in parts, whole and in order."""
    body = bytes(range(256)) * 1024
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    await unhurried(answering(len(body), body))(SCOPE, nothing, send)
    assert b"".join(parts) == body
    assert max(len(part) for part in parts) == 64 << 10


@pytest.mark.parametrize(
    ("headers", "is_read", "found"),
    [
        ({b"content-length": b"2"}, True, b"{}"),
        ({b"content-length": b"2"}, False, None),
        ({b"content-length": b"2", b"expect": b"100-continue"}, True, None),
        ({b"content-length": b"%d" % (SMALL_BODY + 1)}, True, None),
        ({b"transfer-encoding": b"chunked"}, True, None),
        ({}, False, b""),
    ],
    ids=["here", "late", "asks first", "large", "in chunks", "none"],
)
async def test_a_body_is_taken_before_only_where_nothing_is_waited_for(
    headers: dict[bytes, bytes], *, is_read: bool, found: bytes | None
) -> None:
    """A small one that is all here; whatever else comes when somebody wants it."""
    parts = iter([(b"{", True), (b"}", True), (b"", False)])
    received, seen = list[bytes](), list[bytes | None]()

    async def receive() -> Any:
        body, more = next(parts)
        received.append(body)
        return {"type": "http.request", "body": body, "more_body": more}

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope.get(BODY))

    scope = {**SCOPE, "http_version": "1.1", "headers": list(headers.items())}
    line = Line(is_read=is_read)
    await unhurried(application, line)(scope, receive, ignore)
    assert seen == [found]
    assert b"".join(received) == (found or b"")


@pytest.mark.requirement("X67")
async def test_large_answers_are_held_until_they_are_taken() -> None:
    """One connection holds so much, an address a share, and all so much; all is given back."""
    places, held = Places(1000), list[bool]()

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        held.append(scope[HOLD_ANSWER]("a", 150))
        assert places.inside in {0, 150}

    for most, line in ((100, Line()), (400, Line(unsent=150)), (100, Line(unsent=1))):
        before = line.unsent
        await unhurried(application, line, places, most)(SCOPE, nothing, ignore)
        assert line.unsent == before
    assert held == [True, True, False]
    assert (places.inside, places.refused) == (0, 1)


@pytest.mark.requirement("X67")
async def test_who_lets_answers_lie_is_refused_more_and_others_are_not(world: World) -> None:
    """A connection of its own for each; the answer says to come again, and is the last on it."""
    world.app.edge.capacity.answers.most = 2 << 20
    world.app.edge.capacity.answers.share = 1 << 20
    ask = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    async with served(world, Patience()) as port:
        lazy = await unread(port, ask * 10)
        await until_held(world, 1)
        late = await trio.open_tcp_stream("127.0.0.1", port)
        await late.send_all(ask * 3)
        answer = b""
        while part := await late.receive_some(65536):
            answer += part
        assert answer[9:12] == b"503"
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"retry-after: 1" in answer.lower()
        await late.aclose()
        await trio.aclose_forcefully(lazy)
        await until_held(world, 0)
    assert "bitvault_http_answers_refused 1.0" in world.app.metrics.render().decode()


async def unread(port: int, sent: bytes) -> trio.SocketStream:
    """Ask, with little room to receive, and read nothing."""
    plain = trio.socket.socket()
    plain.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
    await plain.connect(("127.0.0.1", port))
    stream = trio.SocketStream(plain)
    await stream.send_all(sent)
    return stream


async def until_held(world: World, answers: int) -> None:
    """Wait until answers are held, or none is."""
    await until(lambda: bool(world.app.edge.capacity.answers.inside) == bool(answers))


@pytest.mark.requirement("X67")
async def test_an_answer_nobody_reads_costs_its_connection(world: World) -> None:
    """When its time is over, pipelined requests or not; what it held is free."""
    world.app.edge.capacity.answers.share = 16 << 20
    async with served(world, Patience(answer=0.1, least_rate=1e9)) as port:
        lazy = [
            await unread(port, b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
            for _ in range(3)
        ]
        await until_held(world, 1)
        await until_held(world, 0)
        await until(lambda: not world.app.edge.capacity.connections.inside)
        for stream in lazy:
            await trio.aclose_forcefully(stream)


@pytest.mark.requirement("X67")
async def test_connections_of_one_address_are_bounded(world: World) -> None:
    """The one too many is told to come again; the metrics count it, and who left makes room."""
    world.app.edge.capacity.connections.share = 2
    async with served(world, Patience()) as port:
        held = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(2)]
        late = await trio.open_tcp_stream("127.0.0.1", port)
        assert (await late.receive_some(65536)).startswith(b"HTTP/1.1 503 ")
        await late.aclose()
        await held[0].aclose()
        places = world.app.edge.capacity.connections
        await until(lambda: places.inside < len(held))
        again = await trio.open_tcp_stream("127.0.0.1", port)
        await again.send_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await again.receive_some(65536))[9:12] == b"200"
        await again.aclose()
        await held[1].aclose()
    assert "bitvault_http_connections_refused 1.0" in world.app.metrics.render().decode()


@pytest.mark.requirement("X67")
async def test_one_too_many_that_has_left_harms_nobody(world: World) -> None:
    """It is gone before it can be told to come again; the others are served as before."""
    world.app.edge.capacity.connections.share = 1
    async with served(world, Patience()) as port:
        held = await trio.open_tcp_stream("127.0.0.1", port)
        await until(lambda: world.app.edge.capacity.connections.inside == 1)
        for _ in range(3):
            late = socket.create_connection(("127.0.0.1", port))  # noqa: ASYNC210 - unaccepted
            late.close()
        await until(lambda: world.app.edge.capacity.connections.refused == 3)
        await held.send_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await held.receive_some(65536))[9:12] == b"200"
        await held.aclose()


@pytest.mark.requirement("X67")
async def test_a_body_that_drips_in_has_one_deadline(
    world: World, autojump_clock: MockClock
) -> None:
    """A byte a second is let in until ten seconds are over: 408, and no room held."""
    scope = scope_with_body()

    async def drip() -> Any:
        await trio.sleep(1)
        return {"type": "http.request", "body": b" ", "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    world.app.config["BODY_TIMEOUT"] = 60
    began = trio.current_time()
    await world.app(scope, drip, send)
    assert sent[0]["status"] == 408
    assert trio.current_time() - began == pytest.approx(10, abs=1)
    assert world.app.edge.capacity.bodies.inside == 0


@pytest.mark.requirement("X67")
async def test_a_body_is_waited_for_from_its_beginning(autojump_clock: MockClock) -> None:
    """A part of it renews nothing; with the last the request is in work until its answer."""
    line, parts = Line(), [b"a", b"b", b""]

    async def drip() -> Any:
        await trio.sleep(1)
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["more_body"]:
            assert line.waited == [float("inf"), began]
        assert line.waited == [float("inf"), began, float("inf")]
        assert line.forgotten == 0

    began = trio.current_time()
    await unhurried(application, line)(SCOPE, drip, ignore)
    assert line.forgotten == 1


async def answering_early(_scope: Any, receive: Any, send: Any) -> None:
    """Answer before the body has come, and receive it meanwhile as Quart does."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await answering(0)({}, nothing, send)
        nursery.cancel_scope.cancel()


@pytest.mark.requirement("X67")
@pytest.mark.parametrize(
    ("length", "taken", "left"), [(16 << 20, 1, math.inf), ((16 << 20) + 1, 0, 5.0)]
)
async def test_the_rest_of_an_answered_body_is_received_up_to_a_size(
    autojump_clock: MockClock, length: int, taken: int, left: float
) -> None:
    """Sixteen MiB; of a larger one nothing is, and the connection ends in five seconds."""
    line, received = Line(), list[Any]()

    async def receive() -> Any:
        received.append(await nothing())
        return received[-1]

    began = trio.current_time()
    scope = {**SCOPE, "headers": [(b"content-length", b"%d" % length)]}
    await unhurried(answering_early, line)(scope, receive, ignore)
    assert len(received) == taken
    assert line.dues == [began + 10, began + left]


@pytest.mark.requirement("X67")
async def test_a_rest_that_does_not_come_ends_the_connection(autojump_clock: MockClock) -> None:
    """Five seconds are waited for it, and then as long for the client to take its answer."""
    line, began = Line(), trio.current_time()
    scope = {**SCOPE, "headers": [(b"content-length", b"9")]}
    await unhurried(answering_early, line)(scope, trio.sleep_forever, ignore)
    assert trio.current_time() == began + 5
    assert line.dues == [began + 10, began + 10]


REFRESH = (
    b"POST /v1/sessions/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Expect: 100-continue\r\nContent-Length: 60000\r\n\r\n"
)


async def sending_body(port: int) -> trio.SocketStream:
    """Ask, and send one byte of the body."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(REFRESH)
    assert (await stream.receive_some(65536)).startswith(b"HTTP/1.1 100 ")
    await stream.send_all(b"{")
    await trio.testing.wait_all_tasks_blocked()
    return stream


@pytest.mark.requirement("X67")
async def test_who_sends_no_body_gives_way_to_a_newcomer(
    world: World, mock_clock: MockClock
) -> None:
    """After a second, a byte now and then or not, the one that has waited longest is cut."""
    places = world.app.edge.capacity.connections
    places.most = places.share = 2
    async with served(world, Patience()) as port:
        first = await sending_body(port)
        mock_clock.jump(0.5)
        second = await sending_body(port)
        mock_clock.jump(0.5)
        await first.send_all(b" ")
        await trio.testing.wait_all_tasks_blocked()
        assert await ask(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") == b"HTTP/1.1 200 "
        assert await gone(first)
        assert places.ended == 1
        await trio.aclose_forcefully(second)


async def gone(stream: trio.SocketStream) -> bool:
    """Wait for the end of a connection; say whether it came without an answer."""
    try:
        return await stream.receive_some(65536) == b""
    except trio.BrokenResourceError:
        return True
    finally:
        await stream.aclose()


@pytest.mark.requirement("X67")
async def test_a_request_whose_body_is_there_keeps_its_place(
    world: World, mock_clock: MockClock
) -> None:
    """However long it is in work; the newcomer is refused."""
    places = world.app.edge.capacity.connections
    places.most = places.share = 1
    world.room.held = trio.Event()
    body = b'{"login":"ann","password":"secret"}'
    async with served(world, Patience()) as port:
        busy = await trio.open_tcp_stream("127.0.0.1", port)
        await busy.send_all(
            b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        await until(lambda: bool(world.room.asked))
        mock_clock.jump(2)
        late = await trio.open_tcp_stream("127.0.0.1", port)
        await until(lambda: bool(places.refused or places.ended))
        assert (places.refused, places.ended) == (1, 0)
        await late.aclose()
        world.room.held.set()
        assert (await busy.receive_some(65536))[9:12] == b"201"
        await busy.aclose()


def scope_with_body() -> Any:
    """Return the scope of a request with a large body."""
    headers = [
        (b"host", b"x"),
        (b"authorization", f"Bearer {TOKEN}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"500000"),
    ]
    return {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/v1/batch", "raw_path": b"/v1/batch", "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 5), "server": None, "extensions": {},
    }  # fmt: skip
