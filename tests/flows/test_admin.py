"""What a tenant's admin can look into, and nobody else."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.tables import dump, unchanged
from tests.support.uploads import upload

PASSWORD = "a password of theirs"
LETTERS = "/v1/admin/dead-letters"


@pytest.fixture
def ann(standing: Daemon, client: httpx.Client) -> Iterator[httpx.Client]:
    """Be a user of the first tenant who is no admin."""
    if not client.get("/v1/users", params={"login": "ann"}).json()["items"]:
        body = {"login": "ann", "password": PASSWORD}
        client.post("/v1/users", json=body).raise_for_status()
    session = httpx.post(
        f"{standing.url}/v1/sessions", json={"login": "ann", "password": PASSWORD}
    ).json()
    headers = {"Authorization": f"Bearer {session['token']}"}
    with httpx.Client(base_url=standing.url, headers=headers, timeout=30) as ann:
        yield ann


def trail(client: httpx.Client, **wanted: Any) -> list[Any]:
    """Return the audit trail as it is filtered."""
    return list(client.get("/v1/audit", params=wanted).raise_for_status().json()["items"])


def test_the_trail_says_who_did_what_to_a_node(
    client: httpx.Client, ann: httpx.Client, stranger: httpx.Client
) -> None:
    """Only what happened to it, newest first, by whom; a foreign admin sees none of it."""
    node = upload(ann, "/audited.txt", b"audited")["id"]
    ann.patch(f"/v1/files/{node}", json={"name": "renamed.txt"}).raise_for_status()
    entries = eventually(lambda: (found := trail(client, nodeId=node))[1:] and found, 10)
    assert [one["kind"] for one in entries] == ["node.moved", "node.committed"]
    assert {one["login"] for one in entries} == {"ann"}
    assert entries[0]["detail"]["name"] == "renamed.txt"
    by_me = trail(client, nodeId=node, userId=client.get("/v1/me").json()["id"])
    before = trail(client, nodeId=node, until=entries[1]["at"])
    assert by_me == before == trail(stranger, nodeId=node) == []


@pytest.mark.requirement("X19")
def test_who_is_no_admin_sees_neither_trail_nor_letters(ann: httpx.Client) -> None:
    """403 on each, and a replay does nothing."""
    answers = [ann.get("/v1/audit"), ann.get(LETTERS), ann.post(f"{LETTERS}/replay")]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "forbidden")}


def test_a_dead_letter_is_shown_and_mended(
    standing: Daemon, client: httpx.Client, stranger: httpx.Client
) -> None:
    """List, count and replay: afterwards the trail has the entry that was missing, once."""
    node = upload(client, "/poisoned.txt", b"poisoned")["id"]
    eventually(lambda: trail(client, nodeId=node), 10)
    whole = dump(standing)
    seq = give_up(standing, node)
    [letter] = client.get(LETTERS).json()["items"]
    assert (letter["consumer"], letter["seq"], letter["aggregateId"]) == ("audit", seq, node)
    assert (letter["kind"], letter["error"]) == ("node.committed", "ValueError: out of cheese")
    eventually(lambda: dead_letters(client) == 1, 10)
    shown = 'bitvault_consumer_dead_letters{consumer="audit"} 1.0'
    assert eventually(lambda: shown in client.get("/metrics").text, 10)
    with unchanged(standing):
        assert stranger.get(LETTERS).json()["items"] == []
        foreign = stranger.post(f"{LETTERS}/replay", json={"aggregateId": node}).json()
        assert (foreign["applied"], foreign["failing"]) == (0, [])
    mended = client.post(f"{LETTERS}/replay", json={"consumer": "audit"}).json()
    assert mended == {"applied": 1, "failing": [], "nextCursor": None}
    assert client.get(LETTERS).json()["items"] == []
    assert dump(standing) == whole
    eventually(lambda: dead_letters(client) == 0, 10)


def give_up(daemon: Daemon, node: str) -> int:
    """Leave the database as if the audit sink had given up the node's event; return its seq."""
    [(seq,)] = daemon.rows("DELETE FROM audit.entry WHERE aggregate_id = $1 RETURNING seq", node)
    daemon.rows(
        "INSERT INTO outbox.dead_letter"
        " SELECT 'audit', tenant_id, seq, aggregate_id, 5, 'ValueError: out of cheese', now()"
        " FROM outbox.event WHERE aggregate_id = $1 AND seq = $2",
        node,
        seq,
    )
    return int(seq)


def dead_letters(client: httpx.Client) -> int:
    """Return how many the status counts."""
    consumers = client.get("/v1/status").json()["consumers"]
    return sum(int(one["deadLetters"]) for one in consumers)


def test_a_user_made_twice_under_one_key_is_one_user(client: httpx.Client) -> None:
    """The answer that got lost is given again; another request under the key is refused."""
    login = f"bea-{uuid4()}"
    headers = {"Idempotency-Key": f"make-{login}"}
    body = {"login": login, "password": PASSWORD}
    first, again = [client.post("/v1/users", json=body, headers=headers) for _ in range(2)]
    other = client.post("/v1/users", json={**body, "login": f"other-{login}"}, headers=headers)
    assert (first.status_code, first.json()) == (201, again.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_foreign_user_is_no_member(client: httpx.Client, stranger: httpx.Client) -> None:
    """Like an invented one, byte for byte; a user of the tenant becomes one, with the login."""
    space = client.post("/v1/spaces", json={"name": "Members"}).json()["id"]
    foreign, invented = stranger.get("/v1/me").json()["id"], "01a20b65-0000-7000-8000-000000000000"
    told = set()
    for user in (foreign, invented):
        answer = client.put(f"/v1/spaces/{space}/members/{user}", json={"role": "editor"})
        told.add(answer.text.replace(answer.headers["X-Request-Id"], "").replace(user, ""))
        assert answer.status_code == 404
    assert len(told) == 1
    me = client.get("/v1/me").json()
    answer = client.put(f"/v1/spaces/{space}/members/{me['id']}", json={"role": "manager"})
    tag = answer.headers["ETag"]
    told = {"userId": me["id"], "login": "admin", "role": "manager", "etag": tag}
    assert answer.json() == told
