"""What common S3 clients (boto3, aws-cli, rclone) ask for by default, answered as S3 does."""

import contextlib
import http.client
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from bitvault.objectd import index
from bitvault.objectd.errors import CODES

from .conftest import BUCKET, READER, WRITER, StoreProcess
from .test_multipart import MIB, PARTS, complete, upload


def status_and_code(error: ClientError) -> tuple[int, str]:
    """What botocore understood."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def test_every_status_has_a_reason() -> None:
    """Each refusal's status is one that a reason phrase is known for."""
    assert all(HTTPStatus(status).phrase for status, _ in CODES.values())


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 200), ("HEAD", 200), ("DELETE", 204), ("OPTIONS", 403), ("PATCH", 405)],
)
def test_a_status_line_has_its_reason(
    store: StoreProcess, key: str, method: str, status: int
) -> None:
    """Clients that split the status line in three find three."""
    assert store.send("PUT", store.presign("PUT", key), {}, b"x").status == 200
    connection = http.client.HTTPConnection(store.address, timeout=30)
    with contextlib.closing(connection):
        target = store.presign(method, key).removeprefix(f"http://{store.address}")
        connection.request(method, target)
        answer = connection.getresponse()
        assert (answer.status, answer.reason) == (status, HTTPStatus(status).phrase)


