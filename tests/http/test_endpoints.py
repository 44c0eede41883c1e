"""Every endpoint: its answer, its refusals, its place in the table and in OpenAPI."""

import json
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from bitvault.actors.files import contract as _files
from bitvault.actors.identity import contract as _identity
from bitvault.actors.identity.contract import Authenticate
from bitvault.actors.sharing.contract import OpenLink
from bitvault.actors.storage import contract as _storage
from bitvault.edge.admission import Audience
from bitvault.http.app import openapi_document
from bitvault.http.asks import asks_of
from bitvault.http.endpoint import Endpoint
from bitvault.http.problems import OWN, STATUS, headers_for, of_refusal
from bitvault.http.routes import ENDPOINTS
from bitvault.http.scim import faults
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal, Unavailable
from supervisors import ActorDied, AskTimeout, MailboxFull
from tests.http.support.requests import GOOD
from tests.http.support.rooms import CONFINED_TOKEN, HASH, ID, SCOPED, SUSPENDED_TOKEN, World

CONTRACTS = (_files, _identity, _storage)
GOLDEN = Path(__file__).parents[2] / "docs" / "openapi.json"
each = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.operation_id)
with_token = pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if not e.is_open], ids=lambda e: e.operation_id
)


def every_refusal(root: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Return all refusals that the imported contracts declare.

    A class with slots is a second one, made of the one that was declared; the first lives on until
    it is collected, and has no fields of its own.
    """
    declared = [one for one in root.__subclasses__() if "__attrs_attrs__" in vars(one)]
    return [*declared, *(r for s in declared for r in every_refusal(s))]


def example(kind: type[Refusal]) -> Refusal:
    """Make a refusal with plausible fields."""
    samples: dict[Any, Any] = {int: 3, str: "field", str | None: "field"}
    samples |= {int | None: 3, tuple[int, ...]: (1,)}
    return kind(**{a.name: samples[a.type] for a in attrs.fields(kind)})


async def call(world: World, endpoint: Endpoint, **options: Any) -> Any:
    """Send the good request of an endpoint."""
    path, body = GOOD[endpoint.operation_id]
    options |= {} if body is None else {"json": body}
    return await world.send(endpoint.method, path, **options)


@each
async def test_a_good_request_is_answered_in_the_declared_shape(
    world: World, endpoint: Endpoint
) -> None:
    """The status is declared, and the body decodes to the declared shape."""
    answer = await call(world, endpoint)
    assert answer.status_code in endpoint.answers, await answer.get_data()
    shape = endpoint.answers[answer.status_code]
    raw = await answer.get_data()
    assert raw == b"" if shape is None else msgspec.json.decode(raw, type=shape) is not None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/v1/files/{ID}/commit", {"hash": HASH, "ifExists": "rename"}),
        ("/v1/files/commits", {"items": [{"uploadId": ID, "hash": HASH, "ifExists": "rename"}]}),
    ],
    ids=["one", "batch"],
)
async def test_a_commit_may_say_what_to_do_about_the_name(
    world: World, path: str, body: dict[str, Any]
) -> None:
    """A commit that was refused for its name is sent again with another ifExists."""
    await world.send("POST", path, json=msgspec.to_builtins(body))
    (claim,) = world.room.asked[-1].commits
    assert claim.if_exists is _files.IfExists.RENAME


@pytest.mark.requirement("X17")
@with_token
async def test_without_a_token_nothing_is_asked(world: World, endpoint: Endpoint) -> None:
    """The answer is 401 with the scheme, and no room heard of the request."""
    answer = await call(world, endpoint, token=None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert world.room.asked == []


@pytest.mark.requirement("X12")
@each
def test_every_route_says_what_its_token_must_be_good_for(endpoint: Endpoint) -> None:
    """Whoever adds a route decides it; one that does not say would serve nobody."""
    assert (endpoint.scope is None) == endpoint.is_open
    assert attrs.evolve(endpoint, scope=None).admission.serves(Scope.ACCOUNT) is False


@pytest.mark.requirement("X12")
@with_token
@pytest.mark.parametrize("scope", Scope)
async def test_a_token_serves_its_scope_and_no_more(
    world: World, endpoint: Endpoint, scope: Scope
) -> None:
    """What needs more is a 403 that says what would do, and no room heard of the request (X12)."""
    answer = await call(world, endpoint, token=SCOPED[scope])
    assert endpoint.scope is not None
    if scope >= endpoint.scope:
        assert answer.status_code in endpoint.answers
        return
    problem = await problem_of(answer)
    needed = endpoint.scope.name.lower()
    assert (answer.status_code, problem["code"]) == (403, "insufficient_scope")
    assert (problem.get("needed", needed), world.room.asked) == (needed, [])
    assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["WWW-Authenticate"]


async def problem_of(answer: Any) -> dict[str, Any]:
    """Return a problem; of what a directory is told, as far as SCIM's own shape goes."""
    body: dict[str, Any] = await answer.get_json(force=True)
    if "X-Problem-Code" not in answer.headers:
        return body
    assert answer.headers["Content-Type"] == faults.MEDIA
    return {**body, "code": answer.headers["X-Problem-Code"], "status": int(body["status"])}


UNASKED = {"scim_describe_server", "scim_list_types", "scim_get_type", "scim_list_schemas"}
UNASKED |= {"scim_get_schema", "scim_search"}
"""What is said without asking a room."""
asking = pytest.mark.parametrize(
    "endpoint",
    [each for each in ENDPOINTS if each.operation_id not in UNASKED],
    ids=lambda each: each.operation_id,
)
CONFINED = {"copy_node", "list_versions", "restore_version", "apply_batch", "list_uploads"}
CONFINED |= {"list_trash", "restore_entry", "purge_entry", "describe_me"}
CONFINED |= {"get_current_session", "close_current_session"}


@with_token
@pytest.mark.requirement("X12")
async def test_a_confined_token_is_served_where_nodes_are_found(
    world: World, endpoint: Endpoint
) -> None:
    """Whatever concerns more than a node is refused before a room hears of it (X12)."""
    answer = await call(world, endpoint, token=CONFINED_TOKEN)
    if endpoint.audience >= Audience.GUESTS or endpoint.operation_id in CONFINED:
        assert answer.status_code in endpoint.answers
        return
    assert (answer.status_code, world.room.asked) == (403, [])


SECURES = {"close_current_session", "close_session", "close_other_sessions", "change_password"}
SECURES |= {"find_device", "approve_device", "deny_device"}
SECURES |= {"create_token", "revoke_token", "create_token_of", "revoke_token_of"}
SECURES |= {"propose_own_email", "confirm_email", "change_own_mail_settings"}


@with_token
async def test_a_suspended_tenant_is_read_and_not_changed(world: World, endpoint: Endpoint) -> None:
    """Whatever writes is refused before a room hears of it; one's own security is one's own."""
    answer = await call(world, endpoint, token=SUSPENDED_TOKEN)
    reads = endpoint.method == "GET" or endpoint.operation_id in ("get_contents", "preview_access")
    if reads or endpoint.operation_id in SECURES:
        assert answer.status_code in endpoint.answers
        return
    problem = await problem_of(answer)
    assert (answer.status_code, problem["code"]) == (403, "tenant_suspended")
    assert world.room.asked == []


@pytest.mark.parametrize("kind", every_refusal(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_status_and_shows_its_fields(kind: type[Refusal]) -> None:
    """Each category is in the table, and the problem carries the refusal's own members."""
    members = of_refusal(example(kind), "req-1")
    assert members["status"] == STATUS[kind.category]
    assert members["detail"]
    assert json.loads(msgspec.json.encode(members))["requestId"] == "req-1"
    assert ("Retry-After" in headers_for(members)) == ("retryAfter" in members)


@asking
async def test_what_an_endpoint_asks_is_read_from_its_code(
    world: World, endpoint: Endpoint
) -> None:
    """So the refusals of each request are shown, though no route says which it makes."""
    await call(world, endpoint)
    asked = {type(one) for one in world.room.asked}
    assert asked <= {*asks_of(endpoint.handler), *endpoint.asks, Authenticate, OpenLink}


@asking
async def test_a_refusal_becomes_its_problem(world: World, endpoint: Endpoint) -> None:
    """A room's no is a problem with the status of the table, or an item's problem in a batch."""
    world.room.refuse(_files.QuotaExceeded(requested=5, available=2))
    answer = await call(world, endpoint)
    body = await problem_of(answer)
    found = body["items"][0]["problem"] if "items" in body else body
    assert (found["status"], found["code"]) == (413, "quota_exceeded")


@pytest.mark.requirement("X61")
@asking
async def test_a_database_that_is_down_is_a_503_everywhere(
    world: World, endpoint: Endpoint
) -> None:
    """Whatever is asked while the token is still in the cache: retryable, and no crash."""
    world.room.refuse(Unavailable("postgresql"))
    answer = await call(world, endpoint)
    body = await problem_of(answer)
    found = body["items"][0]["problem"] if "items" in body else body
    assert (found["status"], found.get("retryable", True)) == (503, True)
    assert found.get("retryAfter", 1) == 1
    assert "items" in body or answer.headers["Retry-After"] == "1"


READS = {"get_contents", "open_session", "change_password", "update_user"}
READS |= {"update_tenant", "change_tenant_quota", "schedule_erasure", "export_tenant"}
READS |= {"update_tenant", "begin_device", "collect_session"}
READS |= {"find_device", "approve_device", "deny_device"}
READS |= {"update_tenant"}
READS |= {"open_invitation", "accept_invitation", "request_reset", "use_reset"}
READS |= {"redeem_sign_in", "log_out_of_provider", "update_tenant", "refresh_session"}
READS |= {"scim_search_users", "scim_search_groups", "scim_search", "scim_replace_user"}
READS |= {"scim_change_user", "run_job"}


@each
async def test_a_full_disk_stops_what_writes_and_nothing_else(
    world: World, endpoint: Endpoint
) -> None:
    """What adds rows or bytes is 507 before a room hears of it; removing makes room again."""
    world.free = 999
    answer = await call(world, endpoint)
    if endpoint.method in {"GET", "DELETE"} or endpoint.operation_id in READS:
        assert answer.status_code in endpoint.answers
        return
    body = await problem_of(answer)
    assert (answer.status_code, body["code"], world.room.asked) == (507, "disk_full", [])


async def test_an_upload_must_fit_above_the_reserve(world: World) -> None:
    """A batch is measured as a whole."""
    world.free = 1000 + 10
    path, body = GOOD["init_upload"]
    small, large = {**body, "size": 10}, {**body, "size": 11}
    assert (await world.send("POST", path, json=small)).status_code == 201
    assert (await world.send("POST", path, json=large)).status_code == 507
    both = await world.send("POST", "/v1/files/batch", json={"items": [small, small]})
    assert both.status_code == 507


@pytest.mark.parametrize(
    "error", [ActorDied("files", "x"), AskTimeout("x"), MailboxFull("x")], ids=repr
)
async def test_a_dead_or_busy_room_is_a_retryable_503(world: World, error: Exception) -> None:
    """The client is told to come back, and nothing of the inside."""
    world.room.crash(error)
    answer = await world.send("GET", "/v1/me")
    body = await answer.get_json(force=True)
    assert (answer.status_code, body["code"], body["retryable"]) == (503, "overloaded", True)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("refusal", [Unavailable("postgresql"), None])
async def test_a_503_speaks_of_a_key_only_to_who_sent_one(
    world: World, refusal: Unavailable | None
) -> None:
    """A read has none to send again."""
    world.room.refuse(refusal) if refusal else world.room.crash(MailboxFull("x"))
    path, body = GOOD["make_folder"]
    read = await world.send("GET", "/v1/me")
    written = await world.send("POST", path, json=body, headers={"Idempotency-Key": "k1"})
    said = [(await answer.get_json(force=True))["detail"] for answer in (read, written)]
    assert ["Idempotency-Key" in one for one in said] == [False, True]
    assert all("retry later." in one for one in said)


@pytest.mark.requirement("X61")
async def test_a_bug_is_a_500_that_shows_no_internals(world: World) -> None:
    """The problem has the request id and not the message of the exception."""
    world.room.crash(RuntimeError("secret table name"))
    answer = await world.send("GET", "/v1/me", headers={"X-Request-Id": "given-0001"})
    raw = await answer.get_data()
    assert answer.status_code == 500
    assert b"given-0001" in raw
    assert b"secret" not in raw


def test_the_openapi_document_is_the_golden_one() -> None:
    """A change of the interface shows in a diff; write it with the command in the message."""
    command = (
        'python -c "from bitvault.http.app import *; print(openapi_document().decode(), end=str())"'
    )
    assert GOLDEN.read_bytes() == openapi_document(), f"{command} > docs/openapi.json"


def test_every_endpoint_is_in_openapi_and_has_a_good_request() -> None:
    """No endpoint is served that the document or these tests do not know."""
    paths = json.loads(openapi_document())["paths"]
    documented = {o["operationId"] for methods in paths.values() for o in methods.values()}
    assert documented == {e.operation_id for e in ENDPOINTS} == set(GOOD)
    assert all(code in OWN for e in ENDPOINTS for code in e.says)
