"""What any HTTP client does to upload a file, step by step."""

import hashlib
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.daemon import CLEAR


def sha256(content: bytes) -> str:
    """Return the hash of a single PUT's bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def composite(parts: list[bytes]) -> str:
    """Return the hash of an upload in parts: over the parts' digests."""
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return f"sha256-{len(parts)}:{hashlib.sha256(digests).hexdigest()}"


def init(client: httpx.Client, path: str, content: bytes, **more: object) -> Any:
    """Announce a file; return the opened upload."""
    body = {"path": path, "size": len(content), "hash": sha256(content), **more}
    return client.post("/v1/files", json=body).raise_for_status().json()


def send(transfer: Mapping[str, Any], content: bytes) -> httpx.Response:
    """Send bytes to the object store as the transfer says."""
    method, url = transfer["method"], transfer["url"]
    headers = transfer["headers"]
    return httpx.request(method, url, headers=headers, content=content, timeout=30, verify=CLEAR)


def commit(client: httpx.Client, upload: str, content: bytes, key: str = "") -> httpx.Response:
    """Claim that the bytes are there."""
    headers = {"Idempotency-Key": key} if key else {}
    body = {"hash": sha256(content)}
    return client.post(f"/v1/files/{upload}/commit", json=body, headers=headers)


def upload(client: httpx.Client, path: str, content: bytes) -> Any:
    """Init, PUT, commit; return the node. Bytes that the tenant has already are not sent."""
    opened = init(client, path, content)
    if "node" in opened:
        return opened["node"]
    send(opened["transfers"][0], content).raise_for_status()
    return commit(client, opened["uploadId"], content).raise_for_status().json()["node"]


def download(client: httpx.Client, node: str) -> bytes:
    """Ask where the bytes are, and fetch them there."""
    found = client.get(f"/v1/files/{node}/content").raise_for_status().json()
    answer = httpx.get(found["url"], headers=found["headers"], timeout=30, verify=CLEAR)
    return answer.raise_for_status().content
