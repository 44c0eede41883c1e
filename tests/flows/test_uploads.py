"""The sequence of an upload over real HTTP: init, presigned PUT, commit, content."""

from uuid import uuid4

import httpx
import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.uploads import commit, download, init, send, sha256, upload


def test_a_file_goes_up_and_comes_down_by_presigned_requests(client: httpx.Client) -> None:
    """The bytes travel between client and object store; BitVault hands out the addresses."""
    content = b"hello, vault"
    opened = init(client, "/seq/hello.txt", content)
    assert opened["plan"]["kind"] == "single"
    assert send(opened["transfers"][0], content).status_code == 200
    node = commit(client, opened["uploadId"], content).json()["node"]
    assert (node["path"], node["size"], node["version"]) == ("/seq/hello.txt", 12, 1)
    assert download(client, node["id"]) == content
    moved = client.get(f"/v1/files/{node['id']}/content", params={"redirect": 1})
    assert moved.status_code == 302
    assert httpx.get(moved.headers["location"]).content == content


@pytest.mark.requirement("X38")
def test_an_old_url_cannot_change_a_committed_file(client: httpx.Client) -> None:
    """The PUT's URL is still valid, and still writes nothing: the object is written once."""
    content = b"the truth"
    opened = init(client, "/seq/once.txt", content)
    transfer = opened["transfers"][0]
    send(transfer, content)
    node = commit(client, opened["uploadId"], content).json()["node"]
    assert send(transfer, b"the lies!").status_code in {400, 403, 412}
    assert send(transfer, content).status_code == 412
    assert download(client, node["id"]) == content


def test_a_commit_before_the_put_is_refused_and_may_be_repeated(client: httpx.Client) -> None:
    """Nothing is there to commit; once it is, the same upload goes through."""
    content = b"late"
    opened = init(client, "/seq/late.txt", content)
    early = commit(client, opened["uploadId"], content)
    assert (early.status_code, early.json()["code"]) == (409, "bytes_missing")
    send(opened["transfers"][0], content)
    assert commit(client, opened["uploadId"], content).status_code == 200


@pytest.mark.requirement("X39", "X40")
def test_other_bytes_than_announced_are_refused_by_the_store(client: httpx.Client) -> None:
    """The URL admits the announced bytes only, so a commit of others finds nothing."""
    opened = init(client, "/seq/other.txt", b"announced")
    assert send(opened["transfers"][0], b"different").status_code in {400, 403}
    refused = commit(client, opened["uploadId"], b"different")
    assert 400 <= refused.status_code < 500
    assert client.get("/v1/files", params={"path": "/seq/other.txt"}).status_code == 404


def test_a_second_commit_gives_the_first_answer(client: httpx.Client) -> None:
    """The same claim again is the same fact: one version, one event."""
    content = b"twice"
    opened = init(client, "/seq/twice.txt", content)
    send(opened["transfers"][0], content)
    first, second = (commit(client, opened["uploadId"], content) for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json())


def test_a_commit_after_an_abort_finds_no_upload(client: httpx.Client) -> None:
    """An aborted upload is over; the name is free."""
    opened = init(client, "/seq/aborted.txt", b"never")
    assert client.delete(f"/v1/files/uploads/{opened['uploadId']}").status_code == 204
    assert 400 <= commit(client, opened["uploadId"], b"never").status_code < 500
    assert client.get("/v1/files", params={"path": "/seq/aborted.txt"}).status_code == 404


def test_another_tenants_file_looks_like_none(client: httpx.Client, stranger: httpx.Client) -> None:
    """A foreign id and an invented one get the same answer on every route."""
    node = upload(client, "/seq/private.txt", b"mine")["id"]
    opened = init(client, "/seq/private-2.txt", b"mine too")["uploadId"]
    invented = "01a20b65-0000-7000-8000-000000000000"
    for route in ("/v1/files/{}", "/v1/files/{}/content", "/v1/files/{}/versions"):
        assert _told(stranger, route, node) == _told(stranger, route, invented)
    route = "/v1/files/uploads/{}"
    assert _told(stranger, route, opened) == _told(stranger, route, invented)
    assert commit(stranger, opened, b"mine too").status_code == 404


