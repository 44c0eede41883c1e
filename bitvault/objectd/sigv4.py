"""AWS Signature Version 4 for S3, the verifying side. Pure: no clock, no I/O.

Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference. Stricter
where strictness costs no honest client: every `x-amz-*` header present must be signed, nothing
is accepted twice, and no streaming mode is taken on trust.
"""

import hashlib
import hmac
import re
from calendar import timegm
from collections.abc import Mapping
from functools import lru_cache
from time import strptime
from urllib.parse import quote

import attrs

from bitvault.objectd.errors import S3Error
from bitvault.objectd.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_EXPIRES = 604_800
MAX_SKEW = 900
AUTH_PARAMETERS = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    }
)
_UNRESERVED = "-_.~"
_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_AUTHORIZATION = re.compile(
    ALGORITHM
    + r" +Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})"
)


@attrs.frozen
class Claim:
    """What a request says about its own signature, before anything is believed.

    Attributes:
        scope: `date/region/s3/aws4_request`.
        payload: the signed payload hash, or UNSIGNED-PAYLOAD.
        expires: lifetime of a presigned URL in seconds, None for header authentication.
    """

    access_key: str
    scope: str
    timestamp: str
    signed_headers: tuple[str, ...]
    signature: str
    payload: str
    expires: int | None


def verify(request: Request, secrets: Mapping[str, str], region: str, now: float) -> Claim:
    """Check a request's signature, scope and time.

    Args:
        request: the head as received.
        secrets: secret access keys by access key id.
        region: the only region accepted in the scope.
        now: seconds since the epoch.

    Raises:
        S3Error: whatever S3 would answer; nothing unsigned gets past here.
    """
    claim = read_claim(request)
    _check_scope(claim, region)
    secret = secrets.get(claim.access_key)
    if not secret:
        raise S3Error("InvalidAccessKeyId")
    expected = sign(request, claim, secret)
    if not hmac.compare_digest(expected, claim.signature):
        raise S3Error("SignatureDoesNotMatch")
    _check_time(claim, now)
    return claim


def read_claim(request: Request) -> Claim:
    """Find the one authentication the request carries and check its form."""
    in_query = any(name in AUTH_PARAMETERS for name in request.query)
    in_header = "authorization" in request.headers
    if in_query and in_header:
        raise S3Error("InvalidRequest", "Only one auth mechanism allowed.")
    if not in_query and not in_header:
        raise S3Error("AccessDenied")
    claim = _from_query(request) if in_query else _from_header(request)
    _check_signed_headers(request, claim.signed_headers)
    return claim


def sign(request: Request, claim: Claim, secret: str) -> str:
    """The signature the request should carry, as lower-case hex."""
    digest = hashlib.sha256(canonical_request(request, claim).encode("latin-1")).hexdigest()
    text = f"{ALGORITHM}\n{claim.timestamp}\n{claim.scope}\n{digest}"
    date, region = claim.scope.split("/")[:2]
    return hmac.new(_signing_key(secret, date, region), text.encode(), "sha256").hexdigest()


def canonical_request(request: Request, claim: Claim) -> str:
    """The text both sides hash; header bytes travel as latin-1."""
    query = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in request.query.items()
        if name != "X-Amz-Signature"
    )
    headers = "".join(
        f"{name}:{' '.join(request.headers[name].split())}\n" for name in claim.signed_headers
    )
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/" + _UNRESERVED),
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            ";".join(claim.signed_headers),
            claim.payload,
        )
    )


@lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key


def _from_header(request: Request) -> Claim:
    match = _AUTHORIZATION.fullmatch(request.headers["authorization"].strip())
    if match is None:
        raise S3Error("AuthorizationHeaderMalformed")
    credential, signed, signature = match.groups()
    access_key, _, scope = credential.partition("/")
    payload = request.headers.get("x-amz-content-sha256")
    if payload is None:
        raise S3Error("InvalidRequest", "Missing required header: x-amz-content-sha256.")
    return Claim(
        access_key=access_key,
        scope=scope,
        timestamp=request.headers.get("x-amz-date", ""),
        signed_headers=tuple(signed.split(";")),
        signature=signature,
        payload=_checked_payload(payload),
        expires=None,
    )


def _from_query(request: Request) -> Claim:
    query = request.query
    if not query.keys() >= AUTH_PARAMETERS or query["X-Amz-Algorithm"] != ALGORITHM:
        raise S3Error("AuthorizationQueryParametersError")
    if _SHA256.fullmatch(query["X-Amz-Signature"]) is None:
        raise S3Error("SignatureDoesNotMatch")
    expires = query["X-Amz-Expires"]
    if re.fullmatch(r"[0-9]{1,6}", expires) is None or not 1 <= int(expires) <= MAX_EXPIRES:
        raise S3Error(
            "AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800."
        )
    access_key, _, scope = query["X-Amz-Credential"].partition("/")
    return Claim(
        access_key=access_key,
        scope=scope,
        timestamp=query["X-Amz-Date"],
        signed_headers=tuple(query["X-Amz-SignedHeaders"].split(";")),
        signature=query["X-Amz-Signature"],
        payload=_checked_payload(request.headers.get("x-amz-content-sha256", UNSIGNED)),
        expires=int(expires),
    )


def _checked_payload(payload: str) -> str:
    if payload == UNSIGNED or _SHA256.fullmatch(payload):
        return payload
    if payload.startswith("STREAMING-"):
        raise S3Error("NotImplemented", f"{payload} is not supported: send the bytes as they are.")
    raise S3Error("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a hash.")


def _check_signed_headers(request: Request, signed: tuple[str, ...]) -> None:
    if list(signed) != sorted(set(signed)) or "host" not in signed:
        raise S3Error("AccessDenied", "SignedHeaders must be sorted, unique and include host.")
    if any(name not in request.headers for name in signed):
        raise S3Error("SignatureDoesNotMatch")
    for name in request.headers:
        if name.startswith("x-amz-") and name not in signed:
            raise S3Error(
                "AccessDenied", f"There were headers present which were not signed: {name}"
            )


def _check_scope(claim: Claim, region: str) -> None:
    if _TIMESTAMP.fullmatch(claim.timestamp) is None:
        raise S3Error("AccessDenied", "A valid X-Amz-Date is required.")
    if claim.scope != f"{claim.timestamp[:8]}/{region}/s3/aws4_request":
        code = "AuthorizationHeaderMalformed" if claim.expires is None else _QUERY_ERROR
        raise S3Error(code, f"The credential scope must be date/{region}/s3/aws4_request.")


_QUERY_ERROR = "AuthorizationQueryParametersError"


def _check_time(claim: Claim, now: float) -> None:
    try:
        signed_at = timegm(strptime(claim.timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise S3Error("AccessDenied", "A valid X-Amz-Date is required.") from None
    if claim.expires is None:
        if abs(now - signed_at) > MAX_SKEW:
            raise S3Error("RequestTimeTooSkewed")
    elif signed_at - now > MAX_SKEW:
        raise S3Error("AccessDenied", "Request is not valid yet")
    elif now > signed_at + claim.expires:
        raise S3Error("AccessDenied", "Request has expired")
