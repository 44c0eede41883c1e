"""SigV4, the verifying side, against AWS's published examples and against botocore."""

import datetime as dt
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bitvault.objectd.errors import S3Error
from bitvault.objectd.request import Request, parse_request
from bitvault.objectd.sigv4 import MAX_EXPIRES, MAX_SKEW, verify

# "Signature Calculations for the Authorization Header: Examples", Amazon S3 API reference.
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRETS = {KEY_ID: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
EXAMPLE_TIME = dt.datetime(2013, 5, 24, tzinfo=dt.UTC).timestamp()
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HOST = "examplebucket.s3.amazonaws.com"
SCOPE = "20130524/us-east-1/s3/aws4_request"


def example(signed: str, signature: str, method: str, target: str, **headers: str) -> Request:
    """One of AWS's header examples."""
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{SCOPE},SignedHeaders={signed},Signature={signature}"
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"host": HOST, "authorization": authorization, "x-amz-date": "20130524T000000Z"}
    return request_of(method, target, named)


def request_of(method: str, target: str, headers: dict[str, str]) -> Request:
    """A request head as the server parses it."""
    return parse_request(
        method, target, [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()]
    )


PUBLISHED = {
    "get-range": example(
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        "GET",
        "/test.txt",
        range="bytes=0-9",
        x_amz_content_sha256=EMPTY,
    ),
    "get-lifecycle": example(
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        "GET",
        "/?lifecycle",
        x_amz_content_sha256=EMPTY,
    ),
    "list": example(
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        "GET",
        "/?max-keys=2&prefix=J",
        x_amz_content_sha256=EMPTY,
    ),
    "presigned": request_of(
        "GET",
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={KEY_ID}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        {"host": HOST},
    ),
}


@pytest.mark.parametrize("request_", PUBLISHED.values(), ids=PUBLISHED)
def test_published_example_verifies(request_: Request) -> None:
    """AWS's own examples carry signatures we compute too."""
    assert verify(request_, SECRETS, "us-east-1", EXAMPLE_TIME).access_key == KEY_ID


def presigned(method: str = "PUT", expires: int = 600) -> tuple[str, dict[str, str], float]:
    """A PUT presigned by botocore: target, headers to send, and when."""
    headers = {"content-length": "3", "x-amz-checksum-sha256": "abc=", "if-none-match": "*"}
    url = "http://store.example:9000/blobs/a%20b/c%2Bd.txt?partNumber=1&uploadId=u"
    request = AWSRequest(method, url, headers=headers)
    credentials = Credentials(KEY_ID, SECRETS[KEY_ID])
    S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=expires).add_auth(request)
    parts = urlsplit(request.url)
    now = dt.datetime.now(dt.UTC).timestamp()
    return f"{parts.path}?{parts.query}", {"host": "store.example:9000", **headers}, now


def test_botocore_presigned_url_verifies() -> None:
    """What botocore presigns, we accept."""
    target, headers, now = presigned()
    assert verify(request_of("PUT", target, headers), SECRETS, "us-east-1", now).expires == 600


def test_botocore_header_signature_verifies() -> None:
    """What botocore signs in the header, spaces, plus and UTF-8 in the path, we accept."""
    url = "http://store.example/blobs/a%20b%2Bc%C3%A9?prefix=x%20y&list-type=2"
    request = AWSRequest("GET", url, headers={"x-amz-meta-note": "two  spaces"}, data=b"")
    S3SigV4Auth(Credentials(KEY_ID, SECRETS[KEY_ID]), "s3", "us-east-1").add_auth(request)
    now = dt.datetime.now(dt.UTC).timestamp()
    headers = {"host": "store.example", **dict(request.headers.items())}
    parsed = request_of("GET", url.removeprefix("http://store.example"), headers)
    assert verify(parsed, SECRETS, "us-east-1", now).expires is None


def replace(old: str, new: str) -> Callable[[str], str]:
    """A mutation of the target that really changes it."""

    def mutate(target: str) -> str:
        assert old in target
        return target.replace(old, new, 1)

    return mutate


