"""Headers: who asks, idempotency, redirects, security, the log line."""

import pytest
from structlog.testing import capture_logs

from bitvault.actors.audit.contract import RecordDownloads
from bitvault.actors.files.contract import (
    GetContents,
    InitUploads,
    UploadUnneeded,
)
from tests.http.support.rooms import HASH, ID, TAG, TOKEN, WRITTEN, World
from tests.support import logs

GOOD = {"path": "/a", "size": 3, "hash": HASH}


async def test_the_fingerprint_tells_requests_apart_and_not_spellings(world: World) -> None:
    """The same request in other whitespace has the same fingerprint, another one has not."""
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    spelled = b'{ "hash":"%s",\n"size":3,"path":"/a" }' % HASH.encode()
    await world.send("POST", "/v1/files", json=GOOD, headers=headers)
    await world.send("POST", "/v1/files", data=spelled, headers=headers)
    await world.send("POST", "/v1/files", json={**GOOD, "size": 4}, headers=headers)
    first, same, other = [one.caller.idempotency for one in world.room.asked]
    assert first == same
    assert (other.key, other.fingerprint == first.fingerprint) == ("k1", False)


@pytest.mark.parametrize(
    ("query", "accept", "status"),
    [
        ("?redirect=1", "*/*", 302),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", 302),
        ("", "application/json", 200),
        ("?redirect=0", "*/*", 200),
    ],
)
async def test_content_is_a_redirect_for_browsers(
    world: World, query: str, accept: str, status: int
) -> None:
    """Neither form may be stored by anybody: the URL is a secret for minutes."""
    headers = {"Accept": accept}
    answer = await world.send("GET", f"/v1/files/{ID}/content{query}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert (answer.headers.get("Location") == "http://store/y?sig=2") == (status == 302)
    assert [type(asked) for asked in world.room.asked[-2:]] == [GetContents, RecordDownloads]


async def test_content_the_caller_has_already_is_200_at_once(world: World) -> None:
    """A deduplicated upload answers the written node instead of transfers."""
    world.room.answers[InitUploads] = lambda _: (UploadUnneeded(WRITTEN),)
    answer = await world.send("POST", "/v1/files", json=GOOD)
    body = await answer.get_json()
    assert (answer.status_code, body["version"], body["node"]["etag"]) == (200, 2, TAG)


@pytest.mark.requirement("X10", "X12")
async def test_a_token_in_the_query_string_is_no_token(world: World) -> None:
    """It would stand in logs and in Referer headers."""
    answer = await world.send("GET", f"/v1/me?access_token={TOKEN}", token=None)
    assert answer.status_code == 401


@pytest.mark.requirement("X37")
@pytest.mark.parametrize("path", ["/v1/me", "/v1/nowhere", "/status", "/livez", "/v1/docs"])
async def test_every_response_has_the_security_headers(world: World, path: str) -> None:
    """No sniffing, no framing, no referrer, and a policy for what may run."""
    answer = await world.send("GET", path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Request-Id"]


@pytest.mark.requirement("X62")
@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-12345", True), ("short", False), ("a" * 129, False), ("x y z 1234", False)],
)
async def test_a_harmless_request_id_is_kept(world: World, given: str, *, kept: bool) -> None:
    """Anything else is replaced, so that it can't forge log lines."""
    answer = await world.send("GET", "/livez", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) == kept


@pytest.mark.requirement("X37", "X63")
async def test_the_log_line_has_no_secrets(world: World) -> None:
    """One line per request, with the route's template, and no token, path, name or body."""
    logs.configure()
    body = {"login": "ann", "password": "hunter2-hunter2"}
    with capture_logs() as lines:
        await world.send("POST", "/v1/sessions?x=hunter2-hunter2", json=body)
        await world.send("GET", "/v1/files?path=/hunter2-hunter2")
    assert [line["route"] for line in lines] == ["/v1/sessions", "/v1/files"]
    assert lines[1]["tenant"] == str(ID)
    assert {"requestId", "status", "milliseconds", "databaseMilliseconds"} <= set(lines[1])
    assert "hunter2" not in repr(lines)
    assert TOKEN not in repr(lines)
