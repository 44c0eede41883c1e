"""Uploads in parts."""

import subprocess
import sys
from collections.abc import Sequence

import httpx

from tests.support.daemon import Daemon
from tests.support.uploads import composite, send, sha256

SIZE = 65 << 20
PART = 16 << 20

_RESUME = """
import json, sys
import httpx
from tests.support.uploads import send
from tests.flows.test_multipart import commit_parts, content, split
client = httpx.Client(base_url=sys.argv[1], headers={"Authorization": sys.argv[2]}, timeout=60)
upload, parts = sys.argv[3], split(content())
with client:
    state = client.get(f"/v1/files/uploads/{upload}").raise_for_status().json()
    present = {part["partNumber"] for part in state["parts"]}
    missing = [number for number in range(1, len(parts) + 1) if number not in present]
    body = {"partNumbers": missing}
    answer = client.post(f"/v1/files/uploads/{upload}/parts", json=body).raise_for_status().json()
    tags = {part["partNumber"]: part["etag"] for part in state["parts"]}
    for each in answer["transfers"]:
        sent = send(each, parts[each["partNumber"] - 1]).raise_for_status()
        tags[each["partNumber"]] = sent.headers["etag"]
    done = commit_parts(client, upload, parts, tags).raise_for_status().json()
    print(missing, done["node"]["id"])
"""


def content() -> bytes:
    """Return content that no part of repeats."""
    return b"".join(number.to_bytes(4, "big") * (1 << 18) for number in range(SIZE >> 20))


def split(whole: bytes) -> Sequence[bytes]:
    """Cut content into parts."""
    return [whole[start : start + PART] for start in range(0, len(whole), PART)]


def commit_parts(
    client: httpx.Client, upload: str, parts: Sequence[bytes], tags: dict[int, str]
) -> httpx.Response:
    """Claim that all parts are there."""
    said = [
        {"partNumber": number, "etag": tags[number], "hash": sha256(part)}
        for number, part in enumerate(parts, 1)
    ]
    body = {"hash": composite(list(parts)), "parts": said}
    return client.post(f"/v1/files/{upload}/commit", json=body)


def test_another_process_finishes_what_one_began(standing: Daemon, client: httpx.Client) -> None:
    """The daemon knows which parts are there; the rest is sent by a process that knew nothing."""
    parts = split(content())
    opened = client.post("/v1/files", json={"path": "/parts/big", "size": SIZE}).json()
    assert (opened["plan"]["kind"], opened["plan"]["partCount"]) == ("multipart", len(parts))
    upload = opened["uploadId"]
    body = {"partNumbers": [2, 4]}
    urls = client.post(f"/v1/files/uploads/{upload}/parts", json=body).raise_for_status().json()
    for each in urls["transfers"]:
        send(each, parts[each["partNumber"] - 1]).raise_for_status()
    words = [standing.url, client.headers["Authorization"], upload]
    done = subprocess.run(
        [sys.executable, "-c", _RESUME, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    missing, node = done.stdout.rsplit(maxsplit=1)
    assert missing == "[1, 3, 5]"
    found = client.get(f"/v1/files/{node}/content").json()
    assert httpx.get(found["url"], timeout=60).content == content()


def test_an_aborted_upload_leaves_no_reservation(client: httpx.Client) -> None:
    """What init reserved comes back with the abort."""
    before = client.get("/v1/spaces/personal").json()["reserved"]
    opened = client.post("/v1/files", json={"path": "/parts/no", "size": SIZE}).json()
    assert client.get("/v1/spaces/personal").json()["reserved"] == before + SIZE
    assert client.delete(f"/v1/files/uploads/{opened['uploadId']}").status_code == 204
    assert client.get("/v1/spaces/personal").json()["reserved"] == before
