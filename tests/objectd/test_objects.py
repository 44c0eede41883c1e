"""PUT, GET, HEAD, DELETE and COPY as a client sees them."""

import base64
import hashlib
import threading
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from .conftest import ADMIN, BUCKET, READER, SECRETS, WRITER, Answer, StoreProcess

BIG = bytes(range(256)) * 4096
EVIL_KEYS = [
    *("../../etc/passwd", "a/../b", "/lead", "a//b", ".", "%2e%2e", "ü/ß .txt", "n\x01l"),
    "k" * 1024,
]


def sha256(data: bytes) -> str:
    """Base64, as in x-amz-checksum-sha256."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def proof(data: bytes) -> dict[str, str]:
    """The headers BitVault signs into a single PUT."""
    return {
        "content-length": str(len(data)),
        "x-amz-checksum-sha256": sha256(data),
        "if-none-match": "*",
    }


def put(store: StoreProcess, key: str, claimed: bytes, sent: bytes) -> Answer:
    """Presign for some bytes, send others."""
    headers = proof(claimed)
    return store.send("PUT", store.presign("PUT", key, headers, WRITER), headers, sent)


def get(store: StoreProcess, key: str, **headers: str) -> Answer:
    """A presigned GET with unsigned headers beside it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return store.send("GET", store.presign("GET", key, who=READER), named)


@pytest.mark.parametrize("data", [b"", b"small", BIG], ids=["empty", "small", "big"])
def test_signed_put_comes_back(store: StoreProcess, key: str, data: bytes) -> None:
    """A PUT with everything signed is stored, and read back byte for byte."""
    assert put(store, key, data, data).status == 200
    answer = get(store, key)
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'


@pytest.mark.requirement("X40")
@pytest.mark.parametrize("claimed", [b"right", BIG], ids=["small", "big"])
def test_wrong_bytes_leave_nothing(store: StoreProcess, key: str, claimed: bytes) -> None:
    """Other bytes of the same length are BadDigest and nothing becomes visible."""
    assert put(store, key, claimed, claimed[::-1]).code == "BadDigest"
    assert get(store, key).code == "NoSuchKey"


@pytest.mark.requirement("X39")
def test_wrong_length_is_refused(store: StoreProcess, key: str) -> None:
    """A signed content-length is part of the signature."""
    headers = proof(b"12345")
    url = store.presign("PUT", key, headers, WRITER)
    answer = store.send("PUT", url, headers | {"content-length": "6"}, b"123456")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert get(store, key).code == "NoSuchKey"


@pytest.mark.requirement("X38")
def test_old_url_cannot_change_the_object(store: StoreProcess, key: str) -> None:
    """The same URL a second time fails its If-None-Match (X38)."""
    assert put(store, key, b"first", b"first").status == 200
    assert put(store, key, b"first", b"first").code == "PreconditionFailed"
    assert put(store, key, b"other", b"other").code == "PreconditionFailed"
    assert get(store, key).body == b"first"


@pytest.mark.requirement("X38")
def test_racing_conditional_puts_have_one_winner(store: StoreProcess, key: str) -> None:
    """Of eight simultaneous If-None-Match PUTs exactly one succeeds."""
    barrier, answers = threading.Barrier(8), []

    def race(number: int) -> None:
        barrier.wait()
        answers.append(put(store, key, b"%d" % number, b"%d" % number))

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7


@pytest.mark.requirement("X41")
@pytest.mark.parametrize("evil", EVIL_KEYS)
def test_key_is_opaque(s3: Any, store: StoreProcess, evil: str) -> None:
    """A key that looks like a path, or like nothing at all, is only a key."""
    s3.put_object(Bucket=BUCKET, Key=evil, Body=evil.encode())
    assert s3.get_object(Bucket=BUCKET, Key=evil)["Body"].read() == evil.encode()
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=evil)["Contents"]
    assert [each["Key"] for each in listed] == [evil]
    s3.delete_object(Bucket=BUCKET, Key=evil)
    assert {p.name for p in store.data.iterdir()} <= {
        *("lock", "incoming", "blobs", "index.sqlite3", "index.sqlite3-wal", "index.sqlite3-shm")
    }