def test_a_refusal_instead_of_100_continue_is_understood(s3: Any, key: str) -> None:
    """Botocore reads the final status itself where it waited for permission to send."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"there")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(100_000), IfNoneMatch="*")
    assert status_and_code(refused.value) == (412, "PreconditionFailed")


def test_a_repeated_completion_is_answered_as_the_first(tmp_path: Path) -> None:
    """A client that lost the answer gets the same one, whatever became of the object since."""
    store = StoreProcess(tmp_path, "--min-part-size", "1")
    with contextlib.closing(store.client()) as s3:
        upload_id, parts = upload(s3, "k", (b"one", b"two"))
        names = ("ETag", "ChecksumSHA256", "ChecksumType", "Location", "Bucket", "Key")
        first = complete(s3, "k", upload_id, parts, IfNoneMatch="*")
        again = complete(s3, "k", upload_id, parts, IfNoneMatch="*")
        s3.delete_object(Bucket=BUCKET, Key="k")
    assert store.stop() == 0
    store = StoreProcess(tmp_path)
    with contextlib.closing(store.client()) as s3:
        later = complete(s3, "k", upload_id, parts)
        assert [each[name] for each in (again, later) for name in names] == 2 * [
            first[name] for name in names
        ]
        for key, other in (("k", parts[:1]), ("other", parts)):
            with pytest.raises(ClientError, match="NoSuchUpload"):
                complete(s3, key, upload_id, other)
        assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert store.stop() == 0


def test_only_the_newest_completions_are_remembered() -> None:
    """What a client may repeat takes bounded room: past it the oldest is forgotten."""
    with contextlib.closing(index.connect(Path(":memory:"))) as db:
        index.create_schema(db)
        for number in range(10_003):
            upload = index.Upload(f"{number}", BUCKET, b"k", {}, 0)
            index.add_completed(db, upload, "claim", index.Completed("etag", {}))
        (kept,) = db.execute("SELECT count(*) FROM completed_upload").fetchone()
        assert kept == 10_000
        assert index.find_completed(db, "2", BUCKET, b"k", "claim") is None
        assert index.find_completed(db, "3", BUCKET, b"k", "claim") is not None


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_the_first_version_of_the_listing_walks_all(s3: Any, key: str, delimiter: str) -> None:
    """ListObjects in pages of two: by marker, folded or not, and encoded."""
    names = ["a!", "a/1", "a/2", "b", "c/d/e", "ü +&"]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"{key}/{name}", Body=b"")
    pages = s3.get_paginator("list_objects").paginate(
        Bucket=BUCKET, Prefix=f"{key}/", Delimiter=delimiter, PaginationConfig={"PageSize": 2}
    )
    seen = [
        each.get("Key", each.get("Prefix")).removeprefix(f"{key}/")
        for page in pages
        for each in page.get("Contents", []) + page.get("CommonPrefixes", [])
    ]
    assert sorted(seen) == (["a!", "a/", "b", "c/", "ü +&"] if delimiter else names)


def test_a_marker_is_where_the_listing_goes_on(s3: Any, key: str) -> None:
    """What comes after the marker is listed, and the answer says where it began and ended."""
    for name in ("1", "2/x", "3", "4"):
        s3.put_object(Bucket=BUCKET, Key=f"{key}{name}", Body=b"")
    page = s3.list_objects(Bucket=BUCKET, Prefix=key, Marker=f"{key}1", Delimiter="/", MaxKeys=2)
    assert [each["Prefix"] for each in page["CommonPrefixes"]] == [f"{key}2/"]
    assert [each["Key"] for each in page["Contents"]] == [f"{key}3"]
    assert (page["Marker"], page["NextMarker"]) == (f"{key}1", f"{key}3")
    assert page["IsTruncated"]
    rest = s3.list_objects(Bucket=BUCKET, Prefix=key, Marker=f"{key}2/", Delimiter="/")
    assert [each["Key"] for each in rest["Contents"]] == [f"{key}3", f"{key}4"]
    assert not rest["IsTruncated"]
    assert "CommonPrefixes" not in rest


def test_a_part_can_be_copied(s3: Any, key: str) -> None:
    """UploadPartCopy: a range across the source's parts, and a whole small object."""
    complete(s3, key, *upload(s3, key))
    whole = b"".join(PARTS)
    s3.put_object(Bucket=BUCKET, Key=f"{key}/tail", Body=b"small")
    target = {"Bucket": BUCKET, "Key": f"{key}/copy"}
    opened = s3.create_multipart_upload(**target)["UploadId"]
    ranges = {1: f"bytes={MIB}-{7 * MIB - 1}", 2: f"bytes={7 * MIB}-{10 * MIB + 3}", 3: None}
    parts = []
    for number, span in ranges.items():
        copied = s3.upload_part_copy(
            **target,
            UploadId=opened,
            PartNumber=number,
            CopySource={"Bucket": BUCKET, "Key": key if span else f"{key}/tail"},
            **({"CopySourceRange": span} if span else {}),
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    listed = s3.list_parts(**target, UploadId=opened)["Parts"]
    assert [part["Size"] for part in listed] == [6 * MIB, 3 * MIB + 4, 5]
    with pytest.raises(ClientError, match="EntityTooSmall"):
        complete(s3, target["Key"], opened, parts)
    complete(s3, target["Key"], opened, parts[:2])
    assert s3.get_object(**target)["Body"].read() == whole[MIB:]


BAD_COPIES = {
    "changed": ({"CopySourceIfMatch": '"other"'}, 412, "PreconditionFailed"),
    "far beyond": ({"CopySourceRange": f"bytes=0-{10**30}"}, 416, "InvalidRange"),
    "beyond": ({"CopySourceRange": "bytes=0-5"}, 416, "InvalidRange"),
    "backwards": ({"CopySourceRange": "bytes=3-2"}, 416, "InvalidRange"),
    "open range": ({"CopySourceRange": "bytes=1-"}, 400, "InvalidArgument"),
    "no range": ({"CopySourceRange": "1-2"}, 400, "InvalidArgument"),
    "no source": ({"CopySource": f"{BUCKET}/nothing-there"}, 404, "NoSuchKey"),
    "no upload": ({"UploadId": "0" * 32}, 404, "NoSuchUpload"),
    "no part": ({"PartNumber": 10_001}, 400, "InvalidArgument"),
}


@pytest.mark.parametrize(("change", "status", "code"), BAD_COPIES.values(), ids=BAD_COPIES)
def test_a_copy_that_cannot_be_is_refused(
    s3: Any, key: str, change: dict[str, Any], status: int, code: str
) -> None:
    """What is wrong with a copied part is said, and no part is there."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"12345")
    upload_id, _ = upload(s3, key, ())
    wanted = {"UploadId": upload_id, "PartNumber": 1, "CopySource": f"{BUCKET}/{key}"} | change
    with pytest.raises(ClientError) as refused:
        s3.upload_part_copy(Bucket=BUCKET, Key=key, **wanted)
    assert status_and_code(refused.value) == (status, code)
    assert "Parts" not in s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id)


@pytest.mark.requirement("X42")
def test_a_copy_reads_only_what_its_key_may(s3: Any, store: StoreProcess, key: str) -> None:
    """A key that may write parts cannot read another's object through them."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"secret")
    upload_id, _ = upload(s3, key, ())
    header = {"x-amz-copy-source": f"/{BUCKET}/{key.replace(' ', '%20')}"}
    url = store.presign("PUT", f"{key}?partNumber=1&uploadId={upload_id}", header, WRITER)
    assert store.send("PUT", url, header, b"").code == "AccessDenied"


def test_boto3_copies_a_large_object(s3: Any, key: str) -> None:
    """boto3's own copy, which takes parts above its threshold, round-trips."""
    data = bytes(range(256)) * 48 * 1024
    s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.copy({"Bucket": BUCKET, "Key": key}, BUCKET, f"{key}/copy", Config=config)
    assert s3.get_object(Bucket=BUCKET, Key=f"{key}/copy")["Body"].read() == data


def test_a_part_can_be_read_by_its_number(s3: Any, key: str) -> None:
    """GET and HEAD of one part say how many there are, and which bytes it is."""
    complete(s3, key, *upload(s3, key))
    for number, data in enumerate(PARTS, start=1):
        start = sum(map(len, PARTS[: number - 1]))
        span = f"bytes {start}-{start + len(data) - 1}/{10 * MIB + 4}"
        got = s3.get_object(Bucket=BUCKET, Key=key, PartNumber=number)
        head = s3.head_object(Bucket=BUCKET, Key=key, PartNumber=number)
        assert got["Body"].read() == data
        for answer in (got, head):
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
            assert (answer["PartsCount"], answer["ContentRange"]) == (3, span)


def test_an_object_of_one_piece_is_its_own_first_part(
    s3: Any, store: StoreProcess, key: str
) -> None:
    """Part 1 is all of it, there is no part 2, and a range excludes a part."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"whole")
    got = s3.get_object(Bucket=BUCKET, Key=key, PartNumber=1)
    assert (got["Body"].read(), "PartsCount" in got) == (b"whole", False)
    for number, status, code in ((2, 416, "InvalidPartNumber"), (0, 400, "InvalidArgument")):
        url = store.presign("GET", f"{key}?partNumber={number}", who=READER)
        answer = store.send("GET", url)
        assert (answer.status, answer.code) == (status, code)
    url = store.presign("GET", f"{key}?partNumber=1")
    assert store.send("GET", url, {"range": "bytes=0-1"}).code == "InvalidRequest"


def test_deleting_what_is_gone_is_done(s3: Any, key: str) -> None:
    """If-Match guards what is there; a key that is gone is gone, as without a condition."""
    for condition in ("*", '"0"'):
        gone = s3.delete_object(Bucket=BUCKET, Key=key, IfMatch=condition)
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    etag = s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.delete_object(Bucket=BUCKET, Key=key, IfMatch='"0"')
    s3.delete_object(Bucket=BUCKET, Key=key, IfMatch=etag)
    assert s3.list_objects(Bucket=BUCKET, Prefix=key).get("Contents") is None


LACKING = {
    "DeleteBucket": ("DELETE", ""),
    "GetBucketVersioning": ("GET", "?versioning"),
    "DeleteObjects": ("POST", "?delete"),
    "GetObjectTagging": ("GET", "pub/x?tagging"),
}


@pytest.mark.parametrize(("method", "target"), LACKING.values(), ids=LACKING)
def test_what_the_store_lacks_is_said(store: StoreProcess, method: str, target: str) -> None:
    """An operation of S3 that is not there is NotImplemented, not something misleading."""
    answer = store.send(method, store.presign(method, target))
    assert (answer.status, answer.code) == (501, "NotImplemented")
