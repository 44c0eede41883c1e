"""What a token of each scope can do, and how it ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.flows.belongings import HASH
from tests.support.daemon import Daemon
from tests.support.tables import unchanged
from tests.support.uploads import upload


@contextmanager
def bearer(daemon: Daemon, client: httpx.Client, **wanted: Any) -> Iterator[httpx.Client]:
    """Be a new token of the client's user."""
    made = client.post("/v1/tokens", json={"name": "flow", **wanted}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=daemon.url, headers=headers, timeout=30) as by_token:
        yield by_token


WRITES = [
    ("POST", "/v1/folders", {"path": "/by-token"}),
    ("POST", "/v1/batch", {"operations": [{"op": "mkdir", "path": "/by-token"}]}),
]
ADMINISTERS = [
    ("POST", "/v1/users", {"login": "by-token", "password": "long enough"}),
    ("GET", "/v1/audit", None),
    ("POST", "/v1/spaces", {"name": "By token"}),
]
ACCOUNTS = [
    ("POST", "/v1/tokens", {"name": "another"}),
    ("GET", "/v1/sessions", None),
    ("PUT", "/v1/me/password", {"currentPassword": "x" * 9, "newPassword": "y" * 9}),
]


@pytest.mark.requirement("X12")
@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        ("read", WRITES + ADMINISTERS + ACCOUNTS),
        ("write", ADMINISTERS + ACCOUNTS),
        ("admin", ACCOUNTS),
    ],
    ids=["read", "write", "admin"],
)
def test_a_token_does_no_more_than_it_was_made_for(
    standing: Daemon, client: httpx.Client, scope: str, refused: list[tuple[str, str, Any]]
) -> None:
    """What needs more is a 403 and changes no row; what it is good for is served."""
    node = upload(client, f"/scoped-{scope}.txt", scope.encode())["id"]
    with bearer(standing, client, scope=scope) as by_token:
        assert by_token.get(f"/v1/files/{node}/content").status_code == 200
        with unchanged(standing):
            answers = [by_token.request(method, path, json=body) for method, path, body in refused]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {
            (403, "insufficient_scope")
        }
        made = by_token.post("/v1/folders", json={"path": f"/scope-{scope}"})
        assert made.status_code == (403 if scope == "read" else 201)
        assert by_token.get("/v1/audit").status_code == (200 if scope == "admin" else 403)


def test_a_token_that_leaked_ends_itself(standing: Daemon, client: httpx.Client) -> None:
    """Whoever finds it can do that, whatever its scope; afterwards it is like none."""
    with bearer(standing, client, scope="read") as by_token:
        assert by_token.delete("/v1/sessions/current").status_code == 204
        assert by_token.get("/v1/me").status_code == 401


OUTSIDE = [
    ("GET", "/v1/spaces"),
    ("GET", "/v1/shared"),
    ("GET", "/v1/users"),
    ("GET", "/v1/groups"),
    ("GET", "/v1/links"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/tokens"),
    ("GET", "/v1/admin/tenants"),
    ("POST", "/v1/files/{inbox}/links"),
    ("GET", "/v1/files/{inbox}/access"),
    ("GET", "/v1/files/{inbox}/grants"),
]


@pytest.mark.requirement("X12")
def test_a_token_for_a_folder_knows_that_folder_alone(
    standing: Daemon, client: httpx.Client
) -> None:
    """It uploads, reads and lists there; all else is not there, or not for it (X12)."""
    beside = upload(client, "/confined/beside.txt", b"beside")["id"]
    inbox = upload(client, "/confined/inbox/first.txt", b"first")["parentId"]
    with bearer(standing, client, confinedTo=inbox) as by_token:
        assert by_token.get("/v1/sessions/current").json()["confinedTo"] == inbox
        new = upload(by_token, f"{inbox}:/new.txt", b"new")
        assert (new["path"], new["parentId"]) == ("/inbox/new.txt", inbox)
        listed = by_token.get(f"/v1/folders/{inbox}/children").json()["items"]
        assert [one["name"] for one in listed] == ["first.txt", "new.txt"]
        with unchanged(standing):
            assert by_token.get(f"/v1/files/{beside}").status_code == 404
            assert by_token.delete(f"/v1/files/{beside}").status_code == 404
            assert by_token.delete(f"/v1/files/{inbox}").status_code == 403
            for method, path in OUTSIDE:
                answer = by_token.request(method, path.replace("{inbox}", inbox))
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        client.delete(f"/v1/files/{inbox}").raise_for_status()
        assert by_token.get(f"/v1/files/{new['id']}").status_code == 404


def test_no_token_ends_at_what_its_maker_cannot_see(
    standing: Daemon, client: httpx.Client, stranger: httpx.Client
) -> None:
    """A node of another tenant is like one that never was."""
    node = upload(client, "/confined/foreign.txt", b"foreign")["id"]
    with unchanged(standing):
        answer = stranger.post("/v1/tokens", json={"name": "x", "confinedTo": node})
    assert (answer.status_code, answer.json()["code"]) == (404, "node_not_found")


@pytest.fixture
def credentials(standing: Daemon, client: httpx.Client) -> dict[str, str]:
    """Return headers that were good once, or never."""
    expired = client.post("/v1/tokens", json={"name": "old", "expiresIn": 60}).json()
    standing.rows(
        "UPDATE identity.credential SET expires_at = now() - interval '1 s'"
        " WHERE credential_id = $1",
        expired["id"],
    )
    revoked = client.post("/v1/tokens", json={"name": "revoked"}).json()
    client.delete(f"/v1/tokens/{revoked['id']}").raise_for_status()
    good = client.headers["Authorization"].removeprefix("Bearer ")
    return {
        "expired": f"Bearer {expired['token']}",
        "revoked": f"Bearer {revoked['token']}",
        "forged": f"Bearer {good[:-1]}{'A' if good[-1] != 'A' else 'B'}",
        "another prefix": f"Bearer xx_{good.removeprefix('bv_')}",
        "no token": "Bearer",
        "basic": "Basic YWRtaW46eA==",
        "huge": "Bearer " + "a" * 5000,
    }


@pytest.mark.requirement("X12")
def test_a_token_that_is_not_good_says_no_more_than_that(
    standing: Daemon, credentials: dict[str, str]
) -> None:
    """Expired, revoked, forged and absent have one answer, on reading and on writing."""
    told, wanted = set(), {"path": "/refused", "size": 9, "hash": HASH}
    with unchanged(standing), httpx.Client(base_url=standing.url) as anybody:
        for authorization in [None, *credentials.values()]:
            headers = {} if authorization is None else {"Authorization": authorization}
            for reply in (
                anybody.get("/v1/me", headers=headers),
                anybody.post("/v1/files", json=wanted, headers=headers),
                anybody.post("/v1/files", content=b"{", headers=headers),
            ):
                assert reply.headers["WWW-Authenticate"].startswith("Bearer")
                told.add((reply.status_code, reply.text.replace(reply.headers["X-Request-Id"], "")))
    [(status, text)] = told
    assert (status, json.loads(text)["code"]) == (401, "unauthenticated")
