"""Tags against a real server: what changes by itself, and what others changed."""

import httpx


def test_a_renamed_folder_is_seen_below_it(client: httpx.Client) -> None:
    """A child that was looked at before is shown again, with its new path."""
    made = client.post("/v1/folders", json={"path": "/tagged/inner", "parents": True}).json()
    inner = f"/v1/files/{made['node']['id']}"
    seen = client.get(inner)
    known = {"If-None-Match": seen.headers["ETag"]}
    assert client.get(inner, headers=known).status_code == 304
    outer = f"/v1/files/{seen.json()['parentId']}"
    assert client.patch(outer, json={"name": "renamed"}).status_code == 200
    again = client.get(inner, headers=known)
    assert (again.status_code, again.json()["path"]) == (200, "/renamed/inner")
    moved = client.patch(inner, json={"name": "moved"}, headers={"If-Match": seen.headers["ETag"]})
    assert moved.status_code == 200
    stale = client.delete(inner, headers={"If-Match": seen.headers["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert client.get(inner).json()["name"] == "moved"


def test_two_who_set_a_quota_from_one_look(client: httpx.Client) -> None:
    """The second is told, and the first one's quota stays."""
    space = f"/v1/spaces/{client.post('/v1/spaces', json={'name': 'Looked at'}).json()['id']}"
    tag = {"If-Match": client.get(space).headers["ETag"]}
    answers = [client.patch(space, json={"quota": size}, headers=tag) for size in (10, 20)]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert client.get(space).json()["quota"] == 10


def test_a_member_and_a_user_have_tags(client: httpx.Client) -> None:
    """A role is changed as it was seen; a user who is known is not sent again."""
    space = f"/v1/spaces/{client.post('/v1/spaces', json={'name': 'Roles'}).json()['id']}"
    me = client.get("/v1/me")
    body = {"login": "tagged", "password": "a password of theirs"}
    other = client.post("/v1/users", json=body).raise_for_status().json()["id"]
    member = f"{space}/members/{other}"
    client.put(member, json={"role": "viewer"}).raise_for_status()
    seen = client.get(member).headers["ETag"]
    assert client.get("/v1/me", headers={"If-None-Match": me.headers["ETag"]}).status_code == 304
    for status in (200, 412):
        answer = client.put(member, json={"role": "editor"}, headers={"If-Match": seen})
        assert answer.status_code == status
    assert answer.json()["currentRole"] == "editor"
