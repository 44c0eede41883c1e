"""The protocol on real connections: every request has an ordinary answer, and one alone."""

import json
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import hypercorn.protocol.h2
import hypercorn.protocol.h11
import pytest
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, LifespanState
from hypercorn.utils import wrap_app
from trio.testing import MockClock

from bitvault.http.patience import Patience
from bitvault.http.protocol import Http2, Http11
from tests.http.support.lines import until
from tests.http.support.rooms import World
from tests.http.test_listener import served

HOST = b" HTTP/1.1\r\nHost: x\r\n"
SECOND = b"GET /readyz" + HOST + b"\r\n"
KEY = b"websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: "


def test_what_is_overridden_is_still_there() -> None:
    """Private names of Hypercorn that this edge replaces: a new version must still call them."""
    eleven, two = hypercorn.protocol.h11.H11Protocol, hypercorn.protocol.h2.H2Protocol
    for kind, base, names in (
        (Http11, eleven, ("_send_error_response", "_send_h11_event")),
        (Http2, two, ("_create_stream", "_handle_events", "_flush")),
    ):
        for name in names:
            assert getattr(kind, name)
            assert any(name in code.co_names for code in _codes(base)), name


def _codes(base: Any) -> list[Any]:
    return [member.__code__ for member in vars(base).values() if hasattr(member, "__code__")]


async def exchanged(port: int, *sent: bytes) -> bytes:
    """Send bytes, close for writing never; return all until the server closes."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    for part in sent:
        await stream.send_all(part)
    return await received_all(stream)


async def received_all(stream: trio.SocketStream) -> bytes:
    """Receive until the server closes."""
    answer = b""
    while part := await stream.receive_some(65536):
        answer += part
    await stream.aclose()
    return answer


def problem(answer: bytes) -> tuple[int, str]:
    """Return status and code of the only answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert answer.count(b"HTTP/1.1 ") == 1
    return int(head[9:12]), json.loads(body)["code"]


@pytest.mark.requirement("X67")
@pytest.mark.parametrize("upgrade", [KEY, b"websocket\r\n", b"h2c\r\n", b"x\r\n"])
@pytest.mark.parametrize(("path", "status"), [(b"/livez", 200), (b"/v1/me", 401), (b"/no", 404)])
async def test_an_upgrade_is_answered_as_if_it_was_not_asked_for(
    world: World, upgrade: bytes, path: bytes, status: int
) -> None:
    """Through the routes, the limits and the log; the connection goes on with HTTP/1.1."""
    async with served(world, Patience()) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"GET " + path + HOST + UPGRADE + upgrade + b"\r\n")
        answer = await received(stream, b"}")
        assert int(answer[9:12]) == status
        assert b"x-request-id" in answer
        await stream.send_all(SECOND)
        assert (await received(stream, b"}"))[9:12] == b"200"
        await stream.aclose()


async def received(stream: trio.SocketStream, end: bytes) -> bytes:
    """Receive until what came ends so."""
    answer = b""
    while not answer.endswith(end):
        part = await stream.receive_some(65536)
        assert part, answer
        answer += part
    return answer


CHUNKS = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.requirement("X67")
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /livez" + HOST + b"Content-Length: 4\r\n" + CHUNKS + b"\r\n0\r\n\r\n", 400),
        (b"GET /livez" + HOST + CHUNKS + b"Content-Length: 4\r\n\r\n0\r\n\r\n", 400),
        (b"POST /livez HTTP/1.0\r\nHost: x\r\n" + CHUNKS + b"\r\n0\r\n\r\n", 400),
        (b"POST /livez" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /livez" + HOST + CHUNKS + CHUNKS + b"\r\n0\r\n\r\n", 501),
        (b"POST /livez" + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
        (b"POST /livez" + HOST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST /livez" + HOST + b"Content-Length: +4\r\n\r\nabcd", 400),
        (b"POST /livez" + HOST + b"Content-Length : 4\r\n\r\nabcd", 400),
        (b"GET /livez" + HOST + b"X: a\r\n b\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /livez HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        (b"GET /livez" + HOST + b"X: " + b"x" * 40_000 + b"\r\n\r\n", 431),
    ],
    ids=lambda value: repr(value)[2:60].replace("\\r\\n", " ") if isinstance(value, bytes) else "",
)
async def test_what_comes_after_a_doubtful_head_is_never_a_request(
    world: World, head: bytes, status: int
) -> None:
    """One problem as the answer, logged and counted, and the connection is closed."""
    async with served(world, Patience()) as port:
        answer = await exchanged(port, head + SECOND)
        assert problem(answer)[0] == status
        assert b"connection: close" in answer.lower()
    text = world.app.metrics.render().decode()
    assert f'{{method="ANY",route="unreadable",status="{status}"}} 1.0' in text


@pytest.mark.requirement("X67")
async def test_half_a_head_is_answered_when_its_time_is_over(
    world: World, mock_clock: MockClock
) -> None:
    """It came too late (RFC 9110 §15.5.9); where the client has left off itself it is malformed."""
    async with served(world, Patience()) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"GET /livez" + HOST)
        await trio.testing.wait_all_tasks_blocked(0.01)
        mock_clock.jump(11)
        answer = await received_all(stream)
        assert problem(answer) == (408, "request_timeout")
        assert b"connection: close" in answer.lower()
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"GET /livez" + HOST)
        await stream.send_eof()
        assert problem(await received_all(stream)) == (400, "malformed")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (b"/livez", b"HTTP/1.1 200 OK"),
        (b"/v1/me", b"HTTP/1.1 401 Unauthorized"),
        (b"/no", b"HTTP/1.1 404 Not Found"),
        (b"/ x", b"HTTP/1.1 400 Bad Request"),
    ],
)
async def test_a_status_line_says_its_reason(world: World, path: bytes, line: bytes) -> None:
    """Some clients lose an error without it; what the application and the protocol answer."""
    async with served(world, Patience()) as port:
        answer = await exchanged(port, b"GET " + path + HOST + b"Connection: close\r\n\r\n")
        assert answer.partition(b"\r\n")[0] == line


