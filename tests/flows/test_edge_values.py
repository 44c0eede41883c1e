"""Values at the edge of their range, in every field of every route, to the real daemon."""

import json
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import httpx
import msgspec
import pytest
from attrs import frozen

from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import ENDPOINTS
from bitvault.http.scim.faults import MEDIA
from tests.flows.belongings import Belongings, make
from tests.flows.matrix import Example, endpoint_of
from tests.flows.people import PASSWORD, TENANTS
from tests.flows.walls import ROUTES, closed
from tests.http.support.requests import GOOD
from tests.support.daemon import Daemon

TEXTS = ["", "\t", "a\0b", "\ud800", "\u0378", "\U0001e4d0", "e\u0301" * 90, "x" * 20_000, "null"]
"""NUL, half a pair, what is not assigned, a letter of Unicode 15; lengths."""
NUMBERS = [-1, 0, 1e3, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, -(1 << 63), 10**30]
MOMENTS = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-02T00:00:00Z",
    "9999-12-30T23:59:59.999999Z",
    "9999-12-31T23:59:59.999999Z",
    "253402300800",
]
OTHERS: list[Any] = [None, [], {"a\0": 1}]
WITH_FIELDS = [
    each
    for each in ENDPOINTS
    if (each.has_body and not each.takes_form) or msgspec.structs.fields(each.query)
]


@frozen
class Odd:
    """One request: where the value stands, and what is sent."""

    place: str
    method: str
    path: str
    body: Any


@frozen
class Subject:
    """An admin of a tenant of its own, with one of everything in it."""

    client: httpx.Client
    owned: Belongings


@pytest.fixture(scope="module")
def subject(standing: Daemon) -> Iterator[Subject]:
    """Settle a tenant that nobody else looks at."""
    name = f"edge{uuid4().hex[:12]}"
    account = {"login": name, "password": PASSWORD}
    with standing.client() as operator:
        operator.post(TENANTS, json={"name": name, **account}).raise_for_status()
    opened = httpx.post(f"{standing.url}/v1/sessions", json={"tenant": name, **account}, timeout=30)
    headers = {"Authorization": f"Bearer {opened.raise_for_status().json()['token']}"}
    with httpx.Client(base_url=standing.url, headers=headers, timeout=60) as client:
        yield Subject(client, make(client, "edge"))


def example_of(endpoint: Endpoint) -> Example:
    """Return a good request: with ids of the tenant's own, if the route takes some."""
    examples = [one for one in ROUTES if endpoint_of(one).operation_id == endpoint.operation_id]
    return [*examples, (endpoint.method, *GOOD[endpoint.operation_id])][0]


def within(kind: Any) -> Iterator[type]:
    """Yield the types that a member's type is made of."""
    if isinstance(kind, type) and not get_args(kind):
        yield kind
    for one in get_args(kind):
        yield from within(one)


def values_for(kinds: set[type]) -> list[Any]:
    """Return what is at the edge of a member's kind, and what is of another one."""
    names = {kind.__name__ for kind in kinds}
    found: list[Any] = [*OTHERS]
    found += MOMENTS if "datetime" in names else TEXTS
    return found + (NUMBERS if names & {"int", "float"} else [1 << 63])


def bodies(shape: Any, good: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every member's place, and the body with each odd value in it."""
    good = good if isinstance(good, dict) else {}
    for member in msgspec.structs.fields(shape):
        name = member.encode_name
        here, kinds = f"{place}{name}", set(within(member.type))
        for value in values_for(kinds):
            yield here, {**good, name: value}
        is_list = "tuple" in str(member.type)
        inner = good.get(name)
        for kind in kinds:
            if issubclass(kind, msgspec.Struct):
                tag = kind.__struct_config__.tag
                first = inner[0] if isinstance(inner, list) and inner else inner
                base = {"op": tag} if tag else first
                for there, body in bodies(kind, base, f"{here}."):
                    yield there, {**good, name: [body] if is_list else body}


def odd_requests(endpoint: Endpoint) -> Iterator[Odd]:
    """Yield every request with one odd value, in the query string or in the body."""
    method, path, good = example_of(endpoint)
    bare, _, text = path.partition("?")
    for member in msgspec.structs.fields(endpoint.query):
        others = [(name, one) for name, one in parse_qsl(text) if name != member.encode_name]
        for value in values_for(set(within(member.type))):
            if value != "\ud800":
                shown = value if isinstance(value, str) else json.dumps(value)
                query = urlencode([*others, (member.encode_name, shown)], safe="{}")
                if len(query) < 8000:
                    yield Odd(member.encode_name, method, f"{bare}?{query}", good)
    if endpoint.has_body:
        for place, body in bodies(endpoint.body, good):
            yield Odd(place, method, path, body)


def wrong_with(odd: Odd, reply: httpx.Response, endpoint: Endpoint) -> str:
    """Return what is wrong with an answer."""
    told = f"{odd.method} {odd.path[:80]} {odd.place} {ascii(odd.body)[:200]}: {reply.text[:300]}"
    if reply.status_code >= 500 and reply.status_code not in endpoint.answers:
        return told
    if reply.status_code == 400 and endpoint.media != MEDIA:
        problem = reply.json()
        if problem["code"] == "invalid" and not problem["detail"].startswith(problem["field"]):
            return told
    return ""


@pytest.mark.slow
@pytest.mark.requirement("X18", "X59")
@pytest.mark.parametrize("endpoint", WITH_FIELDS, ids=lambda each: each.operation_id)
def test_no_value_breaks_a_route(subject: Subject, endpoint: Endpoint) -> None:
    """It is taken, or refused by the name of its field; never a failure of the server."""
    found, statuses = [], set()
    for odd in odd_requests(endpoint):
        path, body = subject.owned.fill(odd.path), subject.owned.fill(odd.body)
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        reply = subject.client.request(odd.method, path, content=raw, headers=headers)
        statuses.add(reply.status_code)
        found.append(wrong_with(odd, reply, endpoint))
    assert statuses - {401, 403, 429}, statuses
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.slow
def test_everything_can_be_read_afterwards(subject: Subject) -> None:
    """What was taken breaks no list and no single answer."""
    bad = []
    for endpoint, (method, path, _) in closed():
        if endpoint.is_safe and method == "GET":
            reply = subject.client.get(subject.owned.fill(path))
            if reply.status_code >= 500:
                bad.append(f"{path}: {reply.text}")
    assert not bad, "\n".join(bad)
    for path in (
        "/v1/folders/children?path=/",
        "/v1/users",
        "/v1/groups",
        "/v1/trash",
        "/v1/links",
    ):
        assert subject.client.get(path).status_code == 200
