"""Users who are kept out or go, through the front door."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.tables import unchanged
from tests.support.uploads import upload

PASSWORD = "a password of theirs"


@contextmanager
def user(daemon: Daemon, client: httpx.Client, login: str) -> Iterator[httpx.Client]:
    """Be a new user of the first tenant."""
    client.post("/v1/users", json={"login": login, "password": PASSWORD}).raise_for_status()
    opened = httpx.post(f"{daemon.url}/v1/sessions", json={"login": login, "password": PASSWORD})
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    with httpx.Client(base_url=daemon.url, headers=headers, timeout=30) as made:
        yield made


@pytest.mark.requirement("X8")
def test_who_is_disabled_is_refused_from_the_next_request_on(
    standing: Daemon, client: httpx.Client
) -> None:
    """Session and token alike; like one who never was, on logging in too (X8)."""
    with user(standing, client, "dora") as dora:
        me = dora.get("/v1/me").json()["id"]
        token = dora.post("/v1/tokens", json={"name": "hers"}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert dora.get("/v1/me", headers=headers).status_code == 200
        off = client.patch(f"/v1/users/{me}", json={"isDisabled": True}).json()
        assert (off["login"], off["isDisabled"]) == ("dora", True)
        with unchanged(standing):
            assert dora.get("/v1/files", params={"path": "/"}).status_code == 401
            assert dora.get("/v1/me", headers=headers).status_code == 401
            told = {
                (one.status_code, one.json()["detail"])
                for one in (
                    httpx.post(
                        f"{standing.url}/v1/sessions", json={"login": name, "password": PASSWORD}
                    )
                    for name in ("dora", "nobody-at-all")
                )
            }
        assert told == {(401, "Tenant, login or password is wrong.")}


def test_what_a_deleted_user_had_is_the_heirs(standing: Daemon, client: httpx.Client) -> None:
    """The same node under another roof, the trail with the name, and nothing to log in with."""
    with user(standing, client, "emil") as emil:
        me = emil.get("/v1/me").json()["id"]
        node = upload(emil, "/his.txt", b"what emil had")["id"]
        eventually(lambda: client.get("/v1/audit", params={"nodeId": node}).json()["items"], 10)
        heir = client.get("/v1/me").json()["id"]
        assert client.get(f"/v1/files/{node}").status_code == 404
        left = client.delete(f"/v1/users/{me}", params={"heir": heir}).raise_for_status().json()
        assert emil.get("/v1/me").status_code == 401
    assert left["spaceName"] == "Files of emil"
    found = client.get(f"/v1/files/{node}").json()
    assert (found["spaceId"], found["path"]) == (left["spaceId"], "/his.txt")
    content = client.get(f"/v1/files/{node}/content").json()
    assert httpx.get(content["url"], headers=content["headers"]).content == b"what emil had"
    [entry] = client.get("/v1/audit", params={"nodeId": node}).json()["items"]
    assert entry["login"] == "emil"
    assert client.get(f"/v1/users/{me}").status_code == 404
    with unchanged(standing):
        assert client.delete(f"/v1/users/{me}").json()["code"] == "user_not_found"


def test_a_user_who_had_nothing_leaves_nothing(standing: Daemon, client: httpx.Client) -> None:
    """No space is made for the sake of it."""
    with user(standing, client, "fay") as fay:
        me = fay.get("/v1/me").json()["id"]
    assert client.delete(f"/v1/users/{me}").json() == {"spaceId": None, "spaceName": None}


@pytest.mark.requirement("X19")
def test_only_admins_change_users(standing: Daemon, client: httpx.Client) -> None:
    """Whoever else tries changes no row, of themself neither."""
    with user(standing, client, "gus") as gus:
        me, admin = (one.get("/v1/me").json()["id"] for one in (gus, client))
        with unchanged(standing):
            answers = [
                gus.patch(f"/v1/users/{me}", json={"isAdmin": True}),
                gus.patch(f"/v1/users/{admin}", json={"isDisabled": True}),
                gus.delete(f"/v1/users/{admin}"),
                gus.delete(f"/v1/users/{admin}/sessions"),
                gus.post("/v1/groups", json={"name": "Mine"}),
            ]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "forbidden")}


def test_sessions_end_elsewhere_and_stay_here(standing: Daemon, client: httpx.Client) -> None:
    """By the user, and then by an admin everywhere."""
    with user(standing, client, "hal") as hal:
        body = {"login": "hal", "password": PASSWORD}
        other = httpx.post(f"{standing.url}/v1/sessions", json=body).json()["token"]
        elsewhere = {"Authorization": f"Bearer {other}"}
        assert hal.get("/v1/me", headers=elsewhere).status_code == 200
        assert hal.delete("/v1/sessions").status_code == 204
        assert hal.get("/v1/me", headers=elsewhere).status_code == 401
        [own] = hal.get("/v1/sessions").json()["items"]
        assert own["isCurrent"] is True
        me = hal.get("/v1/me").json()["id"]
        assert client.delete(f"/v1/users/{me}/sessions").status_code == 204
        assert hal.get("/v1/me").status_code == 401