@pytest.mark.parametrize(
    ("line", "more", "status", "code"),
    [
        (b"CONNECT x:1", b"", 501, "not_implemented"),
        (b"CONNECT /livez", b"", 501, "not_implemented"),
        (b"GET *", b"", 400, "malformed"),
        (b"GET ?x", b"", 400, "malformed"),
        (b"GET http://[x/livez", b"", 400, "malformed"),
        (b"GET livez", b"", 400, "malformed"),
        (b"BREW /livez", b"", 405, "method_not_allowed"),
        (b"TRACE /livez", b"", 405, "method_not_allowed"),
        (b"POST /v1/files", b"Expect: magic\r\n", 417, "expectation_failed"),
    ],
)
async def test_what_no_route_serves_is_a_problem(
    world: World, line: bytes, more: bytes, status: int, code: str
) -> None:
    """Odd methods, targets and expectations, never 500."""
    async with served(world, Patience()) as port:
        answer = await exchanged(port, line + HOST + more + b"Connection: close\r\n\r\n")
        assert problem(answer) == (status, code)


@pytest.mark.parametrize(
    "target",
    [b"//livez", b"///livez", b"/%2Flivez", b"/%2flivez?x", b"http://x//livez", b"//v1/me"],
)
async def test_a_path_that_begins_with_two_slashes_is_another(world: World, target: bytes) -> None:
    """A proxy's rule for a path holds for all that is answered as that path."""
    async with served(world, Patience()) as port:
        answer = await exchanged(port, b"GET " + target + HOST + b"Connection: close\r\n\r\n")
        assert problem(answer) == (404, "not_found")


async def test_whole_urls_and_the_server_itself_are_targets(world: World) -> None:
    """RFC 9112 §3.2.2 and §3.2.4."""
    async with served(world, Patience()) as port:
        end = HOST + b"Connection: close\r\n\r\n"
        assert (await exchanged(port, b"GET http://x/livez" + end))[9:12] == b"200"
        assert (await exchanged(port, b"OPTIONS *" + end))[9:12] == b"204"


async def test_who_asks_before_sending_a_body_is_told_only_if_it_is_wanted(world: World) -> None:
    """No token: the refusal at once, no 100, and the connection ends; else 100 and the answer."""
    head = HOST + b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
    async with served(world, Patience()) as port:
        answer = await exchanged(port, b"POST /v1/files" + head + b"Content-Length: 9\r\n\r\n")
        assert problem(answer) == (401, "unauthenticated")
        assert b"connection: close" in answer.lower()
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(b"POST /v1/sessions" + head + b"Content-Length: 35\r\n\r\n")
        assert await received(stream, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await stream.send_all(b'{"login":"ann","password":"secret"}')
        assert (await received(stream, b"}"))[9:12] == b"201"
        await stream.aclose()


async def test_a_client_that_leaves_amid_pipelined_requests_is_forgotten(world: World) -> None:
    """Its connection ends with it, though nobody reads what it had asked beforehand."""
    world.room.held = trio.Event()
    async with served(world, Patience(answer=0.1, rest=0.1)) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all((b"GET /v1/openapi.json" + HOST + b"\r\n") * 50)
        await stream.receive_some(1)
        await trio.aclose_forcefully(stream)
        places = world.app.edge.capacity
        await until(lambda: not (places.connections.inside or places.answers.inside))


# HTTP/2


class Client:
    """A client of HTTP/2 that knows beforehand that it is spoken."""

    def __init__(self, stream: trio.SocketStream, window: int = 65535) -> None:
        self.stream = stream
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration())
        code = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
        self.connection.local_settings = h2.settings.Settings(
            client=True, initial_values={code: window}
        )
        self.connection.initiate_connection()

    async def ask(self, stream_id: int, *headers: tuple[str, str], end: bool = True) -> None:
        """Begin a request."""
        self.connection.send_headers(stream_id, list(headers), end_stream=end)
        await self.flush()

    async def flush(self) -> None:
        """Send what is to be sent."""
        await self.stream.send_all(self.connection.data_to_send())

    async def until(self, kind: type) -> list[Any]:
        """Return the events up to one of a kind; the end of the connection ends them, too."""
        events: list[Any] = []
        while not any(isinstance(event, kind) for event in events):
            data = await self.stream.receive_some(65536)
            if not data:
                break
            events += self.connection.receive_data(data)
            await self.flush()
        return events


