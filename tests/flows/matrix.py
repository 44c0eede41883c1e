"""Which ids every route takes, out of the OpenAPI document; and what came back, to be compared."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import httpx

from bitvault.http.app import openapi_document
from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import ENDPOINTS
from tests.flows.belongings import Belongings

Example: TypeAlias = tuple[str, str, Any]
"""Method, path and body, with a ``{name}`` of `Belongings` wherever an id stands."""

PASSING = {"date", "ratelimit"}
"""Headers that tell of the moment, and of nothing else."""
_ID = re.compile(r"\{(\w+)\}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOTHING = (
    '"items":[]', '"Resources":[]', '"problem":{', '"applied":0', "members: There is no user '*'",
)  # fmt: skip
_EMPTY = ("404", "204")


def endpoint_of(example: Example) -> Endpoint:
    """Return the endpoint that serves the example; what is spelled out goes before what is not."""
    method, path, _ = example
    given = path.partition("?")[0].split("/")
    found = [each for each in ENDPOINTS if each.method == method and _fits(each.path, given)]
    return min(found, key=lambda each: each.path.count("{"))


def _fits(pattern: str, given: Sequence[str]) -> bool:
    wanted = pattern.split("/")
    return len(wanted) == len(given) and all(
        one == two or (one.startswith("{") and two != "")
        for one, two in zip(wanted, given, strict=True)
    )


def names_in(example: Example) -> list[str]:
    """Return the names of the ids that an example is filled with, each once."""
    _, path, body = example
    return list(dict.fromkeys(_ID.findall(path) + re.findall(r'"\{(\w+)\}', json.dumps(body))))


def ids_tried(example: Example) -> set[tuple[str, str]]:
    """Return ``(operation, parameter)`` for each id that an example has."""
    endpoint, (_, path, body) = endpoint_of(example), example
    bare, _, query = path.partition("?")
    pairs = zip(endpoint.path.split("/"), bare.split("/"), strict=True)
    tried = [one[1:-1] for one, two in pairs if one.startswith("{") and _ID.fullmatch(two)]
    tried += [name for name, value in parse_qsl(query) if _ID.fullmatch(value)]
    tried += _members(body)
    return {(endpoint.operation_id, name) for name in tried}


def _members(body: Any) -> Iterator[str]:
    if isinstance(body, list):
        for one in body:
            yield from _members(one)
    if isinstance(body, dict):
        for name, value in body.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and _ID.fullmatch(one):
                    yield name
            yield from _members(value)


def ids_taken() -> set[tuple[str, str]]:
    """Return ``(operation, parameter)`` for each id a route takes: path, query or body."""
    document = json.loads(openapi_document())
    taken = set()
    for path in document["paths"].values():
        for operation in path.values():
            name = operation["operationId"]
            for parameter in operation.get("parameters", ()):
                taken |= {
                    (name, parameter["name"])
                    for _ in _uuids(document, parameter["schema"], parameter["name"])
                }
            content = operation.get("requestBody", {}).get("content", {})
            for shape in content.values():
                taken |= {(name, member) for member in _uuids(document, shape["schema"], "")}
    return taken


def _uuids(document: Mapping[str, Any], schema: Any, name: str) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _uuids(document, one, name)
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        shape = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        yield from _uuids(document, shape, name)
    if schema.get("format") == "uuid":
        yield name
    for member, value in schema.get("properties", {}).items():
        yield from _uuids(document, value, member)
    for key in ("anyOf", "oneOf", "items", "additionalProperties"):
        yield from _uuids(document, schema.get(key), name)


def send(client: httpx.Client, example: Example, ids: Belongings) -> httpx.Response:
    """Send an example with these ids."""
    method, path, body = example
    return client.request(method, ids.fill(path), json=ids.fill(body))


def told(reply: httpx.Response) -> str:
    """Return all that came back, without what names this request and its ids."""
    kept = {name: text for name, text in reply.headers.items() if name not in PASSING}
    whole = f"{reply.status_code} {sorted(kept.items())} {reply.text}"
    return _UUID.sub("*", whole.replace(reply.headers["x-request-id"], "*"))


def code_of(reply: httpx.Response) -> str:
    """Return the code of a problem; what a directory is told has it in a header."""
    return str(reply.headers.get("x-problem-code") or reply.json()["code"])


def status_of(reply: httpx.Response) -> int:
    """Return the status; of a batch, that of its first item."""
    found = reply.json() if reply.content else {}
    items = found.get("items") or [{}]
    status: int = items[0].get("status", reply.status_code)
    return status


def is_nothing(answer: str) -> bool:
    """Say whether an answer tells of nothing: not found, an empty list, a refused item."""
    return answer.startswith(_EMPTY) or any(one in answer for one in _NOTHING)