@pytest.mark.requirement("X41")
def test_too_long_key_is_refused(store: StoreProcess) -> None:
    """1025 bytes are one too many."""
    assert store.send("GET", store.presign("GET", "k" * 1025)).code == "KeyTooLongError"


@pytest.mark.parametrize(
    ("value", "status", "part"),
    [
        ("bytes=5-9", 206, BIG[5:10]),
        ("bytes=-7", 206, BIG[-7:]),
        ("bytes=1048570-", 206, BIG[1048570:]),
        ("bytes=0-1,4-5", 200, BIG),
    ],
)
def test_range(store: StoreProcess, key: str, value: str, status: int, part: bytes) -> None:
    """A single range of a file is answered with exactly its bytes."""
    put(store, key, BIG, BIG)
    answer = get(store, key, range=value)
    assert (answer.status, answer.body) == (status, part)


def test_unsatisfiable_range(store: StoreProcess, key: str) -> None:
    """A range past the end is 416 with the object's size."""
    put(store, key, b"12345", b"12345")
    answer = get(store, key, range="bytes=5-")
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */5")


def test_not_modified(store: StoreProcess, key: str) -> None:
    """A GET with the current ETag is 304 without a body."""
    etag = put(store, key, b"same", b"same").headers["etag"]
    answer = get(store, key, if_none_match=etag)
    assert (answer.status, answer.body) == (304, b"")
    assert get(store, key, if_match='"other"').status == 412


@pytest.mark.requirement("X43")
def test_user_content_is_disarmed(s3: Any, store: StoreProcess, key: str) -> None:
    """HTML from a user is answered sandboxed, with the signed disposition (X43)."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"<script>", ContentType="text/html")
    answer = store.send(
        "GET", store.presign("GET", key + "?response-content-disposition=attachment")
    )
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.requirement("X44")
def test_override_cannot_inject_a_header(store: StoreProcess, key: str) -> None:
    """CR and LF in a response-* value are refused (X44)."""
    put(store, key, b"x", b"x")
    url = store.presign("GET", key + "?response-content-type=a%0D%0Aset-cookie:b")
    assert store.send("GET", url).code == "InvalidArgument"


FOREIGN = {
    "reader writes": ("PUT", "pub/x", READER),
    "writer reads": ("GET", "pub/x", WRITER),
    "writer deletes": ("DELETE", "pub/x", WRITER),
    "reader leaves its prefix": ("GET", "priv/x", READER),
    "writer leaves its prefix": ("PUT", "priv/x", WRITER),
    "reader lists": ("GET", "?list-type=2&prefix=pub/", READER),
    "writer opens an upload": ("POST", "pub/x?uploads", WRITER),
}


@pytest.mark.requirement("X42")
@pytest.mark.parametrize(("method", "what", "who"), FOREIGN.values(), ids=FOREIGN)
def test_key_reaches_no_further_than_granted(
    store: StoreProcess, method: str, what: str, who: str
) -> None:
    """A least-privilege key is refused everything else."""
    body = b"x" if method == "PUT" else None
    assert store.send(method, store.presign(method, what, who=who), {}, body).code == "AccessDenied"


@pytest.mark.parametrize("query", ["acl", "tagging", "policy", "versionId=1", "whatever=1"])
def test_unknown_subresource_is_not_implemented(store: StoreProcess, key: str, query: str) -> None:
    """What is not understood is refused, never ignored."""
    assert store.send("GET", store.presign("GET", f"{key}?{query}")).code == "NotImplemented"


@pytest.mark.parametrize(
    "header",
    [
        {"x-amz-server-side-encryption": "AES256"},
        {"x-amz-checksum-crc32c": "AAAAAA=="},
        {"x-amz-security-token": "t"},
        {"content-encoding": "aws-chunked"},
    ],
    ids=str,
)
def test_unsupported_promise_is_not_implemented(
    store: StoreProcess, key: str, header: dict[str, str]
) -> None:
    """A header whose promise can't be kept is refused."""
    answer = store.send("PUT", store.presign("PUT", key, header), header, b"x")
    assert answer.code == "NotImplemented"
    assert get(store, key).code == "NoSuchKey"


