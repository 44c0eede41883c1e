"""``ifExists: replace`` over real HTTP, for what is moved, copied and restored."""

import httpx

from tests.support.uploads import download, upload


def test_a_moved_file_replaces_another_which_can_be_had_back(client: httpx.Client) -> None:
    """The answer's entryId brings the replaced file back, and so trashes the one that came."""
    old = upload(client, "/replacing/f.txt", b"old")
    new = upload(client, "/replacing/new.txt", b"new")
    route, body = f"/v1/files/{new['id']}", {"name": "f.txt"}
    taken = client.patch(route, json=body)
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")

    moved = client.patch(route, json={**body, "ifExists": "replace"}).raise_for_status().json()

    assert (moved["node"]["id"], moved["node"]["path"]) == (new["id"], "/replacing/f.txt")
    restore = f"/v1/trash/{moved['entryId']}/restore"
    assert client.post(restore).json()["code"] == "name_taken"
    back = client.post(restore, json={"ifExists": "replace"}).raise_for_status().json()
    assert (back["node"]["id"], back["node"]["path"]) == (old["id"], "/replacing/f.txt")
    trash = client.get("/v1/trash").json()["items"]
    assert (trash[0]["entryId"], trash[0]["node"]["id"]) == (back["entryId"], new["id"])


def test_a_copied_file_is_the_next_version_of_the_one_it_replaces(client: httpx.Client) -> None:
    """The file in place keeps its id, and its older content can still be fetched."""
    old = upload(client, "/replacing/to/c.txt", b"before")
    new = upload(client, "/replacing/c.txt", b"after")
    body = {"parentPath": "/replacing/to", "ifExists": "replace"}

    done = client.post(f"/v1/files/{new['id']}/copy", json=body).raise_for_status().json()

    assert (done["node"]["id"], done["node"]["version"]) == (old["id"], 2)
    assert download(client, old["id"]) == b"after"


def test_a_folder_is_never_replaced(client: httpx.Client) -> None:
    """Neither by a folder nor by a file."""
    for path in ("/replacing/d/sub", "/replacing/sub"):
        client.post("/v1/folders", json={"path": path, "parents": True}).raise_for_status()
    file = upload(client, "/replacing/plain", b"plain")
    sub = client.get("/v1/files", params={"path": "/replacing/sub"}).json()
    into = {"parentPath": "/replacing/d", "ifExists": "replace"}

    by_folder = client.patch(f"/v1/files/{sub['id']}", json=into)
    by_file = client.patch(f"/v1/files/{file['id']}", json={**into, "name": "sub"})

    codes = [(one.status_code, one.json()["code"]) for one in (by_folder, by_file)]
    assert codes == [(409, "name_taken"), (409, "kind_mismatch")]
