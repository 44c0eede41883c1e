"""ETag, If-Match and If-None-Match: on everything that is shown, and on everything that changes."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from werkzeug.datastructures import Headers

from bitvault.actors.files.contract import Apply, GetNode, GetSpace, Role, Target, TrashNode
from bitvault.actors.identity import contract as identity
from bitvault.actors.sharing.contract import GetGrant
from bitvault.edge.admission import Audience
from bitvault.edge.rejections import Rejected
from bitvault.http import serving
from bitvault.http.call import Call
from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import ENDPOINTS
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller, Origin
from tests.http.support.requests import GOOD
from tests.http.support.rooms import CREDENTIAL, GRANT, GUEST, ID, SPACE, TAG, World, node

SHOWN = [endpoint for endpoint in ENDPOINTS if endpoint.is_conditional]
CHANGES = [endpoint for endpoint in ENDPOINTS if not endpoint.is_safe]
LOOKS = ("Get", "List", "Find", "Describe")
MATCHING = Headers({"If-Match": "*"})
SPACE_PATH = f"/v1/spaces/{ID}"


def named(endpoints: list[Endpoint]) -> Any:
    """Run a test for each of some endpoints."""
    return pytest.mark.parametrize("endpoint", endpoints, ids=lambda e: e.operation_id)


async def call(world: World, endpoint: Endpoint, **headers: str) -> Any:
    """Send the good request of an endpoint."""
    path, body = GOOD[endpoint.operation_id]
    options = {} if body is None else {"json": body}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.send(endpoint.method, path, headers=sent, **options)


def test_everything_that_is_read_is_shown_with_a_tag() -> None:
    """But for the content, a new secret each time, and what sends browsers elsewhere."""
    reads = {endpoint.operation_id for endpoint in ENDPOINTS if endpoint.is_safe}
    assert reads - {endpoint.operation_id for endpoint in SHOWN} == {
        "get_content",
        "begin_sign_in",
        "finish_sign_in",
    }


@named(SHOWN)
async def test_what_is_known_is_not_sent_again(world: World, endpoint: Endpoint) -> None:
    """304 with the tag and no body for who has it, by weak comparison; 200 for everybody else."""
    first = await call(world, endpoint)
    tag = first.headers["ETag"]
    assert tag[0] == tag[-1] == '"'
    assert first.headers["Cache-Control"] == "private, no-cache"
    for known in (tag, f"W/{tag}", "*", f'"other", {tag}'):
        again = await call(world, endpoint, If_None_Match=known)
        assert (again.status_code, again.headers["ETag"]) == (304, tag)
        assert await again.get_data() == b""
    other = await call(world, endpoint, If_None_Match='"other"')
    assert (other.status_code, await other.get_data()) == (200, await first.get_data())


@named(CHANGES)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_a_condition_is_never_passed_over(
    world: World, endpoint: Endpoint, header: str
) -> None:
    """A tag of nothing is 412 before any room is asked to change something, or goes to the room."""
    answer = await call(world, endpoint, **{header: '"nothing-like-it"'})
    asked = [one for one in world.room.asked if not type(one).__name__.startswith(LOOKS)]
    if header == "If-Match" and endpoint.if_match and asked:
        (request,) = asked
        conditions = [getattr(request, name, None) for name in ("if_revision", "if_role")]
        assert any(one in (-1, frozenset()) for one in conditions)
        return
    body = await answer.get_json(force=True)
    allowed = {"precondition_failed"} | ({"invalid"} if endpoint.if_none_match else set())
    assert answer.headers.get("X-Problem-Code", body.get("code")) in allowed
    assert asked == []


async def test_a_grant_is_changed_as_it_was_seen(world: World) -> None:
    """The tag of its GET holds for giving another role and for taking it back, until it changes."""
    path, role = f"/v1/files/{ID}/grants/{ID}", {"role": "viewer"}
    shown = await world.send("GET", path)
    tag = (await shown.get_json(force=True))["etag"]
    assert shown.headers["ETag"] == tag
    seen = {"If-Match": tag}
    given = await world.send("PUT", path, json=role, headers=seen)
    assert (given.status_code, given.headers["ETag"]) == (200, tag)
    world.room.answers[GetGrant] = lambda _: evolve(GRANT, revision=2)
    assert (await world.send("PUT", path, json=role, headers=seen)).status_code == 412
    assert (await world.send("DELETE", path, headers=seen)).status_code == 412
    world.room.answers[GetGrant] = lambda _: GRANT
    assert (await world.send("DELETE", path, headers=seen)).status_code == 204


async def test_a_condition_shows_a_guest_nothing(world: World) -> None:
    """Where the GET of a path does not serve guests, no tag matches, and nothing was looked up."""
    of = {endpoint.operation_id: endpoint for endpoint in ENDPOINTS}
    caller = Caller(GUEST, Origin("r"))
    asked = Call(world.app.edge, Origin("r"), {"uploadId": ID}, None, None, MATCHING, caller)
    abort, shows = of["abort_upload"], of["describe_upload"]
    await serving._check_conditions(abort, asked, shows)
    world.room.asked.clear()
    with pytest.raises(Rejected, match="precondition_failed"):
        await serving._check_conditions(abort, asked, evolve(shows, audience=Audience.USERS))
    assert world.room.asked == []


@pytest.mark.parametrize(
    ("tag", "revision"), [(TAG, 7), ('"7"', 7), ("*", None), ('"3", "7-00"', 7), (None, None)]
)
async def test_if_match_reaches_the_room(
    world: World, tag: str | None, revision: int | None
) -> None:
    """One tag, a list that has the present one, or any."""
    headers = {} if tag is None else {"If-Match": tag}
    answer = await world.send("DELETE", f"/v1/files/{ID}", headers=headers)
    assert answer.status_code == 200
    assert world.room.asked[-1].operations == (TrashNode(Target(node_id=NodeId(ID)), revision),)


@pytest.mark.parametrize("tag", ['W/"7"', '"1", "2"', '"abc"'])
async def test_an_if_match_that_cannot_match_is_412(world: World, tag: str) -> None:
    """Weak tags never match (RFC 9110 §13.1.1); nothing is applied."""
    answer = await world.send("DELETE", f"/v1/files/{ID}", headers={"If-Match": tag})
    body = await answer.get_json(force=True)
    assert (answer.status_code, body["currentRevision"]) == (412, 7)
    assert not [one for one in world.room.asked if isinstance(one, Apply)]


async def test_a_node_that_moved_with_its_folder_is_new_to_a_cache(world: World) -> None:
    """Its path is shown and has changed; that is no reason to refuse a change of the node."""
    before = (await world.send("GET", f"/v1/files/{ID}")).headers["ETag"]
    world.room.answers[GetNode] = lambda _: node(path="/moved/a.txt")
    again = await world.send("GET", f"/v1/files/{ID}", headers={"If-None-Match": before})
    assert again.status_code == 200
    await world.send("DELETE", f"/v1/files/{ID}", headers={"If-Match": before})
    assert world.room.asked[-1].operations[0].if_revision == 7


async def test_a_space_in_use_is_new_to_a_cache_and_can_be_changed(world: World) -> None:
    """The tag changes with the bytes in use, and If-Match does not look at them."""
    before = (await world.send("GET", SPACE_PATH)).headers["ETag"]
    world.room.answers[GetSpace] = lambda _: evolve(SPACE, used=SPACE.used + 1)
    again = await world.send("GET", SPACE_PATH, headers={"If-None-Match": before})
    body = await again.get_json()
    assert (again.status_code, body["etag"]) == (200, again.headers["ETag"])
    assert again.headers["ETag"] != before
    await world.send("PATCH", SPACE_PATH, json={"name": "New"}, headers={"If-Match": before})
    assert world.room.asked[-1].if_revision == SPACE.revision


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"If-Match": "*"}, frozenset(Role)),
        ({"If-Match": '"editor-00", "manager-00"'}, frozenset({Role.EDITOR, Role.MANAGER})),
        ({"If-Match": 'W/"editor-00"'}, frozenset()),
        ({"If-None-Match": "*"}, frozenset({None})),
    ],
)
async def test_a_condition_on_a_member_is_the_role_it_must_have(
    world: World, headers: dict[str, str], expected: frozenset[Role | None] | None
) -> None:
    """The room compares it while it holds the space."""
    path = f"{SPACE_PATH}/members/{ID}"
    await world.send("PUT", path, json={"role": "viewer"}, headers=headers)
    assert world.room.asked[-1].if_role == expected


async def test_a_member_has_the_tag_of_the_role(world: World) -> None:
    """The same in the list, alone, and in the answer to the change."""
    path = f"{SPACE_PATH}/members"
    listed = await (await world.send("GET", path)).get_json()
    alone = await world.send("GET", f"{path}/{ID}")
    changed = await world.send("PUT", f"{path}/{ID}", json={"role": "editor"})
    tag = alone.headers["ETag"]
    assert tag.startswith('"editor-')
    assert [listed["items"][0]["etag"], changed.headers["ETag"]] == [tag, tag]


async def test_a_token_is_revoked_as_it_was_seen(world: World) -> None:
    """The edge compares with what it would show just now: 412 after a change, else it is done."""
    path = f"/v1/tokens/{ID}"
    tag = (await world.send("GET", path)).headers["ETag"]
    used = evolve(CREDENTIAL, created_at=CREDENTIAL.created_at + timedelta(hours=1))
    world.room.answers[identity.ListCredentials] = lambda _: (used,)
    refused = await world.send("DELETE", path, headers={"If-Match": tag})
    body = await refused.get_json(force=True)
    assert (refused.status_code, body["code"]) == (412, "precondition_failed")
    assert not isinstance(world.room.asked[-1], identity.CloseSession)
    world.room.answers[identity.ListCredentials] = lambda _: (CREDENTIAL,)
    assert (await world.send("DELETE", path, headers={"If-Match": tag})).status_code == 204
    world.room.answers[identity.ListCredentials] = lambda _: ()
    gone = await world.send("DELETE", path, headers={"If-Match": "*"})
    assert gone.status_code == 404


@pytest.mark.parametrize("value", ["7", '"7', '"7" "8"', "W/7", ""])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_what_is_no_tag_is_named(world: World, header: str, value: str) -> None:
    """A tag without its quotes is a mistake, and not a tag that does not match."""
    method = "DELETE" if header == "If-Match" else "GET"
    answer = await world.send(method, f"/v1/files/{ID}", headers={header: value})
    body = await answer.get_json(force=True)
    assert (answer.status_code, body["field"]) == (400, header)
