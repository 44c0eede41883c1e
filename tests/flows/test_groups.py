"""Groups through the front door."""

import httpx

from tests.support.daemon import Daemon
from tests.support.tables import unchanged


def test_a_group_is_made_filled_renamed_and_deleted(client: httpx.Client) -> None:
    """Its members are users before, in between and afterwards."""
    me = client.get("/v1/me").json()["id"]
    group = client.post("/v1/groups", json={"name": "Flow"}).raise_for_status().json()
    path = f"/v1/groups/{group['id']}"
    added = client.put(f"{path}/members/{me}").raise_for_status().json()
    members = client.get(f"{path}/members").json()["items"]
    renamed = client.patch(path, json={"name": "Stream"}).json()
    assert (added["id"], [one["id"] for one in members]) == (me, [me])
    assert client.get("/v1/groups", params={"name": "stream"}).json()["items"] == [renamed]
    assert client.get(path).json() == renamed == {**group, "name": "Stream"}
    assert client.delete(f"{path}/members/{me}").status_code == 204
    assert client.delete(path).status_code == 204
    assert client.get(path).json()["code"] == "group_not_found"
    assert client.get(f"/v1/users/{me}").status_code == 200


def test_a_tenants_group_names_are_its_own(
    standing: Daemon, client: httpx.Client, stranger: httpx.Client
) -> None:
    """The same name in two tenants is two groups; a taken one in the own tenant is refused."""
    mine, theirs = (one.post("/v1/groups", json={"name": "Twin"}) for one in (client, stranger))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    with unchanged(standing):
        again = client.post("/v1/groups", json={"name": "TWIN"})
    assert (again.status_code, again.json()["code"]) == (409, "group_taken")
    listed = stranger.get("/v1/groups").json()["items"]
    assert [one["id"] for one in listed] == [theirs.json()["id"]]
