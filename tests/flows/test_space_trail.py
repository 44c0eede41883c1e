"""What happened to a team space is in the audit trail: who did it, and from where."""

import httpx

from tests.support.daemon import eventually


def test_the_trail_says_who_let_whom_into_a_space(client: httpx.Client) -> None:
    """A role given, a new name and quota, and a user taken out, with address and request."""
    me = client.get("/v1/me").json()["id"]
    body = {"login": "guest-of-trail", "password": "a password of theirs"}
    guest = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    made = client.post("/v1/spaces", json={"name": "Trail"}).raise_for_status().json()
    space, root = made["id"], made["rootId"]
    member = f"/v1/spaces/{space}/members/{guest}"
    client.put(member, json={"role": "editor"}).raise_for_status()
    client.patch(f"/v1/spaces/{space}", json={"name": "Trail 2", "quota": 7}).raise_for_status()
    removed = client.delete(member).raise_for_status()
    client.delete(member).raise_for_status()

    def trail() -> list[dict[str, object]]:
        items = client.get("/v1/audit", params={"limit": 100}).json()["items"]
        return [one for one in items if one["aggregateId"] == space]

    entries = eventually(lambda: (found := trail())[2:] and found, 10)

    who = {"memberId": guest, "rootId": root}
    assert [(one["kind"], one["detail"]) for one in entries] == [
        ("space.member_removed", {**who, "role": "editor"}),
        ("space.changed", {"name": "Trail 2", "quota": 7}),
        ("space.member_set", {**who, "role": "editor", "previousRole": None}),
    ]
    assert {(one["userId"], one["address"]) for one in entries} == {(me, "127.0.0.1")}
    assert entries[0]["requestId"] == removed.headers["X-Request-Id"]