@pytest.mark.parametrize("name", ["content-md5", "x-amz-checksum-crc32", "x-amz-checksum-sha1"])
def test_other_digests_are_checked(store: StoreProcess, key: str, name: str) -> None:
    """A wrong Content-MD5, CRC32 or SHA-1 is BadDigest."""
    size = {"content-md5": 16, "x-amz-checksum-crc32": 4, "x-amz-checksum-sha1": 20}[name]
    header = {name: base64.b64encode(b"\0" * size).decode()}
    answer = store.send("PUT", store.presign("PUT", key, header), header, b"x")
    assert answer.code == "BadDigest"


def test_signed_payload_hash_is_checked(store: StoreProcess, key: str) -> None:
    """A header signature covers the body's hash: other bytes are refused."""
    url = f"http://{store.address}/{BUCKET}/{quote(key)}"
    request = AWSRequest("PUT", url, data=b"right")
    S3SigV4Auth(Credentials(ADMIN, SECRETS[ADMIN]), "s3", "us-east-1").add_auth(request)
    answer = store.send("PUT", url, dict(request.headers.items()), b"wrong")
    assert answer.code == "XAmzContentSHA256Mismatch"
    assert get(store, key).code == "NoSuchKey"


def test_metadata_survives(s3: Any, key: str) -> None:
    """User metadata, type and cache control come back."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"x", Metadata={"m": "v"}, CacheControl="private")
    head = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    assert (head["Metadata"], head["CacheControl"]) == ({"m": "v"}, "private")
    assert head["ChecksumSHA256"] == sha256(b"x")


def test_copy_shares_and_outlives_its_source(s3: Any, key: str) -> None:
    """A copy keeps its bytes when the source is deleted."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=BIG)
    source = {"Bucket": BUCKET, "Key": key}
    s3.copy_object(Bucket=BUCKET, Key=key + "2", CopySource=source)
    s3.delete_object(Bucket=BUCKET, Key=key)
    assert s3.get_object(Bucket=BUCKET, Key=key + "2")["Body"].read() == BIG


def test_copy_of_a_changed_source_is_refused(s3: Any, key: str) -> None:
    """x-amz-copy-source-if-match guards against a source replaced meanwhile."""
    old = s3.put_object(Bucket=BUCKET, Key=key, Body=b"old")["ETag"]
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"new")
    source = {"Bucket": BUCKET, "Key": key}
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.copy_object(Bucket=BUCKET, Key=key + "2", CopySource=source, CopySourceIfMatch=old)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=BUCKET, Key=key + "2")


def test_replaced_object_still_reads_for_who_opened_it(s3: Any, key: str) -> None:
    """A reader in the middle of an object gets all of it, though it is deleted."""
    large = BIG * 64  # larger than the socket buffers, so the store is still sending
    s3.put_object(Bucket=BUCKET, Key=key, Body=large)
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"]
    first = body.read(1000)
    s3.delete_object(Bucket=BUCKET, Key=key)
    assert first + body.read() == large


def test_listing_is_ordered_paged_and_folded(s3: Any, key: str) -> None:
    """Pages of two walk all keys in byte order, folding at the delimiter."""
    for name in ("b", "a/1", "a/2", "a!", "c/d/e", "ü"):
        s3.put_object(Bucket=BUCKET, Key=f"{key}/{name}", Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix=key + "/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    seen = [
        each.get("Key", each.get("Prefix")).removeprefix(key)
        for page in pages
        for each in page.get("Contents", []) + page.get("CommonPrefixes", [])
    ]
    assert sorted(seen) == sorted(["/a!", "/a/", "/b", "/c/", "/ü"])


def test_preflight_allows_only_the_configured_origin(store: StoreProcess, key: str) -> None:
    """A browser of the app may come; others are told no."""
    ask = {"origin": "https://app.example", "access-control-request-method": "PUT"}
    answer = store.send("OPTIONS", store.presign("PUT", key), ask)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    evil = ask | {"origin": "https://evil.example"}
    assert store.send("OPTIONS", store.presign("PUT", key), evil).code == "AccessForbidden"


def test_etag_is_readable_across_origins(store: StoreProcess, key: str) -> None:
    """A browser may read the ETag and the checksum of what it put."""
    url = store.presign("PUT", key, who=ADMIN)
    answer = store.send("PUT", url, {"origin": "https://app.example"}, b"x")
    assert "ETag" in answer.headers["access-control-expose-headers"]
