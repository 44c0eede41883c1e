"""The OpenAPI 3.1 document, made from the endpoints and their shapes; the same on every run."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from bitvault.actors.identity.contract import (
    Authenticate,
    InsufficientScope,
    TenantSuspended,
    Unauthenticated,
)
from bitvault.actors.sharing.contract import OpenLink
from bitvault.http.asks import refusals_in
from bitvault.http.endpoint import Endpoint, NoQuery
from bitvault.http.problems import OWN, STATUS
from bitvault.http.scim import faults
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Failed, Invalid, Refusal, Unavailable
from bitvault.kernel.request import refusals_of
from bitvault.wire.problems import Problem
from bitvault.wire.scim import Fault

_CALLERS: tuple[type[Refusal], ...] = (
    *refusals_of(Authenticate),
    *refusals_of(OpenLink),
    InsufficientScope,
    TenantSuspended,
)
"""What a request is refused with before it is anybody's."""
_TAG = r'^(\*|"[!#-~]{1,64}")$'
_PARAMETER = re.compile(r"\{(\w+)\}")
_EVERYWHERE = ("rate_limited", "overloaded")
_BODY = ("malformed", "body_too_large", "request_timeout", "unsupported_media_type")
_DESCRIPTION = """\
Files, folders and their versions. Bytes never pass through this interface: uploads and downloads
are presigned requests to the object store.

Log in with `POST /v1/sessions`, or make a token with `bitvault token create NAME`; send either as
`Authorization: Bearer TOKEN`. A token has a scope: `read`, `write` (and read), or `admin` (and all
that its user may do). A session's scope is `account`, which also manages the user's own password,
sessions and tokens. The scope that an operation needs is in its `security`.

To upload, `POST /v1/files` with path, size and hash, send the bytes as each of the answered
`transfers` says, and `POST /v1/files/{uploadId}/commit`. To download, `GET
/v1/files/{id}/content` and fetch the URL it answers.

Errors are RFC 9457 problem details with a stable `code`. Lists are `{items, nextCursor}`.
Every answer says in `RateLimit` and `RateLimit-Policy` what may still be asked; a request costs 1
unit, a batch its items. 429 and 503 say in `Retry-After` when to come back.
`Idempotency-Key` makes a POST safe to repeat. Whatever is shown has an ETag: send it back in
`If-Match` to change nothing that others have changed, or in `If-None-Match` to be told 304.
"""


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """Build the document."""
    schemas, components = _schemas(endpoints)
    shown = {endpoint.path for endpoint in endpoints if endpoint.is_shown_alone}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, schemas, components, shown)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "BitVault", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(e.tag for e in endpoints)],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": components,
        },
        "x-problems": _problems(endpoints),
    }


def _problems(endpoints: Sequence[Endpoint]) -> list[dict[str, Any]]:
    """List every code with its status and meaning: for people, and for programs that show it."""
    asked = (refusals_in(one.handler, one.asks, items=True) for one in endpoints)
    every = sorted({*chain.from_iterable(asked), *_CALLERS}, key=lambda one: one.__module__)
    found = {kind.code: (STATUS[kind.category], kind.__doc__ or "") for kind in every} | dict(OWN)
    return [
        {"code": code, "status": status, "meaning": meaning.partition("\n")[0]}
        for code, (status, meaning) in sorted(found.items(), key=lambda one: (one[1][0], one[0]))
    ]


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[Mapping[Any, Any], dict[str, Any]]:
    shapes: list[Any] = [Problem, Fault]
    for endpoint in endpoints:
        shapes += [endpoint.query, *(s for s in endpoint.answers.values() if s is not None)]
        shapes += [endpoint.body] if endpoint.has_body else []
    unique = list(dict.fromkeys(shapes))
    refs, components = msgspec.json.schema_components(
        unique, ref_template="#/components/schemas/{name}"
    )
    return dict(zip(unique, refs, strict=True)), components