def get(path: str, method: str = "GET") -> list[tuple[str, str]]:
    """Return the head of a request."""
    return [(":method", method), (":path", path), (":scheme", "http"), (":authority", "x")]


def status_of(events: list[Any]) -> list[bytes]:
    """Return the statuses of the answers among events."""
    found = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
    return [dict(event.headers)[b":status"] for event in found]


async def test_http2_is_spoken_where_it_is_asked_for(world: World) -> None:
    """Off by default (505); on, to clients with prior knowledge, with few requests at once."""
    async with served(world, Patience(), http2=True) as port:
        client = Client(await trio.open_tcp_stream("127.0.0.1", port))
        await client.ask(1, *get("/livez"))
        events = await client.until(h2.events.StreamEnded)
        assert status_of(events) == [b"200"]
        assert client.connection.remote_settings.max_concurrent_streams == 16
        await client.stream.aclose()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ([(":method", "CONNECT"), (":authority", "x:1")], b"501"),
        ([*get("/livez", "CONNECT"), (":protocol", "websocket")], b"501"),
        (get("/livez", "BREW"), b"405"),
        (get("*", "OPTIONS"), b"204"),
        ([*get("/v1/files", "POST"), ("expect", "magic")], b"417"),
    ],
    ids=["connect", "websocket", "method", "options", "expect"],
)
async def test_odd_requests_over_http2_have_ordinary_answers(
    world: World, head: list[tuple[str, str]], status: bytes
) -> None:
    """CONNECT, with and without :protocol, is a request like any other; the connection goes on."""
    async with served(world, Patience(), http2=True) as port:
        client = Client(await trio.open_tcp_stream("127.0.0.1", port))
        await client.ask(1, *head)
        assert status_of(await client.until(h2.events.StreamEnded)) == [status]
        await client.ask(3, *get("/livez"))
        assert status_of(await client.until(h2.events.StreamEnded)) == [b"200"]
        await client.stream.aclose()


async def test_a_hundred_requests_and_a_tenth_of_all_may_be_given_up() -> None:
    """One more, and the connection ends."""
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    client = h2.connection.H2Connection(h2.config.H2Configuration())
    client.initiate_connection()
    with trio.CancelScope() as over:
        async with TaskGroup() as group:
            protocol = Http2(
                wrap_app(application, 1024, "asgi"), Config(), WorkerContext(None), group,
                ConnectionState(LifespanState({})), False, None, None, send, refuse=no_answer,
            )  # fmt: skip
            await protocol.initiate()
            for number in range(112):
                assert not any(isinstance(event, Closed) for event in sent)
                client.send_headers(2 * number + 1, get("/livez"))
                client.reset_stream(2 * number + 1)
                await protocol.handle(RawData(client.data_to_send()))
            over.cancel()
    assert any(isinstance(event, Closed) for event in sent)


def no_answer(_status: int, _reason: str, _peer: str) -> Any:
    """Refuse to refuse."""
    raise AssertionError


async def test_who_gives_up_request_after_request_is_cut_off(world: World) -> None:
    """Rapid reset (CVE-2023-44487): the client is told to calm down, and holds nothing."""
    async with served(world, Patience(), http2=True) as port:
        client = Client(await trio.open_tcp_stream("127.0.0.1", port))
        for stream_id in range(1, 300, 2):
            client.connection.send_headers(stream_id, get("/livez"), end_stream=True)
            client.connection.reset_stream(stream_id)
        await client.flush()
        ended = (await client.until(h2.events.ConnectionTerminated))[-1]
        assert ended.error_code == 11
        await client.stream.aclose()
    assert world.app.edge.capacity.connections.inside == 0
