"""Multipart uploads as BitVault and as foreign clients use them."""

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import BUCKET, WRITER, StoreProcess

MIB = 1024 * 1024
PARTS = (b"a" * 5 * MIB, b"b" * 5 * MIB, b"tail")


def sha256(data: bytes) -> str:
    """Base64, as in x-amz-checksum-sha256."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


COMPOSITE = sha256(b"".join(hashlib.sha256(part).digest() for part in PARTS)) + "-3"


def upload(s3: Any, key: str, parts: tuple[bytes, ...] = PARTS) -> tuple[str, list[dict[str, Any]]]:
    """Open an upload and send its parts, each with its checksum."""
    opened = s3.create_multipart_upload(Bucket=BUCKET, Key=key, ChecksumAlgorithm="SHA256")
    done = []
    for number, part in enumerate(parts, start=1):
        answer = s3.upload_part(
            Bucket=BUCKET,
            Key=key,
            UploadId=opened["UploadId"],
            PartNumber=number,
            Body=part,
            ChecksumSHA256=sha256(part),
        )
        names = ("ETag", "ChecksumSHA256")
        done.append({"PartNumber": number} | {name: answer[name] for name in names})
    return opened["UploadId"], done


def complete(s3: Any, key: str, upload_id: str, parts: list[dict[str, Any]], **more: Any) -> Any:
    """Complete with this list."""
    return s3.complete_multipart_upload(
        Bucket=BUCKET, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )


def test_upload_completes_with_the_composite_checksum(s3: Any, key: str) -> None:
    """One HEAD proves a multipart upload: size and SHA-256 over the part digests."""
    upload_id, parts = upload(s3, key)
    done = complete(s3, key, upload_id, parts, MpuObjectSize=10 * MIB + 4, ChecksumSHA256=COMPOSITE)
    head = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    assert done["ChecksumSHA256"] == head["ChecksumSHA256"] == COMPOSITE
    assert head["ContentLength"] == 10 * MIB + 4
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"".join(PARTS)


def test_range_across_parts(s3: Any, key: str) -> None:
    """A range that begins in one part and ends in another is served seamlessly."""
    complete(s3, key, *upload(s3, key))
    answer = s3.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={5 * MIB - 2}-{10 * MIB + 1}")
    assert answer["Body"].read() == b"aa" + PARTS[1] + b"ta"


def change(number: int, **fields: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Change one entry of the part list."""
    return lambda parts: [part | fields if part["PartNumber"] == number else part for part in parts]


BAD_LISTS = {
    "etag": (change(2, ETag='"0"'), "InvalidPart"),
    "checksum": (change(2, ChecksumSHA256=sha256(b"x")), "InvalidPart"),
    "unproven checksum": (change(2, ChecksumCRC32C="AAAAAA=="), "InvalidPart"),
    "unknown part": (change(3, PartNumber=4), "InvalidPart"),
    "order": (lambda parts: parts[::-1], "InvalidPartOrder"),
    "twice": (lambda parts: [parts[0], parts[0]], "InvalidPartOrder"),
    "empty": (lambda parts: parts[:0], "MalformedXML"),
}


