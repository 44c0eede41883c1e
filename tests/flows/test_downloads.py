"""Who downloaded what is in the audit trail, whichever way the content was handed out."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from bitvault.http.routes import ENDPOINTS
from tests.flows.test_links import guest
from tests.support.daemon import Daemon, eventually
from tests.support.tables import unchanged
from tests.support.uploads import commit, init, send, upload

PASSWORD = "a password of theirs"
HANDING_OUT = {"get_content", "get_contents", "export_tenant"}


def downloads(client: httpx.Client, node: str, number: int) -> list[Mapping[str, Any]]:
    """Return the downloads of a node, oldest first, once there are as many entries."""
    wanted = {"nodeId": node, "subject": "download"}

    def found() -> list[Mapping[str, Any]]:
        items = client.get("/v1/audit", params=wanted).raise_for_status().json()["items"]
        return list(reversed(items)) if len(items) >= number else []

    return eventually(found, 10)


def test_each_way_to_content_leaves_an_entry(standing: Daemon, client: httpx.Client) -> None:
    """By session, token, link; one, many, an old version, a redirect; and repeats are counted."""
    path = f"/handed-{uuid4()}.txt"
    node = upload(client, path, b"first")["id"]
    begun = init(client, path, b"second", ifExists="replace")
    send(begun["transfers"][0], b"second").raise_for_status()
    commit(client, begun["uploadId"], b"second").raise_for_status()
    me = client.get("/v1/me").json()["id"]
    token = client.post("/v1/tokens", json={"name": "robot", "scope": "read"}).json()
    link = client.post(f"/v1/files/{node}/links", json={"label": "press"}).json()
    content = f"/v1/files/{node}/content"

    client.get(content).raise_for_status()
    assert client.get(content, params={"redirect": "true"}).status_code == 302
    client.get(content, params={"version": 1}).raise_for_status()
    robot = {"Authorization": f"Bearer {token['token']}", "User-Agent": "robot/1"}
    items = [{"id": node}, {"id": str(uuid4())}]
    by_token = client.post("/v1/files/content", json={"items": items}, headers=robot)
    assert [one["status"] for one in by_token.json()["items"]] == [200, 404]
    with guest(standing, link) as visitor:
        visitor.get(content, headers={"Accept": "text/html"})

    by_session, old, robots, guests = downloads(client, node, 4)
    assert {one["kind"] for one in (by_session, old, robots, guests)} == {"node.downloaded"}
    assert [one["detail"]["times"] for one in (by_session, old, robots, guests)] == [2, 1, 1, 1]
    assert [one["detail"]["version"] for one in (by_session, old, robots, guests)] == [2, 1, 2, 2]
    assert by_session["detail"]["name"] == path[1:]
    assert (by_session["by"], by_session["userId"], by_session["login"]) == ("user", me, "admin")
    assert by_session["credential"]["kind"] == "session"
    assert (robots["credential"]["name"], robots["userAgent"]) == ("robot", "robot/1")
    assert (guests["by"], guests["userId"], guests["credential"]["kind"]) == (
        "link", link["id"], "link",
    )  # fmt: skip
    assert {one["address"] for one in (by_session, old, robots, guests)} == {"127.0.0.1"}
    history = client.get("/v1/audit", params={"nodeId": node}).json()["items"]
    assert {"node.downloaded", "node.committed", "share.link_created"} == {
        one["kind"] for one in history
    }


def test_what_is_not_handed_out_is_no_download(standing: Daemon, client: httpx.Client) -> None:
    """What a caller is refused, and what a link has no downloads left for, leaves nothing."""
    node = upload(client, f"/kept-{uuid4()}.txt", b"kept")["id"]
    link = client.post(f"/v1/files/{node}/links", json={"maxDownloads": 1}).json()
    with guest(standing, link) as visitor:
        visitor.get(f"/v1/files/{node}/content").raise_for_status()
        downloads(client, node, 1)
        with unchanged(standing):
            assert visitor.get(f"/v1/files/{node}/content").status_code == 404
            assert client.get(f"/v1/files/{uuid4()}/content").status_code == 404
            assert client.get(f"/v1/files/{node}/content?version=9").status_code == 404


def test_an_export_is_told_to_the_tenant_version_by_version(
    standing: Daemon, client: httpx.Client
) -> None:
    """In its own trail, as what an operator did; and the export has the downloads in it."""
    body = {"name": f"t{uuid4().hex}", "login": "root", "password": PASSWORD}
    tenant = client.post("/v1/admin/tenants", json=body).raise_for_status().json()["id"]
    login = {"tenant": body["name"], "login": "root", "password": PASSWORD}
    token = httpx.post(f"{standing.url}/v1/sessions", json=login).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=standing.url, headers=headers) as root:
        node = upload(root, "/a.txt", b"a")["id"]
        root.get(f"/v1/files/{node}/content").raise_for_status()
        [own] = downloads(root, node, 1)
        client.patch(f"/v1/admin/tenants/{tenant}", json={"isSuspended": True}).raise_for_status()
        exported = list[Any]()
        cursor: dict[str, str] = {}
        while cursor is not None:
            answer = client.post(f"/v1/admin/tenants/{tenant}/export", json=cursor)
            page = answer.raise_for_status().json()
            exported += page["items"]
            cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else None
        told = downloads(root, node, 2)[-1]
    assert (told["by"], told["credential"], told["address"]) == ("operator", None, "")
    ids = [one["record"]["downloadId"] for one in exported if one["kind"] == "download"]
    assert own["id"] in ids


def test_the_platforms_own_events_are_told_when_they_are_asked_for(client: httpx.Client) -> None:
    """By a word of their own, or among all by a flag; and not to whoever wants to see the rest."""
    upload(client, f"/stored-{uuid4()}.txt", b"stored")
    me = client.get("/v1/me").json()["id"]

    def kinds(**wanted: Any) -> set[str]:
        items = client.get("/v1/audit", params={"limit": 1000, **wanted}).json()["items"]
        return {one["kind"].partition(".")[0] for one in items}

    assert eventually(lambda: "blob" in kinds(subject="blob"), 10)
    assert {"node", "session"} <= kinds()
    assert {"blob", "node"} <= kinds(platform="true")
    assert "blob" not in kinds() | kinds(userId=me) | kinds(platform="false")


def test_no_other_route_hands_out_content() -> None:
    """A new one fails here, until it records what it hands out and is tried above."""
    shown = {
        endpoint.operation_id
        for endpoint in ENDPOINTS
        if re.search(r"\bContent\b|ExportedRecord", str(endpoint.answers.get(200)))
    }
    assert shown == HANDING_OUT
