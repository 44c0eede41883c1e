"""What browsers are told: what may run, who may read, and that no request rides on a cookie."""

import json
from typing import Any

import pytest

from bitvault.edge.throttle import Rates
from bitvault.http.app import openapi_document
from bitvault.http.browsers import Browsers
from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import ENDPOINTS
from bitvault.http.routes.health import PAGES
from bitvault.kernel.limits import Limit
from tests.http.support.requests import GOOD
from tests.http.support.rooms import ID, TOKEN, World

OURS, THEIRS = "https://files.example.org", "https://evil.example"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def world_of(*origins: str, **more: Any) -> World:
    """Return an edge that lets pages of some origins in."""
    return World(browsers=Browsers(origins), **more)


@pytest.mark.requirement("X37", "X43")
@pytest.mark.parametrize(
    "path", [*PAGES, "/", "/livez", "/v1/openapi.json", "/v1/nowhere", "/v1/me", "/v1/spaces"]
)
@pytest.mark.parametrize("token", [None, TOKEN], ids=["stranger", "known"])
async def test_every_answer_is_guarded(world: World, path: str, token: str | None) -> None:
    """Each header once, on a page, an answer and a refusal; nothing inline, nothing framed."""
    answer = await world.send("GET", path, token=token)
    for name, value in EVERYWHERE.items():
        assert answer.headers.getlist(name) == [value]
    (policy,) = answer.headers.getlist("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Set-Cookie" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.requirement("X64")
async def test_https_is_for_good() -> None:
    """A server that is reached by HTTPS says so for a year."""
    world = World(browsers=Browsers(is_https=True))
    answer = await world.send("GET", "/v1/spaces")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.requirement("X10", "X11")
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.operation_id)
async def test_a_cookie_proves_nothing(world: World, endpoint: Endpoint) -> None:
    """X11: no route takes a token from what a browser sends by itself."""
    path, body = GOOD[endpoint.operation_id]
    options = {} if body is None else {"json": body}
    cookie = {"Cookie": f"token={TOKEN}; session={TOKEN}; Authorization=Bearer {TOKEN}"}
    answer = await world.send(endpoint.method, path, token=None, headers=cookie, **options)
    assert (answer.status_code == 401) != endpoint.is_open


@pytest.mark.requirement("X11")
@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_form_of_another_page_is_no_request(world: World, media: str) -> None:
    """What a page may send without asking first is not JSON, and is not read as JSON."""
    answer = await world.send(
        "POST",
        "/v1/sessions",
        data=b'{"login":"a","password":"b"}',
        headers={"Content-Type": media},
    )
    assert (answer.status_code, world.room.asked) == (415, [])


async def test_pages_of_other_origins_are_let_in_by_name() -> None:
    """The origin itself, never a star; what it may read is listed."""
    world = world_of(OURS)
    answer = await world.send("GET", "/v1/spaces", headers={"Origin": OURS})
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.requirement("X11")
@pytest.mark.parametrize(
    ("allowed", "origin"),
    [((), OURS), ((OURS,), THEIRS), ((OURS,), "null"), ((OURS,), OURS + ".evil.example")],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_all_others_are_not(allowed: tuple[str, ...], origin: str, method: str) -> None:
    """Neither an answer nor a preflight names them."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    answer = await world_of(*allowed).send(method, "/v1/spaces", headers=headers)
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


async def test_a_preflight_lists_methods_and_headers() -> None:
    """Without a token, and for the methods of that very path."""
    headers = {"Origin": OURS, "Access-Control-Request-Method": "PATCH"}
    answer = await world_of(OURS).send("OPTIONS", f"/v1/files/{ID}", token=None, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "600"


async def test_a_refusal_can_be_read_too() -> None:
    """A page must see that it was limited, and until when."""
    world = world_of(OURS, rates=Rates(address=Limit("address", 0.5, 1)))
    for _ in range(2):
        answer = await world.send("GET", "/v1/spaces", headers={"Origin": OURS})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (429, OURS)
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.requirement("X64")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example:8080", 401),
        ("127.0.0.1.evil.example", 401),
        ("", 401),
    ],
)
async def test_a_name_that_leads_here_is_not_this_machine(
    world: World, host: str, status: int
) -> None:
    """DNS rebinding: a page whose name was made to lead to loopback reads nothing of the inside."""
    answer = await world.send(
        "GET", "/v1/status", token=None, peer="127.0.0.1", headers={"Host": host}
    )
    assert answer.status_code == status


@pytest.mark.requirement("X58")
async def test_an_address_cannot_be_claimed_in_a_header(world: World) -> None:
    """The framework keeps the peer's address among the headers; a client's own does not win."""
    headers = {"Remote-Addr": "127.0.0.1"}
    answer = await world.send("GET", "/v1/status", token=None, headers=headers)
    assert answer.status_code == 401


@pytest.mark.requirement("X16")
@pytest.mark.parametrize(
    "path", ["/", "//evil.example", "/\\evil.example", "/?next=//evil.example"]
)
async def test_nobody_is_sent_to_where_a_request_says(world: World, path: str) -> None:
    """No address of a page travels in a request, so there is none to be sent to."""
    answer = await world.send("GET", path, headers={"Host": "evil.example"})
    assert answer.headers.get("Location", "/status") == "/status"


@pytest.mark.requirement("X16")
def test_no_route_takes_a_place_to_go_on_to() -> None:
    """A parameter that could say where to send a browser has to prove here that it does not.

    That of a sign-in does in the tests of the room: it leads to this server or the own machine.
    """
    document = json.loads(openapi_document())
    places = {"next", "return", "returnto", "return_to", "redirect", "continue", "goto", "url"}
    found = [
        parameter
        for path in document["paths"].values()
        for operation in path.values()
        if operation["operationId"] != "begin_sign_in"
        for parameter in operation.get("parameters", ())
        if parameter["name"].lower() in places and parameter["schema"].get("type") != "boolean"
    ]
    assert found == []
