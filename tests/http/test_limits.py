"""Rate limits: who is charged what, what a refusal says, and that no route is without a price."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from attrs import evolve
from msgspec.inspect import ListType, Metadata, StructType, VarTupleType, type_info

from bitvault.actors.files.contract import ListSpaces
from bitvault.edge.throttle import Rates
from bitvault.http.endpoint import HEAVY, Endpoint
from bitvault.http.routes import ENDPOINTS
from bitvault.kernel.ids import UserId
from bitvault.kernel.limits import Limit
from tests.http.support.requests import GOOD
from tests.http.support.rooms import ADMIN_TOKEN, GUEST, HASH, ID, World, principal

SLOW = Limit("user", rate=0.5, burst=3)
each = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.operation_id)


def limited(**rates: Limit) -> World:
    """Return an edge with some limits."""
    return World(rates=Rates(**rates))


def by(name: str, rate: float = 0.5, burst: float = 3) -> World:
    """Return an edge with one limit."""
    return limited(**{name: Limit(name, rate, burst)})


async def statuses(world: World, count: int, path: str = "/v1/spaces", **options: Any) -> list[int]:
    """Send the same request some times."""
    return [(await world.send("GET", path, **options)).status_code for _ in range(count)]


@pytest.mark.parametrize("name", ["address", "user", "tenant"])
async def test_too_many_requests_are_a_problem_that_says_when_to_come_back(name: str) -> None:
    """429 with Retry-After; nothing was asked, and the time that was said is enough."""
    world = by(name)
    assert await statuses(world, 3) == [200] * 3
    world.room.asked.clear()
    answer = await world.send("GET", "/v1/spaces")
    body = await answer.get_json(force=True)
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert (body["code"], body["retryable"], body["limit"]) == ("rate_limited", True, name)
    assert (answer.headers["Retry-After"], body["retryAfter"]) == ("2", 2)
    assert world.room.asked == []
    world.time += 2
    assert await statuses(world, 2) == [200, 429]


async def test_every_answer_says_what_is_left() -> None:
    """The two fields of the IETF draft, for each limit that was charged, on a yes and on a no."""
    world = limited(address=Limit("address", 10, 100), user=SLOW)
    yes = await world.send("GET", "/v1/spaces")
    assert yes.headers["RateLimit-Policy"] == '"address";q=100;w=10, "user";q=3;w=6'
    assert yes.headers["RateLimit"] == '"address";r=99;t=1, "user";r=2;t=2'
    await statuses(world, 2)
    no = await world.send("GET", "/v1/spaces")
    assert no.headers["RateLimit"] == '"address";r=96;t=1, "user";r=0;t=6'


async def test_without_limits_nothing_is_said(world: World) -> None:
    """A field about a limit that is not there would be a lie."""
    answer = await world.send("GET", "/v1/spaces")
    assert not [name for name in answer.headers if name[0].startswith("RateLimit")]


@pytest.mark.requirement("X57")
async def test_an_address_is_charged_before_anything_is_known_of_it() -> None:
    """Strangers, wrong paths and pages count too, and other addresses do not notice."""
    world = by("address")
    assert await statuses(world, 1, "/v1/nowhere") == [404]
    assert await statuses(world, 1, token="no token at all") == [401]
    assert await statuses(world, 1, "/v1/docs", token=None) == [200]
    assert await statuses(world, 1) == [429]
    assert await statuses(world, 1, peer="203.0.113.10") == [200]


async def test_probes_are_never_limited() -> None:
    """Whatever asks whether the daemon lives may ask as often as it likes."""
    world = by("address")
    assert set(await statuses(world, 20, "/livez")) == {200}
    assert set(await statuses(world, 20, "/readyz")) == {200}


async def test_a_limited_user_is_limited_from_everywhere() -> None:
    """The user's limit does not look at the address."""
    world = by("user")
    assert await statuses(world, 3) == [200] * 3
    assert await statuses(world, 1, peer="203.0.113.10") == [429]


async def test_guests_spend_nothing_of_the_tenants_users() -> None:
    """They have a limit for each link, and one for all links of the tenant together."""
    world = limited(link=Limit("link", 0.5, 2), tenant=Limit("tenant", 0.5, 3), user=SLOW)
    user = world.room.principal
    one, other = (evolve(GUEST, user_id=UserId(UUID(int=number))) for number in (1, 2))
    path = f"/v1/files/{ID}"
    got = []
    for who in (one, one, one, other, other, user):
        world.room.principal = who
        answer = await world.send("GET", path)
        limit = (await answer.get_json(force=True)).get("limit")
        got.append((answer.status_code, limit))
    assert got == [(200, None)] * 2 + [(429, "link"), (200, None), (429, "guests"), (200, None)]
    assert '"tenant";r=2' in answer.headers["RateLimit"]


async def test_what_is_refused_spends_nothing_of_the_others() -> None:
    """A user who has to wait does not use up what the tenant may spend."""
    world = limited(user=SLOW, tenant=Limit("tenant", 1, 10))
    await statuses(world, 20)
    answer = await world.send("GET", "/v1/spaces")
    assert '"tenant";r=7' in answer.headers["RateLimit"]


