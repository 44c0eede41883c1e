"""Logins, tokens, users and groups are in the audit trail: who did it, and from where."""

from typing import Any

import httpx

from tests.support.daemon import Daemon, eventually

PASSWORD = "a password of theirs"


def trail(client: httpx.Client, *aggregates: str, most: int) -> list[dict[str, Any]]:
    """Return what happened to these, oldest first, once there is that much of it."""

    def found() -> list[dict[str, Any]]:
        items = client.get("/v1/audit", params={"limit": 100}).raise_for_status().json()["items"]
        own = [one for one in reversed(items) if one["aggregateId"] in aggregates]
        return own if len(own) >= most else []

    entries: list[dict[str, Any]] = eventually(found, 10)
    return entries


def test_the_trail_says_who_came_in_and_what_they_were_given(
    standing: Daemon, client: httpx.Client
) -> None:
    """A user made by an admin, their login and token, a group, and the end of it all."""
    admin = client.get("/v1/me").json()["id"]
    body = {"login": "trailed", "password": PASSWORD}
    user = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    opened = httpx.post(f"{standing.url}/v1/sessions", json=body, headers={"User-Agent": "probe"})
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    with httpx.Client(base_url=standing.url, headers=headers) as theirs:
        session = theirs.get("/v1/sessions").json()["items"][0]["id"]
        token = theirs.post("/v1/tokens", json={"name": "robot"}).raise_for_status().json()
        theirs.delete(f"/v1/tokens/{token['id']}").raise_for_status()
    group = client.post("/v1/groups", json={"name": "Trailed"}).raise_for_status().json()["id"]
    client.put(f"/v1/groups/{group}/members/{user}").raise_for_status()
    client.delete(f"/v1/groups/{group}").raise_for_status()
    client.patch(f"/v1/users/{user}", json={"isDisabled": True}).raise_for_status()
    client.delete(f"/v1/users/{user}").raise_for_status()

    entries = trail(client, user, session, token["id"], group, most=9)

    assert [(one["kind"], one["userId"]) for one in entries] == [
        ("user.created", admin),
        ("session.opened", user),
        ("token.created", user),
        ("token.revoked", user),
        ("group.created", admin),
        ("group.joined", admin),
        ("group.deleted", admin),
        ("user.changed", admin),
        ("user.deleted", admin),
    ]
    logins = client.get("/v1/audit", params={"subject": "session", "userId": user}).json()
    assert [one["aggregateId"] for one in logins["items"]] == [session]
    login = entries[1]
    assert (login["address"], login["userAgent"]) == ("127.0.0.1", "probe")
    assert login["requestId"] == opened.headers["X-Request-Id"]
    assert entries[2]["detail"]["name"] == "robot"
    shown = str(entries)
    assert PASSWORD not in shown
    assert opened.json()["token"][:12] not in shown