@pytest.mark.parametrize(("spoil", "code"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_wrong_part_list_is_refused(
    s3: Any, key: str, spoil: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], code: str
) -> None:
    """A list that is not what was uploaded completes nothing, and can be corrected."""
    upload_id, parts = upload(s3, key)
    with pytest.raises(ClientError, match=code):
        complete(s3, key, upload_id, spoil(parts))
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0
    complete(s3, key, upload_id, parts)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"MpuObjectSize": 5}, "InvalidRequest"),
        ({"ChecksumSHA256": sha256(b"x")}, "BadDigest"),
        ({"IfNoneMatch": "*"}, "PreconditionFailed"),
    ],
)
def test_complete_checks_the_whole(s3: Any, key: str, more: dict[str, Any], code: str) -> None:
    """Size, composite checksum and precondition of the object are checked."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"before")
    upload_id, parts = upload(s3, key)
    with pytest.raises(ClientError, match=code):
        complete(s3, key, upload_id, parts, **more)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"before"


def test_small_part_before_the_last_is_refused(s3: Any, key: str) -> None:
    """Parts but the last have a minimum size."""
    with pytest.raises(ClientError, match="EntityTooSmall"):
        complete(s3, key, *upload(s3, key, (b"small", b"last")))


@pytest.mark.requirement("X38")
def test_part_url_is_dead_after_complete(s3: Any, store: StoreProcess, key: str) -> None:
    """Once the server completed, no old part URL can change anything (X38)."""
    upload_id, parts = upload(s3, key)
    url = store.presign("PUT", f"{key}?partNumber=1&uploadId={upload_id}", who=WRITER)
    complete(s3, key, upload_id, parts)
    assert store.send("PUT", url, {}, b"evil").code == "NoSuchUpload"
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(5) == b"aaaaa"


def test_replaced_part_no_longer_completes(s3: Any, store: StoreProcess, key: str) -> None:
    """A part swapped between ListParts and Complete is InvalidPart."""
    upload_id, parts = upload(s3, key)
    url = store.presign("PUT", f"{key}?partNumber=3&uploadId={upload_id}", who=WRITER)
    assert store.send("PUT", url, {}, b"swap").status == 200
    with pytest.raises(ClientError, match="InvalidPart"):
        complete(s3, key, upload_id, parts)


@pytest.mark.requirement("X40")
def test_part_with_wrong_bytes_is_refused(s3: Any, store: StoreProcess, key: str) -> None:
    """A signed part checksum is enforced, and the part isn't there."""
    upload_id, _ = upload(s3, key, ())
    headers = {"x-amz-checksum-sha256": sha256(b"right"), "content-length": "5"}
    url = store.presign("PUT", f"{key}?partNumber=1&uploadId={upload_id}", headers, WRITER)
    assert store.send("PUT", url, headers, b"wrong").code == "BadDigest"
    assert "Parts" not in s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id)


@pytest.mark.requirement("X42")
def test_part_of_another_key_is_refused(s3: Any, store: StoreProcess, key: str) -> None:
    """An upload id is good only for its key."""
    upload_id, _ = upload(s3, key, ())
    url = store.presign("PUT", f"{key}2?partNumber=1&uploadId={upload_id}", who=WRITER)
    assert store.send("PUT", url, {}, b"x").code == "NoSuchUpload"


def test_abort_forgets_everything(s3: Any, key: str) -> None:
    """After an abort the upload is unknown and unlisted."""
    upload_id, parts = upload(s3, key)
    listed = s3.list_multipart_uploads(Bucket=BUCKET, Prefix=key)["Uploads"]
    assert [each["UploadId"] for each in listed] == [upload_id]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload_id)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        complete(s3, key, upload_id, parts)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET, Prefix=key)


def test_uploads_and_parts_are_paged(s3: Any, key: str) -> None:
    """ListParts and ListMultipartUploads walk all there is in small pages."""
    upload_id, parts = upload(s3, key, (b"1", b"2", b"3", b"4", b"5"))
    other, _ = upload(s3, key + "2", ())
    options = {"PaginationConfig": {"PageSize": 2}, "Bucket": BUCKET}
    pages = s3.get_paginator("list_parts").paginate(Key=key, UploadId=upload_id, **options)
    numbers = [part["PartNumber"] for page in pages for part in page.get("Parts", [])]
    assert numbers == [part["PartNumber"] for part in parts]
    options["PaginationConfig"] = {"PageSize": 1}
    pages = s3.get_paginator("list_multipart_uploads").paginate(Prefix=key, **options)
    ids = [each["UploadId"] for page in pages for each in page.get("Uploads", [])]
    assert ids == [upload_id, other]


def test_boto3_transfers_in_parallel_parts(s3: Any, key: str) -> None:
    """boto3's own transfer manager, with its default CRC32 checksums, round-trips."""
    data = bytes(range(251)) * 80_000
    s3.upload_fileobj(io.BytesIO(data), BUCKET, key)
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, key, back)
    assert back.getvalue() == data


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><CompleteMultipartUpload><Part>&a;</Part>'
DOCUMENTS = {
    "bomb": BOMB,
    "not xml": b"{}",
    "other root": b"<Delete/>",
    "deep": b"<CompleteMultipartUpload>" + b"<Part>" * 10_000,
    "empty": b"",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_malformed_document_is_refused(
    s3: Any, store: StoreProcess, key: str, document: bytes
) -> None:
    """Entity bombs and other nonsense are MalformedXML."""
    upload_id, _ = upload(s3, key, ())
    url = store.presign("POST", f"{key}?uploadId={upload_id}")
    assert store.send("POST", url, {}, document).code == "MalformedXML"
