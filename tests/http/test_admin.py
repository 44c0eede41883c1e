"""What admins of a tenant ask for: how it reaches the rooms, and how it is shown."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from bitvault.actors.audit.contract import Filter, ListEntries
from bitvault.actors.files.contract import SetMember
from bitvault.actors.identity.contract import FindUsers
from bitvault.actors.letters.contract import ListDeadLetters, ReplayDeadLetters
from bitvault.kernel.refusal import Forbidden
from bitvault.services import SERVICES, subjects_of
from bitvault.wire.admin import Subject
from tests.http.support.rooms import ID, World

TRAIL = "/v1/audit"
LETTERS = "/v1/admin/dead-letters"


async def test_the_trail_is_shown_with_logins_and_camel_case(world: World) -> None:
    """An entry names the user as people know it; the event's members are in the wire's case."""
    page = await (await world.send("GET", TRAIL)).get_json()
    [entry] = page["items"]
    assert (entry["login"], entry["kind"], page["nextCursor"]) == ("ann", "node.committed", "next")
    assert (entry["address"], entry["userAgent"]) == ("192.0.2.7", "curl/8")
    assert entry["detail"] == {"parentId": str(ID), "size": 3}


def test_the_trail_can_be_asked_for_every_subject_there_is() -> None:
    """The words of the interface, and of the command line, are those of the events."""
    assert set(get_args(Subject)) == {*subjects_of(SERVICES), "download"}


async def test_filters_of_the_trail_reach_the_room(world: World) -> None:
    """Node, user and both ends of a time."""
    query = f"?nodeId={ID}&userId={ID}&since=2026-01-01T00:00:00Z&until=2026-02-01T01:00:00%2B01:00"
    query += "&subject=node"
    await world.send("GET", TRAIL + query)
    [asked] = [one for one in world.room.asked if isinstance(one, ListEntries)]
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert asked.wanted == Filter(ID, ID, since, until, "node")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{TRAIL}?since=yesterday", "since"),
        (f"{TRAIL}?since=2026-01-01T00:00:00", "since"),
        (f"{TRAIL}?until=0001-01-01T00:00:00%2B14:00", "until"),
        (f"{TRAIL}?nodeId=/a", "nodeId"),
        (f"{TRAIL}?actor=ann", "actor"),
        (f"{TRAIL}?subject=everything", "subject"),
        (f"{LETTERS}?consumer=", "consumer"),
        (f"{LETTERS}?limit=0", "limit"),
    ],
)
async def test_a_wrong_filter_is_named(world: World, path: str, field: str) -> None:
    """And no room is asked."""
    answer = await world.send("GET", path)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["field"], world.room.asked) == (400, field, [])


async def test_a_replay_may_name_what_it_replays_or_nothing(world: World) -> None:
    """An empty body is all of them; unknown members are refused."""
    await world.send("POST", f"{LETTERS}/replay")
    await world.send(
        "POST", f"{LETTERS}/replay", json={"consumer": "audit", "aggregateId": str(ID)}
    )
    wrong = await world.send("POST", f"{LETTERS}/replay", json={"aggregate": str(ID)})
    asked = [(one.consumer, one.aggregate_id) for one in world.room.asked]
    assert (asked, wrong.status_code) == ([(None, None), ("audit", ID)], 400)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", TRAIL, ListEntries),
        ("GET", LETTERS, ListDeadLetters),
        ("POST", f"{LETTERS}/replay", ReplayDeadLetters),
    ],
)
async def test_who_is_no_admin_is_told_so(world: World, method: str, path: str, kind: type) -> None:
    """The room decides; its no is a 403."""
    world.room.answers[kind] = lambda _: Forbidden("do that")
    answer = await world.send(method, path)
    assert answer.status_code == 403


async def test_a_member_must_be_a_user_of_the_tenant(world: World) -> None:
    """The edge asks who there is, so a foreign user is like an invented one."""
    world.room.answers[FindUsers] = lambda _: ()
    path = f"/v1/spaces/{ID}/members/{ID}"
    answer = await world.send("PUT", path, json={"role": "editor"})
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (404, "user_not_found")
    assert not [one for one in world.room.asked if isinstance(one, SetMember)]


async def test_a_user_can_be_looked_up(world: World) -> None:
    """By id, which may be nobody's, or by login, which gives a list of one or none."""
    assert (await world.send("GET", f"/v1/users/{ID}")).status_code == 200
    world.room.answers[FindUsers] = lambda request: ()
    assert (await world.send("GET", f"/v1/users/{ID}")).status_code == 404
    page = await (await world.send("GET", "/v1/users?login=ann")).get_json()
    assert (page["items"], world.room.asked[-1].logins) == ([], ("ann",))


async def test_a_quota_and_no_quota_at_once_is_refused(world: World) -> None:
    """Which of the two is meant cannot be known."""
    body = {"quota": 5, "unlimited": True}
    answer = await world.send("PATCH", f"/v1/spaces/{ID}", json=body)
    assert (await answer.get_json(force=True))["field"] == "unlimited"
    assert world.room.asked == []
