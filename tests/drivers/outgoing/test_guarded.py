"""Outgoing requests against real sockets."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
import trio
import trustme
from attrs import define, field

from bitvault.drivers.outgoing.guard import Allowed
from bitvault.drivers.outgoing.guarded import GuardedOutgoing
from bitvault.drivers.outgoing.port import Blocked, Parcel, Unreachable

HERE = Allowed(networks=(ip_network("127.0.0.0/8"),))


@define(eq=False)
class Server:
    """A server with one answer; keeps the heads it was sent."""

    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    port: int = 0
    heads: list[bytes] = field(factory=list)
    connections: int = 0
    asked: trio.Event = field(factory=trio.Event)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Read one head and answer; without an answer, keep the client waiting."""
        self.connections += 1
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                part = await stream.receive_some(4096)
                if not part:
                    return
                head += part
            self.heads.append(head)
            self.asked.set()
            if not self.answer:
                await trio.sleep_forever()
            await stream.send_all(self.answer)
        except trio.BrokenResourceError:
            return
        finally:
            await trio.aclose_forcefully(stream)


@asynccontextmanager
async def listening(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Let it serve on a port of its own."""
    async with trio.open_nursery() as nursery:
        if tls is None:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        else:
            listeners = await trio.open_ssl_over_tcp_listeners(0, tls, host="127.0.0.1")
        inner = getattr(listeners[0], "transport_listener", listeners[0])
        server.port = inner.socket.getsockname()[1]
        await nursery.start(trio.serve_listeners, server.serve, listeners)
        yield server
        nursery.cancel_scope.cancel()


@define
class Resolver:
    """Answers with one list after the other, and with the last one for ever."""

    answers: list[Sequence[str]]
    asked: int = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Look a name up."""
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return answer


def get(url: str, **options: object) -> Parcel:
    """Return a request."""
    return Parcel("GET", url, **options)  # type: ignore[arg-type]  # a parcel's own fields


async def test_an_answer_is_returned_as_it_came() -> None:
    """Method, path, headers and body go out; status, headers and body come back."""
    async with listening(Server()) as server:
        sent = Parcel("POST", f"http://127.0.0.1:{server.port}/a?b=c", {"x-one": "1"}, b"body")
        answer = await GuardedOutgoing(HERE).send(sent)
    assert (answer.status, answer.body) == (200, b"ok")
    head = server.heads[0].decode().lower()
    assert head.startswith("post /a?b=c http/1.1")
    assert f"host: 127.0.0.1:{server.port}" in head
    assert "x-one: 1" in head
    assert "content-length: 4" in head


@pytest.mark.requirement("X51")
async def test_x51_a_name_with_one_private_address_is_not_asked() -> None:
    """All of a name's addresses are judged before any is dialled."""
    async with listening(Server()) as server:
        resolver = Resolver([["93.184.215.14", "127.0.0.1"]])
        outgoing = GuardedOutgoing(Allowed(), resolver)
        with pytest.raises(Blocked, match="not public"):
            await outgoing.send(get("https://example.org/"))
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://localhost./"],
)
@pytest.mark.requirement("X51")
async def test_x51_no_way_leads_to_this_machine(url: str) -> None:
    """By the system's own resolver."""
    with pytest.raises(Blocked):
        await GuardedOutgoing().send(get(url))


@pytest.mark.requirement("X52")
async def test_x52_a_name_is_looked_up_once_and_the_checked_address_dialled() -> None:
    """What it means a moment later does not matter: the second answer is never asked for."""
    async with listening(Server()) as server:
        resolver = Resolver([["127.0.0.1"], ["127.0.0.2"]])
        outgoing = GuardedOutgoing(Allowed.of("idp.test"), resolver)
        await outgoing.send(get(f"http://idp.test:{server.port}/"))
    assert resolver.asked == 1
    assert f"host: idp.test:{server.port}".encode() in server.heads[0].lower()


@pytest.mark.requirement("X52")
async def test_x52_what_turns_private_is_blocked_the_next_time() -> None:
    """Each request judges anew."""
    outgoing = GuardedOutgoing(Allowed(), Resolver([["169.254.169.254"]]))
    with pytest.raises(Blocked):
        await outgoing.send(get("https://rebinding.test/latest/meta-data"))


async def test_the_certificate_must_be_for_the_name() -> None:
    """The name is sent and verified though an address is dialled; another name's does not do."""
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("idp.test").configure_cert(tls)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    allowed = Allowed(frozenset({"idp.test", "other.test"}), HERE.networks)
    outgoing = GuardedOutgoing(allowed, Resolver([["127.0.0.1"]]), trust)
    async with listening(Server(), tls) as server:
        assert (await outgoing.send(get(f"https://idp.test:{server.port}/"))).body == b"ok"
        with pytest.raises(Unreachable, match="certificate"):
            await outgoing.send(get(f"https://other.test:{server.port}/"))
    assert len(server.heads) == 1


@pytest.mark.requirement("X53")
async def test_x53_a_redirect_is_an_answer_and_not_followed() -> None:
    """Wherever it points."""
    to = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with listening(Server(to)) as server:
        answer = await GuardedOutgoing(HERE).send(get(f"http://127.0.0.1:{server.port}/"))
    assert (answer.status, server.connections) == (302, 1)


@pytest.mark.requirement("X54")
async def test_x54_no_more_is_read_than_was_asked_for() -> None:
    """An answer without end is given up."""
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000
    async with listening(Server(endless)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        with pytest.raises(Unreachable, match="65536 bytes"):
            await GuardedOutgoing(HERE).send(get(url))
        with pytest.raises(Unreachable, match="100 bytes"):
            await GuardedOutgoing(HERE).send(get(url, most_answer=100))


@pytest.mark.requirement("X54")
async def test_x54_who_does_not_answer_is_given_up(autojump_clock: trio.abc.Clock) -> None:
    """At the deadline, from the look-up on; the connection is closed."""
    silent = Server(b"")

    async def forever(_host: str, _port: int) -> Sequence[str]:
        await trio.sleep_forever()
        raise AssertionError

    began = trio.current_time()
    with pytest.raises(Unreachable, match="15 seconds"):
        await GuardedOutgoing(HERE, forever).send(get("https://example.org/"))
    assert trio.current_time() - began == pytest.approx(15)
    assert silent.connections == 0


async def test_who_is_not_there_is_unreachable() -> None:
    """A closed port, and a name that is not known."""
    async with listening(Server()) as server:
        port = server.port
    with pytest.raises(Unreachable, match="cannot be reached"):
        await GuardedOutgoing(HERE).send(get(f"http://127.0.0.1:{port}/"))
    with pytest.raises(Unreachable, match="no address"):
        await GuardedOutgoing(Allowed(), Resolver([[]])).send(get("https://example.org/"))
