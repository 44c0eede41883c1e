"""Links through the front door: a guest with a token, and nothing else."""

import base64
from typing import Any

import httpx

from bitvault.http.routes import ENDPOINTS
from tests.support.daemon import Daemon
from tests.support.uploads import upload

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
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert httpx.get(f"{standing.url}/assets/link.js").status_code == 200
