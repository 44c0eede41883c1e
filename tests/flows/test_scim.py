"""A company's directory through the front door (RFC 7644)."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tests.support.daemon import Daemon
from tests.support.tables import unchanged

NOBODY = "0190163d-0000-739b-aea5-966c26f8ad91"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def token(client: httpx.Client) -> str:
    """Be a directory: a service account that is an admin."""
    body = {"login": f"directory-{uuid4()}", "kind": "service", "isAdmin": True}
    robot = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    made = client.post(f"/v1/users/{robot}/tokens", json={"name": "scim", "scope": "admin"})
    return str(made.raise_for_status().json()["token"])


@pytest.fixture
def directory(standing: Daemon, token: str) -> Iterator[httpx.Client]:
    """Come with its token."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{standing.url}/scim/v2", headers=headers) as directory:
        yield directory


def test_the_compliance_checker_finds_nothing(standing: Daemon, token: str) -> None:
    """What others hold SCIM servers to, on every resource and operation that is advertised."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{standing.url}/scim/v2", headers=headers) as http:
        found = check_server(SyncSCIMClient(http))
    wrong = [f"{one.title}: {one.reason}" for one in found if one.status is Status.ERROR]
    done = [one for one in found if one.status in {Status.SUCCESS, Status.COMPLIANT}]
    assert not wrong, "\n".join(wrong)
    assert len(done) > 30


def test_a_directory_keeps_a_user_and_a_group(
    client: httpx.Client, directory: httpx.Client
) -> None:
    """As Entra ID and Okta send it: made, found, put in a group, disabled by a word, deleted."""
    login = f"ann-{uuid4()}"
    sent = {
        "userName": login,
        "externalId": "e-1" + login,
        "name": {"givenName": "Ann"},
        "title": "x",
    }
    user = directory.post("/Users", json=sent).raise_for_status().json()
    assert (user["displayName"], user["active"], "title" in user) == ("Ann", True, False)
    given = {"filter": f'userName eq "{login.upper()}"'}
    assert directory.get("/Users", params=given).json()["Resources"][0]["id"] == user["id"]
    members = [{"value": user["id"]}]
    group = directory.post("/Groups", json={"displayName": login, "members": members}).json()
    shown = client.get(f"/v1/groups/{group['id']}/members").json()["items"]
    assert [one["login"] for one in shown] == [login]

    off = {
        "schemas": [PATCH],
        "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
    }
    assert directory.patch(f"/Users/{user['id']}", json=off).json()["active"] is False
    assert client.get(f"/v1/users/{user['id']}").json()["isDisabled"] is True
    path = f'members[value eq "{user["id"]}"]'
    gone = {"Operations": [{"op": "remove", "path": path}]}
    assert directory.patch(f"/Groups/{group['id']}", json=gone).json()["members"] == []
    for place in (f"/Groups/{group['id']}", f"/Users/{user['id']}"):
        assert directory.delete(place).status_code == 204
        assert directory.get(place).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", '/Users?filter=userName co "a"', None, 400, "invalidFilter"),
        ("GET", '/Users?filter=password eq "a"', None, 400, "invalidFilter"),
        ("GET", "/Users?startIndex=x", None, 400, "invalidValue"),
        ("POST", "/Users", {"userName": ""}, 400, "invalidValue"),
        ("POST", "/Users", {"displayName": "no login"}, 400, "invalidValue"),
        ("POST", "/Users", {"userName": "ADMIN"}, 409, "uniqueness"),
        ("POST", "/Groups", {"displayName": "g", "members": [{"value": "x"}]}, 400, "invalidValue"),
        (
            "POST",
            "/Groups",
            {"displayName": "g", "members": [{"value": NOBODY}]},
            400,
            "invalidValue",
        ),
        ("PATCH", f"/Users/{NOBODY}", {"Operations": [{"op": "move"}]}, 400, "invalidValue"),
        ("PATCH", f"/Users/{NOBODY}", {"Operations": [{"op": "remove"}]}, 400, "invalidPath"),
        ("PUT", f"/Users/{NOBODY}", {"userName": "x"}, 404, None),
        ("GET", "/Nothing", None, 404, None),
        ("POST", "/Users", "no object", 400, "invalidValue"),
    ],
)
def test_a_wrong_request_is_told_so_in_scims_words_and_changes_nothing(
    standing: Daemon,
    directory: httpx.Client,
    method: str,
    path: str,
    body: object,
    status: int,
    kind: str | None,
) -> None:
    """Status, scimType and a sentence; not a row is different."""
    with unchanged(standing):
        answer = directory.request(method, path, json=body)
    fault = answer.json()
    assert answer.headers["content-type"] == "application/scim+json"
    assert (answer.status_code, fault["status"], fault.get("scimType")) == (
        status,
        str(status),
        kind,
    )
    assert fault["detail"]
    assert fault["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_who_is_no_admin_keeps_nothing(standing: Daemon, client: httpx.Client) -> None:
    """A token of a smaller scope is told which it takes, and a plain service account is refused."""
    body = {"login": f"plain-{uuid4()}", "kind": "service"}
    robot = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    for scope, code in (("write", "insufficient_scope"), ("admin", "forbidden")):
        made = client.post(f"/v1/users/{robot}/tokens", json={"name": scope, "scope": scope})
        headers = {"Authorization": f"Bearer {made.raise_for_status().json()['token']}"}
        with httpx.Client(base_url=f"{standing.url}/scim/v2", headers=headers) as plain:
            answer = plain.get("/Users")
        assert (answer.status_code, answer.headers["x-problem-code"]) == (403, code)
