"""Overload: what comes on top is refused at once, and the edge serves again when there is room."""

from base64 import b64encode
from typing import Any

import pytest
import trio

from bitvault.actors.identity.contract import OpenSession
from bitvault.actors.sharing.contract import OpenLink
from bitvault.edge.capacity import HASHING_AT_ONCE, Capacity, Gate
from bitvault.edge.rejections import Rejected
from bitvault.http.routes import ENDPOINTS
from bitvault.http.serving import BODY_WANTED
from tests.http.support.lines import unhurried
from tests.http.support.requests import GOOD
from tests.http.support.rooms import ANSWERS, GUEST, ID, TOKEN, World
from tests.http.test_listener import Patience, served

COMMON = b"Host: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
LOGIN = {"login": "ann", "password": "secret"}


async def flood(world: World, nursery: trio.Nursery, count: int, *request: Any) -> list[Any]:
    """Send requests that a held room does not answer; their answers come into the list."""
    answers: list[Any] = []

    async def one() -> None:
        method, path, *body = request
        options = {"json": body[0]} if body else {}
        answers.append(await world.send(method, path, **options))

    for _ in range(count):
        nursery.start_soon(one)
    await trio.testing.wait_all_tasks_blocked()
    return answers


async def test_more_than_can_be_in_work_is_refused_at_once() -> None:
    """503 with Retry-After while the others are served, and everybody afterwards."""
    world = World(requests_at_once=3)
    world.room.held = trio.Event()
    async with trio.open_nursery() as nursery:
        answers = await flood(world, nursery, 10, "GET", "/v1/spaces")
        assert [answer.status_code for answer in answers] == [503] * 7
        body = await answers[0].get_json(force=True)
        assert (body["code"], body["retryable"]) == ("overloaded", True)
        assert answers[0].headers["Retry-After"] == "1"
        assert len(world.room.asked) == 3
        world.room.held.set()
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 7
    assert (await world.send("GET", "/v1/spaces")).status_code == 200
    assert world.app.edge.capacity.requests.inside == 0


async def test_a_crash_and_a_refusal_make_room_again() -> None:
    """However a request ends, its place is free."""
    world = World(requests_at_once=1)
    world.room.crash(RuntimeError("a bug"))
    for _ in range(3):
        assert (await world.send("GET", "/v1/spaces")).status_code == 500
    assert world.app.edge.capacity.requests.inside == 0


@pytest.mark.requirement("X13")
async def test_logins_do_not_take_the_place_of_everything_else(world: World) -> None:
    """A flood of them fills its own few places; other requests are served meanwhile."""
    world.room.held = trio.Event()
    async with trio.open_nursery() as nursery:
        answers = await flood(world, nursery, 100, "POST", "/v1/sessions", LOGIN)
        assert [answer.status_code for answer in answers] == [503] * (100 - HASHING_AT_ONCE)
        assert len([one for one in world.room.asked if isinstance(one, OpenSession)]) == 16
        assert world.app.edge.capacity.bodies.inside == 0
        held, world.room.held = world.room.held, None
        assert (await world.send("GET", "/v1/spaces")).status_code == 200
        held.set()
    assert (await world.send("POST", "/v1/sessions", json=LOGIN)).status_code == 201


@pytest.mark.requirement("X13")
async def test_links_passwords_are_hashed_in_the_few_places_for_that(world: World) -> None:
    """One that is not known yet waits for no place; whoever needs no hash is served meanwhile."""
    basic = {"Authorization": f"Basic {b64encode(b'bvl_token:secret').decode()}"}
    path = f"/v1/files/{ID}"
    with world.app.edge.capacity.hashing.entered(HASHING_AT_ONCE):
        late = await world.send("GET", path, token=None, headers=basic)
        assert (late.status_code, late.headers["Retry-After"]) == (503, "1")
        assert (await world.send("GET", "/metrics", token=None, headers=basic)).status_code == 503
        asked = [one for one in world.room.asked if isinstance(one, OpenLink)]
        assert [one.may_hash for one in asked] == [False, False]
        world.room.answers[OpenLink] = lambda _: GUEST
        known = await world.send("GET", path, token=None, headers=basic)
        assert known.status_code == 200
    world.room.answers[OpenLink] = ANSWERS[OpenLink]
    assert (await world.send("GET", path, token=None, headers=basic)).status_code == 200
    assert world.app.edge.capacity.hashing.inside == 0


@pytest.mark.requirement("X13")
def test_every_route_that_takes_a_password_is_a_hashing_one() -> None:
    """A new one must not be a way to keep the room of identity busy."""
    taking = {
        endpoint.operation_id
        for endpoint in ENDPOINTS
        if any(
            str(name).lower().endswith("password") for name in GOOD[endpoint.operation_id][1] or {}
        )
    }
    assert taking == {e.operation_id for e in ENDPOINTS if e.is_hashing}


async def test_metrics_show_what_is_inside_and_what_was_refused() -> None:
    """An operator sees the overload while it lasts."""
    world = World(requests_at_once=1)
    world.room.held = trio.Event()
    async with trio.open_nursery() as nursery:
        await flood(world, nursery, 3, "GET", "/v1/spaces")
        text = (await (await world.send("GET", "/metrics", peer="127.0.0.1")).get_data()).decode()
        world.room.held.set()
    assert "bitvault_http_requests_inside 1.0" in text
    assert "bitvault_http_requests_refused 2.0" in text