async def test_a_flood_of_addresses_frees_nobody() -> None:
    """Who has to wait waits on while thousands of others come by."""
    world = by("address", rate=0.001)
    world.app.edge.throttle.limits.most = 100  # type: ignore[attr-defined]  # the one in memory
    await statuses(world, 3)
    for number in range(1000):
        await world.send("GET", "/v1/nowhere", peer=f"10.0.{number // 250}.{number % 250}")
    assert await statuses(world, 1) == [429]


@pytest.mark.requirement("X57")
async def test_neighbours_in_one_ipv6_network_are_one_client() -> None:
    """A /64 has more addresses than any limit."""
    world = by("address")
    peers = [f"2001:db8::{number:x}" for number in range(4)]
    answers = [(await world.send("GET", "/v1/spaces", peer=peer)).status_code for peer in peers]
    assert answers == [200, 200, 200, 429]


@pytest.mark.requirement("X57")
@each
async def test_every_route_is_charged_to_its_user_and_tenant(endpoint: Endpoint) -> None:
    """By its declared price; the open ones are charged to the address alone."""
    world = limited(address=Limit("address", 1, 1000), tenant=Limit("tenant", 1, 1000))
    path, body = GOOD[endpoint.operation_id]
    options = {} if body is None else {"json": body}
    answer = await world.send(endpoint.method, path, **options)
    left = answer.headers["RateLimit"]
    assert f'"address";r={1000 - endpoint.cost};' in left
    assert (f'"tenant";r={1000 - endpoint.cost};' in left) == (not endpoint.is_open)


@each
def test_a_route_that_takes_a_list_says_what_its_items_cost(endpoint: Endpoint) -> None:
    """A new batch without a price per item would be a way around every limit."""
    if any(is_list(member.type) for member in members(endpoint.body)):
        assert endpoint.items is not None


_LONG = 10
"""Items, from which on they cost something."""


def members(shape: Any) -> Iterator[Any]:
    """Yield the members of a body."""
    info = type_info(shape)
    assert isinstance(info, StructType)
    yield from info.fields


def is_list(kind: Any) -> bool:
    """Say whether a member is a list that may be long."""
    bare = kind.type if isinstance(kind, Metadata) else kind
    return isinstance(bare, VarTupleType | ListType) and (bare.max_length or _LONG) >= _LONG


FILE = {"path": "/a.txt", "size": 3, "hash": HASH}
BATCHES = {
    "/v1/files/batch": {"items": [FILE] * 40},
    "/v1/files/commits": {"items": [{"uploadId": str(ID), "hash": HASH}] * 40},
    "/v1/files/aborts": {"items": [{"uploadId": str(ID)}] * 40},
    "/v1/files/content": {"items": [{"path": "/a.txt"}] * 40},
    "/v1/batch": {"operations": [{"op": "mkdir", "path": "/n"}] * 40},
}


@pytest.mark.parametrize("path", BATCHES)
async def test_a_batch_costs_its_items(path: str) -> None:
    """Forty in one request and forty requests are the same to the user's limit."""
    world = by("user", rate=1, burst=100)
    body = msgspec.to_builtins(BATCHES[path])
    answers = [await world.send("POST", path, json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[1].headers["RateLimit"] == '"user";r=20;t=80'
    assert answers[2].headers["Retry-After"] == "20"


def test_what_hashes_a_password_or_walks_a_tree_is_dear() -> None:
    """These take many times the work of any other request."""
    dear = {endpoint.operation_id for endpoint in ENDPOINTS if endpoint.cost == HEAVY}
    hashing = {"open_session", "change_password", "create_user", "create_tenant"}
    hashing |= {"create_link", "change_link", "accept_invitation", "use_reset"}
    rest = {
        "copy_node",
        "replay_dead_letters",
        "export_tenant",
        "begin_device",
        "propose_own_email",
        "explain_access",
        "list_jobs",
        "preview_access",
    }
    asking_others = {"add_identity_provider", "begin_sign_in", "finish_sign_in"}
    assert dear == hashing | asking_others | rest


async def test_users_of_a_tenant_share_its_limit() -> None:
    """The tenant's limit is one for all of its users, whatever each may still spend."""
    world = by("tenant")
    assert await statuses(world, 2) == [200, 200]
    assert await statuses(world, 2, token=ADMIN_TOKEN) == [200, 429]
    assert len([one for one in world.room.asked if isinstance(one, ListSpaces)]) == 3


async def test_a_tenants_own_limit_stands_in_for_that_of_the_settings() -> None:
    """Whoever comes with it is charged under it, though the settings limit nobody."""
    world, own = World(), Limit("tenant", 0.5, 2)
    world.room.principal = evolve(principal(), limit=own)
    assert await statuses(world, 3) == [200, 200, 429]
    assert await statuses(world, 3, token=ADMIN_TOKEN) == [200] * 3