def _operation(
    endpoint: Endpoint,
    schemas: Mapping[Any, Any],
    components: dict[str, Any],
    shown: Container[str],
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [
            *_path_parameters(endpoint.path),
            *_query_parameters(endpoint.query, schemas, components),
            *_header_parameters(endpoint, shown),
        ],
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.has_body:
        operation["requestBody"] = {
            "required": not endpoint.body_optional,
            "content": {
                media: {"schema": schemas[endpoint.body]} for media in endpoint.media_taken
            },
        }
    if endpoint.scope is not None:
        operation["security"] = [{"token": [endpoint.scope.name.lower()]}]
    if endpoint.is_open:
        operation["security"] = []
    return operation


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
    for name in _PARAMETER.findall(path):
        text = {"type": "string", "maxLength": 256}
        schema = {"n": number, "name": text}.get(name, {"type": "string", "format": "uuid"})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(
    query: type, schemas: Mapping[Any, Any], components: Mapping[str, Any]
) -> Iterable[dict[str, Any]]:
    if query is NoQuery:
        return
    schema = components[schemas[query]["$ref"].rpartition("/")[2]]
    for name, value in schema["properties"].items():
        # A query string has no null: absence is the only way to leave one out.
        kinds = [kind for kind in value.get("anyOf", [value]) if kind != {"type": "null"}]
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": kinds[0],
        }


def _header_parameters(endpoint: Endpoint, shown: Container[str]) -> Iterable[dict[str, Any]]:
    if endpoint.takes_idempotency_key:
        yield _header("Idempotency-Key", "^[!-~]{1,255}$", "Makes the request safe to repeat.")
    if endpoint.if_match or (not (endpoint.is_safe or endpoint.is_open) and endpoint.path in shown):
        yield _header("If-Match", _TAG, "The ETag it must still have.")
    if endpoint.is_conditional:
        yield _header("If-None-Match", _TAG, "Answer 304 if it still has it.")
    if endpoint.if_none_match:
        yield _header("If-None-Match", r"^\*$", "Change nothing that is there already.")


def _header(name: str, pattern: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _responses(endpoint: Endpoint, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    answers = dict(endpoint.answers) | ({304: None} if endpoint.is_conditional else {})
    for status, shape in sorted(answers.items()):
        responses[str(status)] = {"description": _PHRASE[status]}
        if shape is not None:
            responses[str(status)]["content"] = {endpoint.media: {"schema": schemas[shape]}}
    by_status: dict[int, list[str]] = {}
    for code, status in sorted(_codes(endpoint).items()):
        by_status.setdefault(status, []).append(code)
    problem = {"application/problem+json": {"schema": schemas[Problem]}}
    if endpoint.media == faults.MEDIA:
        problem = {faults.MEDIA: {"schema": schemas[Fault]}}
    for status, names in sorted(by_status.items()):
        described = f"Problem: {', '.join(names)}."
        responses[str(status)] = {"description": described, "content": problem}
    return responses


def _codes(endpoint: Endpoint) -> dict[str, int]:
    """Return every code that an endpoint answers, with its status."""
    refusals: list[type[Refusal]] = [*endpoint.refusals, Invalid, Unavailable, Failed]
    refusals += [] if endpoint.is_open else [Unauthenticated]
    refusals += (
        [] if endpoint.admission.serves(Scope.READ) or endpoint.is_open else [InsufficientScope]
    )
    refusals += [] if endpoint.admission.when_suspended else [TenantSuspended]
    own = [*endpoint.says, *_EVERYWHERE, *(_BODY if endpoint.has_body else ())]
    own += [] if endpoint.is_safe else ["precondition_failed"]
    own += ["disk_full"] if endpoint.needs_room else []
    codes = {kind.code: STATUS[kind.category] for kind in refusals}
    return codes | {code: OWN[code][0] for code in own}


_PHRASE = {
    200: "Done.",
    201: "Created.",
    202: "Accepted.",
    501: "Not implemented.",
    204: "Done.",
    302: "Found.",
    303: "Go there.",
    304: "Not modified.",
}