TARGET_MUTATIONS = {
    "path byte": replace("/c", "/d"),
    "bucket": replace("/blobs", "/blobz"),
    "double slash": replace("/blobs/", "/blobs//"),
    "dot segment": replace("/blobs/", "/blobs/./"),
    "encoded percent": replace("%20", "%2520"),
    "parameter value": replace("partNumber=1", "partNumber=2"),
    "parameter removed": replace("partNumber=1&", ""),
    "parameter added": lambda target: target + "&versionId=1",
    "parameter twice": lambda target: target + "&partNumber=1",
    "signature twice": lambda target: target + "&X-Amz-Signature=" + "0" * 64,
    "longer life": replace("X-Amz-Expires=600", "X-Amz-Expires=6000"),
    "negative life": replace("X-Amz-Expires=600", "X-Amz-Expires=-600"),
    "float life": replace("X-Amz-Expires=600", "X-Amz-Expires=600.0"),
    "zero life": replace("X-Amz-Expires=600", "X-Amz-Expires=0"),
    "unicode life": replace("X-Amz-Expires=600", "X-Amz-Expires=%D9%A6%D9%A0%D9%A0"),
    "too long a life": replace("X-Amz-Expires=600", f"X-Amz-Expires={MAX_EXPIRES + 1}"),
    "region": replace("us-east-1", "us-east-2"),
    "service": replace("%2Fs3%2F", "%2Fsqs%2F"),
    "key id": replace(KEY_ID, KEY_ID[:-1] + "X"),
    "algorithm": replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
    "signed header dropped": replace("if-none-match%3B", ""),
    "host not signed": replace("host%3B", ""),
    "no signature": replace("X-Amz-Signature", "X-Amz-Sig"),
    "unicode signature": lambda target: target[:-64] + "%C3%A9" * 64,
    "upper-case signature": lambda target: target[:-64] + target[-64:].upper() + "A",
    "empty signature": lambda target: target[:-64],
}


@pytest.mark.requirement("X42")
@pytest.mark.parametrize("mutate", TARGET_MUTATIONS.values(), ids=TARGET_MUTATIONS)
def test_mutated_target_is_refused(mutate: Callable[[str], str]) -> None:
    """Any single change of path or query breaks the signature."""
    target, headers, now = presigned()
    with pytest.raises(S3Error):
        verify(request_of("PUT", mutate(target), headers), SECRETS, "us-east-1", now)


HEADER_MUTATIONS = {
    "length": {"content-length": "4"},
    "checksum": {"x-amz-checksum-sha256": "abd="},
    "condition": {"if-none-match": '"x"'},
    "host": {"host": "evil.example"},
    "unsigned x-amz": {"x-amz-meta-evil": "1"},
    "unsigned payload hash": {"x-amz-content-sha256": EMPTY},
    "streaming": {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
    "two mechanisms": {"authorization": "AWS4-HMAC-SHA256 Credential=a/b"},
}


@pytest.mark.requirement("X42")
@pytest.mark.parametrize("change", HEADER_MUTATIONS.values(), ids=HEADER_MUTATIONS)
def test_mutated_header_is_refused(change: dict[str, str]) -> None:
    """Any change of a signed header, and any unsigned x-amz header, is refused."""
    target, headers, now = presigned()
    with pytest.raises(S3Error):
        verify(request_of("PUT", target, headers | change), SECRETS, "us-east-1", now)


@pytest.mark.requirement("X39")
@pytest.mark.parametrize("name", ["content-length", "x-amz-checksum-sha256", "if-none-match"])
def test_missing_signed_header_is_refused(name: str) -> None:
    """A signed header that is not sent can't be left out of the check."""
    target, headers, now = presigned()
    del headers[name]
    with pytest.raises(S3Error):
        verify(request_of("PUT", target, headers), SECRETS, "us-east-1", now)


@pytest.mark.requirement("X42")
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_url_of_one_method_is_refused_for_another(method: str) -> None:
    """A URL presigned for PUT is good for nothing else."""
    target, headers, now = presigned("PUT")
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        verify(request_of(method, target, headers), SECRETS, "us-east-1", now)


@pytest.mark.requirement("X42")
@pytest.mark.parametrize("shift", [605, -MAX_SKEW - 5])
def test_url_outside_its_time_is_refused(shift: int) -> None:
    """An expired URL and one from the future are both refused."""
    target, headers, now = presigned()
    with pytest.raises(S3Error, match="AccessDenied"):
        verify(request_of("PUT", target, headers), SECRETS, "us-east-1", now + shift)


@pytest.mark.parametrize("shift", [MAX_SKEW + 1, -MAX_SKEW - 1])
def test_skewed_header_signature_is_refused(shift: int) -> None:
    """A header signature is good for fifteen minutes either way."""
    with pytest.raises(S3Error, match="RequestTimeTooSkewed"):
        verify(PUBLISHED["list"], SECRETS, "us-east-1", EXAMPLE_TIME + shift)


@pytest.mark.requirement("X46")
@pytest.mark.parametrize("secrets", [{}, {KEY_ID: ""}])
def test_missing_or_empty_secret_refuses_everything(secrets: dict[str, str]) -> None:
    """No configured secret means no valid signature, never an empty key (CVE-2023-49105)."""
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        verify(PUBLISHED["presigned"], secrets, "us-east-1", EXAMPLE_TIME)


@pytest.mark.requirement("X42")
def test_every_bit_of_the_signature_counts() -> None:
    """Flipping any hex digit of the signature is refused."""
    target, headers, now = presigned()
    head, signature = target[:-64], target[-64:]
    for i, digit in enumerate(signature):
        forged = signature[:i] + f"{int(digit, 16) ^ 1:x}" + signature[i + 1 :]
        with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
            verify(request_of("PUT", head + forged, headers), SECRETS, "us-east-1", now)
