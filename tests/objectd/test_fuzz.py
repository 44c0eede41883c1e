"""Whatever a stranger sends, the answer is a refusal and never a crash."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitvault.objectd.conditions import check_read, check_write, read_range
from bitvault.objectd.errors import S3Error
from bitvault.objectd.request import parse_request
from bitvault.objectd.sigv4 import AUTH_PARAMETERS, verify
from bitvault.objectd.xmlform import read_records

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E))
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
SCOPES = st.sampled_from([f"{KEY_ID}/20130524/us-east-1/s3/aws4_request", "x", "%C3%A9"])
PIECES = st.one_of(
    SCOPES,
    VISIBLE,
    st.sampled_from(["AWS4-HMAC-SHA256", "20130524T000000Z", "20139999T999999Z", "host", "600"]),
    st.sampled_from(["%C3%A9" * 64, "0" * 64, "%00", "%ED%A0%80"]),
)
QUERIES = st.fixed_dictionaries(dict.fromkeys(sorted(AUTH_PARAMETERS), PIECES))
NAMES = "range if-range if-match if-none-match if-modified-since if-unmodified-since"
DATES = st.sampled_from(["Mon, 00 Jan 0000 00:00:00 GMT", "1 2 3 4 5"])
CONDITIONS = st.dictionaries(st.sampled_from(NAMES.split()), st.one_of(VALUES, DATES))


@pytest.mark.requirement("X68")
@given(target=VISIBLE, authorization=VALUES)
def test_any_head_is_refused(target: str, authorization: str) -> None:
    """An unsigned request of any form is an S3Error."""
    headers = [(b"host", b"h"), (b"authorization", authorization.encode("latin-1"))]
    with contextlib.suppress(S3Error):
        verify(parse_request("GET", "/" + target, headers), {KEY_ID: "s"}, "us-east-1", 0)
        raise AssertionError("accepted")


@pytest.mark.requirement("X42")
@given(query=QUERIES)
def test_any_presigned_query_is_refused(query: dict[str, str]) -> None:
    """Forged authentication parameters of any form are an S3Error."""
    target = "/b/k?" + "&".join(f"{name}={value}" for name, value in query.items())
    with contextlib.suppress(S3Error):
        request = parse_request("GET", target, [(b"host", b"h")])
        verify(request, {KEY_ID: "s"}, "us-east-1", 1_369_353_600)
        raise AssertionError("accepted")


@given(headers=CONDITIONS, size=st.integers(0, 2**63))
def test_any_condition_is_judged_or_refused(headers: dict[str, str], size: int) -> None:
    """Conditions of any form end in a verdict, and a range lies within the object."""
    with contextlib.suppress(S3Error):
        check_read(headers, "e", 0)
    with contextlib.suppress(S3Error):
        check_write(headers, "e")
    with contextlib.suppress(S3Error):
        span = read_range(headers, size, "e", 0)
        assert span is None or 0 <= span.start < span.stop <= size


@given(
    data=st.one_of(st.binary(), VISIBLE.map(lambda text: f"<R><P><a>{text}</a></P></R>".encode()))
)
def test_any_document_is_read_or_refused(data: bytes) -> None:
    """XML of any form is records or MalformedXML."""
    with contextlib.suppress(S3Error):
        assert all(isinstance(record, dict) for record in read_records(data, "R", "P"))
