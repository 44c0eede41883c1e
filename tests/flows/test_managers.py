"""Who manages team spaces, over real HTTP."""

import httpx


def test_the_last_manager_stays_and_admins_see_every_space(
    client: httpx.Client, stranger: httpx.Client
) -> None:
    """409 for whoever would leave a space without a manager; a foreign admin lists their own."""
    me = client.get("/v1/me").json()["id"]
    space = client.post("/v1/spaces", json={"name": "Kept"}).raise_for_status().json()
    route = f"/v1/spaces/{space['id']}/members/{me}"

    for refused in (client.delete(route), client.put(route, json={"role": "viewer"})):
        assert (refused.status_code, refused.json()["code"]) == (409, "last_manager")

    everyone = {"all": "true"}
    ours = client.get("/v1/spaces", params=everyone).raise_for_status().json()["items"]
    assert (space["id"], "manager") in {(one["id"], one["role"]) for one in ours}
    assert {one["kind"] for one in ours} == {"team"}
    theirs = stranger.get("/v1/spaces", params=everyone).raise_for_status().json()["items"]
    assert space["id"] not in {one["id"] for one in theirs}
