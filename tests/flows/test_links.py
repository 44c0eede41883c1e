"""Links through the front door: a guest with a token, and nothing else."""

import base64
from typing import Any

import httpx

from bitvault.http.routes import ENDPOINTS
from tests.support.daemon import Daemon, eventually
from tests.support.uploads import commit, init, send, sha256, upload

PASSWORD = "open sesame"


def guest(daemon: Daemon, link: dict[str, Any], password: str = "") -> httpx.Client:
    """Come with a link."""
    raw = base64.b64encode(f"{link['token']}:{password}".encode()).decode()
    given = f"Basic {raw}" if password else f"Bearer {link['token']}"
    return httpx.Client(base_url=daemon.url, headers={"Authorization": given})


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


def test_a_guest_is_served_by_few_routes(standing: Daemon, client: httpx.Client) -> None:
    """Whatever is not said to serve guests answers 403, whoever the link's maker is."""
    made = client.post("/v1/folders", json={"path": "/few"}).json()["node"]["id"]
    link = client.post(f"/v1/files/{made}/links", json={"role": "editor"}).json()
    closed = [e for e in ENDPOINTS if not (e.for_guests or e.is_open)]
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