def _told(client: httpx.Client, route: str, target: str) -> str:
    """Return a 404's text without what names the request or what was asked for."""
    reply = client.get(route.format(target))
    assert reply.status_code == 404
    return reply.text.replace(reply.headers["X-Request-Id"], "").replace(target, "")


@pytest.mark.requirement("X39")
def test_a_file_beyond_the_quota_is_refused_before_a_byte_moves(client: httpx.Client) -> None:
    """The refusal comes at init, and reserves nothing."""
    before = client.get("/v1/spaces/personal").json()
    body = {"path": "/seq/huge", "size": (1 << 30) + 1}
    refused = client.post("/v1/files", json=body)
    assert (refused.status_code, refused.json()["code"]) == (413, "quota_exceeded")
    assert client.get("/v1/spaces/personal").json() == before


@pytest.mark.parametrize("step", ["init", "commit"])
def test_a_request_repeated_under_its_key_is_done_once(client: httpx.Client, step: str) -> None:
    """An answer that got lost can be asked for again."""
    content, path = step.encode(), f"/seq/key-{step}.txt"
    if step == "init":
        body = {"path": path, "size": len(content), "hash": sha256(content)}
        headers = {"Idempotency-Key": "init-once"}
        answers = [client.post("/v1/files", json=body, headers=headers) for _ in range(2)]
        assert answers[0].json()["uploadId"] == answers[1].json()["uploadId"]
        return
    opened = init(client, path, content)
    send(opened["transfers"][0], content)
    answers = [commit(client, opened["uploadId"], content, "commit-once") for _ in range(2)]
    assert answers[0].json() == answers[1].json()


def test_the_audit_says_who_did_what_and_from_where(standing: Daemon, client: httpx.Client) -> None:
    """A commit's entry names the user, the event, the address, the program and the request."""
    content = b"watched"
    opened = init(client, "/seq/watched.txt", content)
    send(opened["transfers"][0], content)
    done = commit(client, opened["uploadId"], content)
    node, me = done.json()["node"]["id"], client.get("/v1/me").json()["id"]
    sql = "SELECT kind, user_id::text, address, user_agent, request_id FROM audit.entry"
    found = eventually(lambda: standing.rows(f"{sql} WHERE aggregate_id = '{node}'"), 10)
    assert len(found) == 1
    _kind, user, address, program, request = found[0]
    assert (user, address) == (me, "127.0.0.1")
    assert program.startswith("python-httpx/")
    assert request == done.headers["X-Request-Id"]


def test_uploads_are_aborted_together(client: httpx.Client) -> None:
    """Each has its own answer; what was committed stays, and again is the same."""
    content = f"kept {uuid4()}".encode()
    kept = init(client, "/seq/kept.txt", content)
    send(kept["transfers"][0], content)
    commit(client, kept["uploadId"], content)
    ids = [init(client, f"/seq/dropped-{n}", b"x")["uploadId"] for n in range(2)]
    items = [{"uploadId": one} for one in (*ids, kept["uploadId"], str(uuid4()))]
    for _ in range(2):
        answer = client.post("/v1/files/aborts", json={"items": items}).raise_for_status()
        told = answer.json()["items"]
        assert [one.get("result") for one in told[:2]] == [
            {"uploadId": one, "state": "aborted"} for one in ids
        ]
        codes = [(one["status"], one["problem"]["code"]) for one in told[2:]]
        assert codes == [(409, "upload_closed"), (404, "upload_not_found")]
    still_open = {one["uploadId"] for one in client.get("/v1/files/uploads").json()["items"]}
    assert still_open.isdisjoint(ids)
    assert client.get("/v1/files", params={"path": "/seq/kept.txt"}).status_code == 200
