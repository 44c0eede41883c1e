"""Presigning agrees with botocore, bit for bit."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from bitvault.drivers.objects.sigv4 import AccessKey, Presigner

KEY = AccessKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
PRESIGNER = Presigner("https://s3.example.com:9000", "eu-west-1", "vault", KEY)
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40)


def signed_by_botocore(
    method: str, key: str, query: dict[str, str], headers: dict[str, str]
) -> str:
    """Sign the same request with the reference implementation, at the present time."""
    url = f"{PRESIGNER.endpoint}/vault/{quote(key, safe='/-_.~')}"
    request = AWSRequest(method=method, url=url, params=query, headers=headers)
    auth = S3SigV4QueryAuth(Credentials(KEY.key_id, KEY.secret), "s3", "eu-west-1", expires=900)
    auth.add_auth(request)
    return str(request.url)


def parameter(url: str, name: str) -> str:
    """Read one query parameter as it stands in the URL."""
    return next(p for p in url.split("?")[1].split("&") if p.startswith(f"{name}=")).split("=")[1]


@given(
    method=st.sampled_from(["GET", "PUT"]),
    key=TEXT.filter(lambda k: "./" not in f"{k}/" and "//" not in k and k[0] != "/"),
    query=st.dictionaries(st.sampled_from(["uploadId", "partNumber", "response-x"]), TEXT),
    headers=st.dictionaries(
        st.sampled_from(["content-length", "if-none-match", "x-amz-checksum-sha256"]),
        st.text("abc019+/=*", min_size=1, max_size=20),
    ),
)
def test_it_agrees_with_botocore(
    method: str, key: str, query: dict[str, str], headers: dict[str, str]
) -> None:
    """Any key, query and headers get the signature that botocore gives."""
    theirs = signed_by_botocore(method, key, query, headers)
    stamp = datetime.strptime(parameter(theirs, "X-Amz-Date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    ours = PRESIGNER.sign(method, key, now=stamp, ttl=900, query=query.items(), headers=headers)

    assert parameter(ours.url, "X-Amz-SignedHeaders") == parameter(theirs, "X-Amz-SignedHeaders")
    assert parameter(ours.url, "X-Amz-Signature") == parameter(theirs, "X-Amz-Signature")


def test_a_signature_lives_seven_days_at_most() -> None:
    """A longer life than S3 allows is cut, and the answer says so."""
    now = datetime(2026, 1, 1, tzinfo=UTC)

    signed = PRESIGNER.sign("GET", "k", now=now, ttl=10_000_000)

    assert signed.expires_at == now + timedelta(days=7)


@pytest.mark.requirement("X46")
@pytest.mark.parametrize("key", [AccessKey("", "secret"), AccessKey("id", "")])
def test_an_empty_key_signs_nothing(key: AccessKey) -> None:
    """Without a secret anybody could sign, so there is no signer (CVE-2023-49105)."""
    with pytest.raises(ValueError, match="needs an id and a secret"):
        Presigner("http://localhost", "r", "b", key)


@pytest.mark.requirement("X63")
def test_the_secret_is_not_shown() -> None:
    """A key that is logged does not give its secret away."""
    assert KEY.secret not in repr(PRESIGNER)