def test_one_user_cannot_hold_all_bodies() -> None:
    """A quarter of the room for bodies is the most that one may take."""
    bodies = Capacity.of(10, body_limit=100).bodies
    with bodies.entered(800, "ann"):
        with pytest.raises(Rejected), bodies.entered(1, "ann"):
            pass
        with bodies.entered(800, "bob"), bodies.entered(800, "cat"), bodies.entered(800, "dan"):
            with pytest.raises(Rejected), bodies.entered(1, "eve"):
                pass
            with bodies.entered(0, "eve"):
                pass
    assert (bodies.inside, bodies.refused) == (0, 2)
    assert not bodies._held


def test_a_gate_is_empty_when_all_have_left() -> None:
    """An error inside counts as leaving."""
    gate = Gate(1)
    with pytest.raises(ZeroDivisionError), gate.entered():
        raise ZeroDivisionError
    gate.check()
    with gate.entered(), pytest.raises(Rejected):
        gate.check()


async def exchanged(world: World, sent: bytes) -> bytes:
    """Send a request on a real connection; return all that comes back."""
    answer = b""
    async with served(world, Patience()) as port:
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(sent)
        while part := await stream.receive_some(65536):
            answer += part
        await stream.aclose()
    return answer


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_who_has_no_token_sends_a_small_body(world: World, framing: str) -> None:
    """A login is short; a larger body is refused whether or not its length was said."""
    body = b'{"login":"ann","password":"' + b"x" * (65 << 10) + b'"}'
    head = b"POST /v1/sessions HTTP/1.1\r\n" + COMMON
    if framing == "length":
        sent = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        sent = head + b"Transfer-Encoding: chunked\r\n\r\n"
        sent += b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    answer = await exchanged(world, sent)
    assert answer[9:12] == b"413"
    assert b"larger than 65536 bytes" in answer
    assert world.room.asked == []


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_large_body_is_received_once_it_is_wanted(world: World, framing: str) -> None:
    """The body of a caller who is known arrives whole, in either framing."""
    operations = b",".join([b'{"op":"mkdir","path":"/%s"}' % (b"x" * 900)] * 800)
    body = b'{"operations":[' + operations + b"]}"
    head = b"POST /v1/batch HTTP/1.1\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode() + COMMON
    if framing == "length":
        sent = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        sent = head + b"Transfer-Encoding: chunked\r\n\r\n"
        sent += b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    answer = await exchanged(world, sent)
    assert answer[9:12] == b"200"
    assert len(world.room.asked[-1].operations) == 800


async def test_a_body_in_chunks_ends_where_the_largest_body_does(world: World) -> None:
    """It is counted as it is read: a sender whose every part is taken at once gets no further."""
    part = b"%x\r\n" % (1 << 20) + b" " * (1 << 20) + b"\r\n"
    head = b"POST /v1/batch HTTP/1.1\r\nAuthorization: Bearer %s\r\n" % TOKEN.encode() + COMMON
    sent = head + b"Transfer-Encoding: chunked\r\n\r\n" + part * 9 + b"0\r\n\r\n"
    answer = await exchanged(world, sent)
    assert answer[9:12] == b"413"
    assert b"larger than %d bytes" % world.app.config["MAX_CONTENT_LENGTH"] in answer
    assert world.room.asked == []


SCOPE = {"type": "http", "method": "POST", "raw_path": b"/", "path": "/"}
LARGE = {**SCOPE, "headers": [(b"content-length", b"1000000")]}
CHUNKED = {**SCOPE, "headers": [(b"transfer-encoding", b"chunked")]}
SMALL = {**SCOPE, "headers": [(b"content-length", b"1000")]}


@pytest.mark.requirement("X67")
@pytest.mark.parametrize(
    ("scope", "waits"), [(LARGE, True), (CHUNKED, True), (SMALL, False)], ids=str
)
async def test_a_stranger_cannot_fill_the_memory(scope: Any, *, waits: bool) -> None:
    """Nothing of a large body is taken from the socket before it is known who sends it."""
    taken: list[bytes] = []

    async def receive() -> Any:
        taken.append(b"x")
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def application(scope: Any, receive: Any, _send: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            assert (taken == []) == waits
            scope[BODY_WANTED].set()
        assert taken

    async def send(_message: Any) -> None:
        """Send nothing."""

    await unhurried(application)(scope, receive, send)


async def test_the_rest_of_a_refused_body_is_dropped() -> None:
    """After the answer it is received, to leave the connection whole, and kept nowhere."""
    parts = [b"a" * 100, b"b" * 100, b""]
    kept: list[bytes] = []

    async def receive() -> Any:
        body = parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        async def collect() -> None:
            while True:
                event = await receive()
                kept.append(event["body"])
                if not event["more_body"]:
                    return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect)
            await send({"type": "http.response.body", "body": b"no"})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await unhurried(application)(LARGE, receive, send)
    assert kept == [b"", b"", b""]
    assert [message["more_body"] for message in sent] == [True, False]
