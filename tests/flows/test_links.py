"""Links through the front door: a guest with a token, and nothing else."""

import base64
from typing import Any

import httpx
import pytest

from bitvault.edge.admission import Audience
from bitvault.http.routes import ENDPOINTS
from tests.support.daemon import Daemon, eventually
from tests.support.tables import dump
from tests.support.uploads import commit, init, send, sha256, upload

PASSWORD = "open sesame"


def guest(daemon: Daemon, link: dict[str, Any], password: str = "") -> httpx.Client:
    """Come with a link."""
    raw = base64.b64encode(f"{link['token']}:{password}".encode()).decode()
    given = f"Basic {raw}" if password else f"Bearer {link['token']}"
    return httpx.Client(base_url=daemon.url, headers={"Authorization": given})


@pytest.mark.requirement("X33")
def test_a_guest_downloads_with_the_links_password(standing: Daemon, client: httpx.Client) -> None:
    """Described, listed and fetched; without the password, or with another, nothing is."""
    upload(client, "/linked/f.txt", b"for guests")
    folder = client.get("/v1/files", params={"path": "/linked"}).json()["id"]
    body = {"label": "for all", "password": PASSWORD, "maxDownloads": 1}
    link = client.post(f"/v1/files/{folder}/links", json=body).raise_for_status().json()
    assert link["page"] == f"/s#{link['token']}"
    assert "password" not in link

    with guest(standing, link) as without, guest(standing, link, "wrong one") as wrong:
        for one in (without, wrong):
            refused = one.get("/v1/link")
            assert (refused.status_code, refused.json()["code"]) == (401, "link_password_needed")
            assert "WWW-Authenticate" not in refused.headers
    with guest(standing, link, PASSWORD) as one:
        own = one.get("/v1/link").raise_for_status().json()
        assert (own["label"], own["node"]["path"], own["downloadsLeft"]) == (
            "for all",
            "/linked",
            1,
        )
        (file,) = one.get(f"/v1/folders/{folder}/children").json()["items"]
        old = one.get(f"/v1/files/{file['id']}/content", params={"version": 1})
        assert (old.status_code, old.json()["field"]) == (400, "version")
        content = one.get(f"/v1/files/{file['id']}/content").raise_for_status().json()
        assert httpx.get(content["url"], headers=content["headers"]).content == b"for guests"
        used_up = one.get(f"/v1/files/{file['id']}/content")
        assert (used_up.status_code, used_up.json()["code"]) == (404, "link_not_found")
        assert one.get("/v1/link").json()["code"] == "link_not_found"


def test_a_file_request_takes_and_tells_nothing(standing: Daemon, client: httpx.Client) -> None:
    """Bytes go to the store, into the sender's folder; the answer is what the sender said."""
    folder = client.post("/v1/folders", json={"path": "/asked"}).json()["node"]["id"]
    body = {"role": "uploader", "request": {"message": "Please", "maxFiles": 2}}
    link = client.post(f"/v1/files/{folder}/links", json=body).raise_for_status().json()
    visit = "6f0d6bd4-4b5f-4c43-9e0c-0a3f1c0c9a01"
    with guest(standing, link) as one:
        own = one.get("/v1/link").raise_for_status().json()
        assert (own["node"], own["request"]["message"]) == (None, "Please")
        assert (own["request"]["nodeId"], own["request"]["isClosed"]) == (folder, False)
        for path in (f"/v1/files/{folder}", f"/v1/folders/{folder}/children"):
            assert one.get(path).json()["code"] == "node_not_found"
        for content in (b"one", b"two"):
            more = {"sender": {"visit": visit, "name": "Zoe"}}
            opened = init(one, f"{folder}:/a.txt", content, **more)
            send(opened["transfers"][0], content).raise_for_status()
            done = commit(one, opened["uploadId"], content).raise_for_status().json()
            assert (done["node"]["path"], done["eventId"]) == ("/a.txt", None)
            assert one.get(f"/v1/files/{done['node']['id']}").status_code == 404
        full = one.post(
            "/v1/files", json={"path": f"{folder}:/b", "size": 0, "hash": sha256(b""), **more}
        )
        assert (full.status_code, full.json()["code"]) == (409, "request_full")
    there = client.get("/v1/files", params={"path": "/asked/Zoe/a (2).txt"})
    assert there.raise_for_status().json()["size"] == 3
    received = f"/v1/links/{link['id']}"
    eventually(lambda: client.get(received).json()["request"]["files"] == 2)


@pytest.mark.requirement("X17", "X26")
def test_a_guest_is_served_by_few_routes(standing: Daemon, client: httpx.Client) -> None:
    """Whatever is not said to serve guests answers 403, whoever the link's maker is."""
    made = client.post("/v1/folders", json={"path": "/few"}).json()["node"]["id"]
    link = client.post(f"/v1/files/{made}/links", json={"role": "editor"}).json()
    closed = [e for e in ENDPOINTS if e.audience < Audience.GUESTS]
    with guest(standing, link) as one:
        answers = {
            e.operation_id: one.request(e.method, _filled(e.path, made)).status_code for e in closed
        }
    assert set(answers.values()) == {403}, answers
    assert len(closed) > len(ENDPOINTS) / 2


def _filled(path: str, node: str) -> str:
    for name in ("id", "userId", "granteeId"):
        path = path.replace("{" + name + "}", node)
    return path.replace("{n}", "1")


@pytest.mark.requirement("X37")
def test_the_page_of_a_link_knows_no_link(standing: Daemon) -> None:
    """It is the same for every token: the token stays behind the # in the browser."""
    page = httpx.get(f"{standing.url}/s")
    assert page.status_code == 200
    assert "/assets/link.js" in page.text
    assert httpx.get(f"{standing.url}/assets/request.js").status_code == 200
    assert "connect-src 'self' http://127.0.0.1:" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert httpx.get(f"{standing.url}/assets/link.js").status_code == 200


@pytest.mark.requirement("X29")
def test_purging_a_folder_ends_no_share_of_a_similar_path(
    standing: Daemon, client: httpx.Client
) -> None:
    """Shares belong to ids: those of /proj go with it, and those of /project stay."""
    made = {}
    for name in ("proj", "project", "Project B"):
        node = client.post("/v1/folders", json={"path": f"/{name}"}).json()["node"]["id"]
        everyone = f"/v1/files/{node}/grants/00000000-0000-0000-0000-000000000000"
        client.put(everyone, json={"role": "viewer"}).raise_for_status()
        link = client.post(f"/v1/files/{node}/links").raise_for_status().json()
        made[name] = (node, link)
    entry = client.delete(f"/v1/files/{made['proj'][0]}").raise_for_status().json()["entryId"]
    client.delete(f"/v1/trash/{entry}").raise_for_status()
    dump(standing)  # waits for whoever sweeps up
    for name, (node, link) in made.items():
        with guest(standing, link) as one:
            assert one.get("/v1/link").status_code == (404 if name == "proj" else 200)
        grants = client.get(f"/v1/files/{node}/grants")
        assert grants.status_code == (404 if name == "proj" else 200)
        assert name == "proj" or len(grants.json()["grants"]) == 2
