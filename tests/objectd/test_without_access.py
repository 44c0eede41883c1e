"""Who has no key, a wrong one, or one for something else learns nothing and changes nothing."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bitvault.objectd.router import OPERATIONS

from .conftest import ADMIN, BUCKET, READER, SECRETS, WRITER, Answer, StoreProcess

NOWHERE = "slobs"
"""A bucket that is not there, with a name as long as the one that is."""
HERE, ABSENT = "secret/here", "secret/gone"
"""Keys beside what reader and writer may use; the second is not there."""
STRANGERS = {
    "nobody": (None, "AccessDenied"),
    "unknown key": (Credentials("stranger", "a secret"), "InvalidAccessKeyId"),
    "wrong secret": (Credentials(ADMIN, "a secret"), "SignatureDoesNotMatch"),
    "reader": (Credentials(READER, SECRETS[READER]), "AccessDenied"),
    "writer": (Credentials(WRITER, SECRETS[WRITER]), "AccessDenied"),
}
"""What they sign with, and what they are told whatever they ask."""


@attrs.frozen
class Asked:
    """A request, and the same one for something that is not there."""

    method: str
    targets: tuple[str, str]
    headers: tuple[tuple[dict[str, str]], tuple[dict[str, str]]] = (({},), ({},))


def requests(upload: str) -> Iterator[Asked]:
    """Yield every operation of the store's table, and copies out of what may not be read."""
    listed = [
        (method, resource, tuple(sorted(operation.required)))
        for (method, resource), operations in OPERATIONS.items()
        for operation in operations
    ]
    paths = {
        "service": ("/", "/"),
        "bucket": (f"/{BUCKET}", f"/{NOWHERE}"),
        "object": (f"/{BUCKET}/{HERE}", f"/{BUCKET}/{ABSENT}"),
    }
    for method, resource, names in listed:
        queries = [urlencode({n: _value(n, one) for n in names}) for one in (upload, upload[::-1])]
        here, gone = (f"{path}?{q}" for path, q in zip(paths[resource], queries, strict=True))
        yield Asked(method, (here, gone))
    sources = tuple(({"x-amz-copy-source": f"{BUCKET}/{key}"},) for key in (HERE, ABSENT))
    yield Asked("PUT", (f"/{BUCKET}/pub/copy",) * 2, sources)  # type: ignore[arg-type]


def _value(name: str, upload: str) -> str:
    return {"uploadId": upload, "partNumber": "1"}.get(name, "")


def told(store: StoreProcess, who: Credentials | None, asked: Asked, which: int) -> Answer:
    """Send a request with a signature, or none; return what names nothing of the request."""
    target, (headers,) = asked.targets[which], asked.headers[which]
    url = f"http://{store.address}{target}"
    if who is not None:
        request = AWSRequest(asked.method, url, headers=headers)
        S3SigV4QueryAuth(who, "s3", "us-east-1", expires=600).add_auth(request)
        url = str(request.url)
    answer = store.send(asked.method, url, headers, b"x" if asked.method != "GET" else None)
    body = answer.body
    for name in (HERE, ABSENT, NOWHERE, BUCKET):
        body = body.replace(name.encode(), b"*")
    passing = {"date", "x-amz-request-id", "connection"}  # which depends on when a body comes
    kept = {name: value for name, value in answer.headers.items() if name not in passing}
    return Answer(answer.status, kept, body)


def held(s3: Any, upload: str) -> list[object]:
    """Return all that the store has, as its admin sees it."""
    parts = s3.list_parts(Bucket=BUCKET, Key=HERE, UploadId=upload).get("Parts")
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    names = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    objects = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    return [parts, uploads, names, objects, s3.get_object(Bucket=BUCKET, Key=HERE)["Body"].read()]


@pytest.mark.requirement("X47")
@pytest.mark.parametrize("stranger", STRANGERS)
def test_nothing_is_told_and_nothing_changes(store: StoreProcess, s3: Any, stranger: str) -> None:
    """All operations, for what is there and for what is not: one refusal, the same in every byte.

    Even who has a key for other things hears nothing of these.
    """
    who, code = STRANGERS[stranger]
    s3.put_object(Bucket=BUCKET, Key=HERE, Body=b"kept")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=HERE)["UploadId"]
    before = held(s3, upload)

    asked = list(requests(upload))
    answers = [[told(store, who, one, which) for which in (0, 1)] for one in asked]

    assert [one for one, (here, gone) in zip(asked, answers, strict=True) if here != gone] == []
    assert {answer.status for pair in answers for answer in pair} == {403}
    told_why = [pair for one, pair in zip(asked, answers, strict=True) if one.method != "HEAD"]
    assert {answer.code for pair in told_why for answer in pair} == {code}
    assert held(s3, upload) == before
    s3.abort_multipart_upload(Bucket=BUCKET, Key=HERE, UploadId=upload)
