"""Tenants as the platform's operator keeps them, through the front door."""

from typing import Any

import httpx
import pytest

from tests.support.daemon import Daemon
from tests.support.tables import changes, unchanged
from tests.support.uploads import init, upload

PATH = "/v1/admin/tenants"
PASSWORD = "a password of theirs"


@pytest.fixture
def tenant(client: httpx.Client) -> Any:
    """Make a tenant, or find the one that was made."""
    body = {"name": "initech", "login": "bill", "password": PASSWORD}
    made = client.post(PATH, json=body)
    if made.status_code == 201:
        return made.json()
    return client.get(PATH, params={"name": "initech"}).json()["items"][0]


@pytest.fixture
def bill(standing: Daemon, tenant: Any) -> Any:
    """Be that tenant's admin."""
    body = {"tenant": tenant["name"], "login": "bill", "password": PASSWORD}
    token = httpx.post(f"{standing.url}/v1/sessions", json=body).raise_for_status().json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=standing.url, headers=headers, timeout=30) as bill:
        yield bill


def test_a_suspended_tenant_is_read_only_until_it_goes_on(
    standing: Daemon, client: httpx.Client, bill: httpx.Client, tenant: Any
) -> None:
    """From the next request on, an upload under way too; logging in and reading go on."""
    node = upload(bill, "/kept.txt", b"bill's")["id"]
    begun = init(bill, "/begun.txt", b"begun")["uploadId"]
    path = f"{PATH}/{tenant['id']}"
    suspended = client.patch(path, json={"isSuspended": True}).raise_for_status().json()
    try:
        assert suspended["isSuspended"] is True
        with unchanged(standing):
            answers = [
                bill.post("/v1/folders", json={"path": "/new"}),
                bill.post(f"/v1/files/{begun}/commit", json={"hash": "sha256:" + "0" * 64}),
                bill.delete(f"/v1/files/{node}"),
                bill.post("/v1/users", json={"login": "new", "password": PASSWORD}),
            ]
            assert bill.get("/v1/audit").status_code == 200
        with changes(standing) as changed:
            assert bill.get(f"/v1/files/{node}/content").status_code == 200
        assert changed == ["audit.download"]
        told = {(one.status_code, one.json()["code"]) for one in answers}
        assert told == {(403, "tenant_suspended")}
        body = {"tenant": tenant["name"], "login": "bill", "password": PASSWORD}
        assert httpx.post(f"{standing.url}/v1/sessions", json=body).status_code == 201
    finally:
        client.patch(path, json={"isSuspended": False}).raise_for_status()
    assert bill.post("/v1/folders", json={"path": "/new"}).status_code == 201


@pytest.mark.requirement("X19")
def test_a_tenants_admin_operates_nothing(
    standing: Daemon, bill: httpx.Client, stranger: httpx.Client, tenant: Any
) -> None:
    """Not even the own tenant; one that is there and one that is not look the same (X19)."""
    with unchanged(standing):
        for who in (bill, stranger):
            answers = [
                who.get(PATH),
                who.post(PATH, json={"name": "x", "login": "y", "password": PASSWORD}),
                *(
                    who.request(method, f"{PATH}/{name}", json=body)
                    for name in (tenant["id"], "01a20b65-0000-7000-8000-000000000000")
                    for method, body in (("GET", None), ("PATCH", {"isSuspended": False}))
                ),
                who.patch(f"/v1/users/{who.get('/v1/me').json()['id']}", json={"isOperator": True}),
            ]
            assert {(one.status_code, one.json()["code"]) for one in answers} == {
                (403, "forbidden")
            }


@pytest.mark.requirement("X19")
def test_an_operator_is_a_stranger_in_the_tenants_it_keeps(
    client: httpx.Client, bill: httpx.Client
) -> None:
    """Neither users nor files of theirs exist for it."""
    node = upload(bill, "/private.txt", b"bill's alone")["id"]
    assert client.get(f"/v1/files/{node}").status_code == 404
    assert client.get(f"/v1/users/{bill.get('/v1/me').json()['id']}").status_code == 404


def test_a_limit_of_users_is_kept(client: httpx.Client, bill: httpx.Client, tenant: Any) -> None:
    """The next one is refused by the number; without a limit there is room."""
    path = f"{PATH}/{tenant['id']}"
    assert client.patch(path, json={"maxUsers": 1}).json()["maxUsers"] == 1
    body = {"login": "milton", "password": PASSWORD}
    refused = bill.post("/v1/users", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_users")
    assert client.patch(path, json={"unlimitedUsers": True}).json()["maxUsers"] is None
    assert bill.post("/v1/users", json=body).status_code == 201
