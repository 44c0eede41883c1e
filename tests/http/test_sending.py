"""How an answer travels: in one write, and nothing but its deadline ends it halfway."""

import json
import logging
from typing import Any

import pytest
import quart.asgi
import structlog
import trio
from attrs import define, field
from hypercorn.config import Config
from hypercorn.events import Closed, RawData
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, LifespanState
from hypercorn.utils import wrap_app
from quart_trio.asgi import TrioASGIHTTPConnection
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from bitvault.daemon.logs import configure
from bitvault.http.app import Application
from bitvault.http.direct import Direct
from bitvault.http.patience import Patience, PatientStream
from bitvault.http.protocol import Http11
from bitvault.kernel.settings import Log
from tests.http.support.lines import until
from tests.http.support.rooms import TOKEN, World
from tests.http.test_listener import served

HEAD = {"type": "http.response.start", "status": 200}
LENGTH = [(b"content-length", b"6")]


@define
class Wire:
    """What an HTTP/1.1 connection writes, write by write."""

    writes: list[bytes] = field(factory=list)
    is_closed: bool = False

    async def send(self, event: Any) -> None:
        """Note what is sent."""
        if isinstance(event, RawData):
            self.writes.append(bytes(event.data))
        self.is_closed |= isinstance(event, Closed)

    async def ask(self, request: bytes, *answer: Any) -> None:
        """Send a request to an application that answers with these messages."""

        async def application(_scope: Any, _receive: Any, send: Any) -> None:
            for message in answer:
                await send(message)

        async with TaskGroup() as group:
            protocol = Http11(
                wrap_app(application, 1024, "asgi"), Config(), WorkerContext(None), group,
                ConnectionState(LifespanState({})), False, None, None, self.send,
                refuse=no_answer, http2=False,
            )  # fmt: skip
            await protocol.handle(RawData(request + b" / HTTP/1.1\r\nHost: x\r\n\r\n"))


def no_answer(_status: int, _reason: str, _peer: str) -> Any:
    """Refuse nothing: these requests can be read."""
    raise AssertionError


def body(part: bytes, *, more: bool = False) -> Any:
    """Return a message with a part of a body."""
    return {"type": "http.response.body", "body": part, "more_body": more}


async def test_a_small_answer_is_one_write() -> None:
    """Head, body and end together; the framework's empty last message writes nothing."""
    wire = Wire()
    await wire.ask(b"GET", {**HEAD, "headers": LENGTH}, body(b"answer", more=True), body(b""))
    (write,) = wire.writes
    assert write.startswith(b"HTTP/1.1 200 OK\r\n")
    assert write.endswith(b"\r\n\r\nanswer")
    assert not wire.is_closed


async def test_an_answer_without_a_body_is_one_write() -> None:
    """HEAD has the head alone, with the length of what GET would have."""
    wire = Wire()
    await wire.ask(b"HEAD", {**HEAD, "headers": LENGTH}, body(b"answer"))
    (write,) = wire.writes
    assert b"content-length: 6\r\n" in write
    assert write.endswith(b"\r\n\r\n")


async def test_parts_follow_the_head_as_they_come() -> None:
    """A chunked body keeps its framing: the head goes with the first part, the end by itself."""
    wire = Wire()
    await wire.ask(b"GET", {**HEAD, "headers": []}, body(b"one", more=True), body(b"two"))
    first, second, end = wire.writes
    assert first.endswith(b"\r\n\r\n3\r\none\r\n")
    assert (second, end) == (b"3\r\ntwo\r\n", b"0\r\n\r\n")


async def test_an_answer_that_breaks_off_ends_its_connection() -> None:
    """A head whose body never comes is not sent as if it was whole."""
    wire = Wire()
    await wire.ask(b"GET", {**HEAD, "headers": LENGTH})
    assert wire.is_closed
    assert wire.writes == []


@pytest.mark.requirement("X67")
async def test_a_cancelled_answer_is_sent_whole() -> None:
    """Half of it would spoil the connection; one that waits behind another is sent, too."""
    client, server = memory_stream_pair()
    deliver: Any = server.send_stream.send_all_hook

    async def deliver_later() -> None:
        await trio.lowlevel.checkpoint()
        await deliver()

    server.send_stream.send_all_hook = deliver_later
    stream = PatientStream(server, Patience())
    sent = list[bytes]()

    async def send(answer: bytes) -> None:
        await stream.send_all(answer)
        sent.append(answer)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, b"first")
        nursery.start_soon(send, b"other")
        nursery.cancel_scope.cancel()
    assert len(sent) == 2
    assert await client.receive_some(100) == b"".join(sent)


@pytest.mark.requirement("X67")
async def test_the_deadline_of_the_whole_answer_ends_a_write(autojump_clock: MockClock) -> None:
    """However much longer the bytes of this write alone might take."""
    _client, server = lockstep_stream_pair()
    stream = PatientStream(server, Patience(), answer_due=3.0)
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"answer")
    assert trio.current_time() == 3.0


@pytest.mark.requirement("X67")
@pytest.mark.parametrize(
    "request_body",
    [b"\r\n", b"Content-Length: 2\r\n\r\n{}", b"Content-Length: 2\r\n\r\n{"],
    ids=["none", "all", "half"],
)
async def test_a_client_that_leaves_cancels_its_request(world: World, request_body: bytes) -> None:
    """However much of a body came: what it asked for is given up, and holds nothing any more."""
    world.room.held = trio.Event()
    token = f"Authorization: Bearer {TOKEN}\r\n".encode()
    async with served(world, Patience()) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        head = b"GET /v1/spaces HTTP/1.1\r\nHost: x\r\n" + token
        await stream.send_all(head + request_body)
        capacity = world.app.edge.capacity
        await until(lambda: bool(world.room.asked))
        assert (capacity.connections.inside, capacity.requests.inside) == (1, 1)
        await trio.aclose_forcefully(stream)
        await until(lambda: not (capacity.connections.inside or capacity.requests.inside))
    assert not world.room.held.is_set()


def test_what_requests_without_a_body_lean_on_is_still_there() -> None:
    """Private names of Quart 0.22 and Quart-Trio 0.12: a new version must still call them."""
    base = quart.asgi.ASGIHTTPConnection
    assert "_create_request_from_scope" in TrioASGIHTTPConnection.__call__.__code__.co_names
    assert "_send_response" in TrioASGIHTTPConnection.handle_request.__code__.co_names
    assert "set_complete" in base.handle_messages.__code__.co_names
    assert Application.asgi_http_class is Direct


@pytest.mark.parametrize("level", ["info", "warning"])
def test_a_log_line_is_json(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the time, what JSON has no form for as Python shows it, and a traceback as text."""
    before, root = structlog.get_config(), logging.getLogger().level
    try:
        configure(Log(format="json", level=level))
        structlog.get_logger("x").warning("odd", what={1: Wire}, exc_info=ValueError("no"))
        structlog.get_logger("x").debug("hidden")
    finally:
        structlog.configure(**before)
        logging.getLogger().setLevel(root)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("odd", "warning")
    assert line["what"] == {"1": repr(Wire)}
    assert line["exception"].endswith("ValueError: no")
    assert line["timestamp"].endswith("Z")
