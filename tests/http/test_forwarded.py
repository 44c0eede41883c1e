"""X58: who a request comes from, behind proxies that are known and from peers that are not."""

import pytest
from structlog.testing import capture_logs
from werkzeug.datastructures import Headers

from bitvault.actors.identity.contract import OpenSession
from bitvault.edge.throttle import Rates
from bitvault.http.forwarded import FORWARDED, X_FORWARDED_FOR, Proxies
from bitvault.kernel.addresses import networks
from bitvault.kernel.limits import Limit
from tests.http.support.rooms import World
from tests.support import logs

TRUSTED = networks("10.0.0.0/8, 2001:db8:ffff::/48, 127.0.0.1")
PROXY = "10.0.0.1"


def plain(*lines: str) -> Headers:
    """Return X-Forwarded-For, one header for each line."""
    return Headers([(X_FORWARDED_FOR, line) for line in lines])


@pytest.mark.requirement("X58")
@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("203.0.113.9", plain(), "203.0.113.9"),
        ("203.0.113.9", plain("198.51.100.1"), "203.0.113.9"),
        (PROXY, plain(), PROXY),
        (PROXY, plain(""), PROXY),
        (PROXY, plain("198.51.100.1"), "198.51.100.1"),
        (PROXY, plain("1.1.1.1, 198.51.100.1"), "198.51.100.1"),
        (PROXY, plain("1.1.1.1", "198.51.100.1"), "198.51.100.1"),
        (PROXY, plain("1.1.1.1, 198.51.100.1, 10.9.9.9"), "198.51.100.1"),
        (PROXY, plain("10.1.1.1, 198.51.100.1"), "198.51.100.1"),
        (PROXY, plain("10.7.7.7, 10.9.9.9"), "10.7.7.7"),
        (PROXY, plain("198.51.100.1:4711"), "198.51.100.1"),
        (PROXY, plain("2001:db8::1"), "2001:db8::1"),
        (PROXY, plain("[2001:db8::1]:443"), "2001:db8::1"),
        (PROXY, plain("::ffff:198.51.100.1"), "198.51.100.1"),
        ("::ffff:10.0.0.1", plain("198.51.100.1"), "198.51.100.1"),
        ("2001:db8:ffff::7", plain("198.51.100.1"), "198.51.100.1"),
        (PROXY, plain("1.1.1.1, unknown"), PROXY),
        (PROXY, plain("1.1.1.1, evil\x1b[31m"), PROXY),
        (PROXY, plain("1.1.1.1, 999.0.0.1"), PROXY),
        (PROXY, plain("1.1.1.1,"), PROXY),
        (PROXY, plain("1.1.1.1, unknown, 10.9.9.9"), "10.9.9.9"),
        (PROXY, plain(", ".join(["10.1.1.1"] * 5000)), "10.1.1.1"),
        ("", plain("198.51.100.1"), ""),
        (PROXY, Headers({FORWARDED: "for=198.51.100.1"}), PROXY),
    ],
)
def test_the_client_is_the_rightmost_that_is_no_proxy(
    peer: str, headers: Headers, client: str
) -> None:
    """What the client wrote itself stands left of what the first proxy added, and is not read."""
    assert Proxies(TRUSTED).client(peer, headers) == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ("For=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1"),
        ('proto=https; for="198.51.100.1:4711"', "198.51.100.1"),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ('for="[2001:db8::1]"', "2001:db8::1"),
        ("for=1.1.1.1, for=198.51.100.1", "198.51.100.1"),
        ("for=198.51.100.1, for=10.9.9.9", "198.51.100.1"),
        ('for=", for=198.51.100.1', "198.51.100.1"),
        ("for=1.1.1.1, for=_hidden", PROXY),
        ("for=1.1.1.1, for=unknown", PROXY),
        ("for=1.1.1.1, proto=https", PROXY),
        ("for=1.1.1.1, rubbish", PROXY),
        ("198.51.100.1", PROXY),
    ],
)
def test_the_standard_header_is_read_the_same_way(value: str, client: str) -> None:
    """RFC 7239; an open quote of the client's does not swallow what the proxy wrote after it."""
    headers = Headers({FORWARDED: value, X_FORWARDED_FOR: "1.1.1.1"})
    assert Proxies(TRUSTED, FORWARDED).client(PROXY, headers) == client


@pytest.mark.requirement("X58")
@pytest.mark.parametrize(
    ("peer", "address"), [(PROXY, "198.51.100.1"), ("203.0.113.9", "203.0.113.9")]
)
async def test_rooms_limits_and_the_log_see_the_same_address(peer: str, address: str) -> None:
    """The client's behind a proxy of ours; a stranger's own, whatever it writes."""
    logs.configure()
    world = World(proxies=Proxies(TRUSTED), rates=Rates(address=Limit("address", 0.1, 30)))
    forged = {"X-Forwarded-For": "198.51.100.1"}
    body = {"login": "ann", "password": "secret"}
    with capture_logs() as lines:
        answers = [
            await world.send("POST", "/v1/sessions", json=body, peer=peer, headers=forged)
            for _ in range(4)
        ]
    asked = world.room.asked[0]
    assert isinstance(asked, OpenSession)
    assert asked.origin.address == address
    assert {line["address"] for line in lines if line["event"] == "request"} == {address}
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    direct = await world.send("GET", "/v1/spaces", peer=address)
    assert direct.status_code == 429


async def test_an_unknown_proxy_is_pointed_out_once() -> None:
    """Behind a proxy nobody configured all clients look like one: the log says what to set."""
    logs.configure()
    world = World(proxies=Proxies(TRUSTED))
    with capture_logs() as lines:
        for peer in (PROXY, "203.0.113.9", "203.0.113.9"):
            await world.send("GET", "/livez", peer=peer, headers={"X-Forwarded-For": "1.1.1.1"})
    (notice,) = [line for line in lines if line["log_level"] == "warning"]
    assert (notice["peer"], notice["setting"]) == ("203.0.113.9", "server.trusted_proxies")


@pytest.mark.requirement("X58", "X64")
@pytest.mark.parametrize("chain", ["127.0.0.1", "198.51.100.1", "unknown"])
async def test_who_comes_through_a_proxy_is_never_local(chain: str) -> None:
    """The inside is not shown to whoever can make a proxy on this machine say 127.0.0.1."""
    world = World(proxies=Proxies(TRUSTED))
    headers = {"X-Forwarded-For": chain}
    answer = await world.send("GET", "/v1/status", token=None, peer="127.0.0.1", headers=headers)
    assert answer.status_code == 401
