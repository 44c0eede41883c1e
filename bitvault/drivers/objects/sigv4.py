"""Presigning S3 requests: AWS Signature Version 4 in the query. Pure arithmetic, no I/O.

Our own because botocore's ``generate_presigned_url`` takes about a millisecond and one batch signs
1000 objects; a differential test holds it to botocore's answers. Source: "Authenticating Requests:
Using Query Parameters", Amazon S3 API reference. Headers are signed as headers, never hoisted into
the query: stores ignore a checksum there.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

from attrs import field, frozen

from bitvault.drivers.objects.port import Signed

MAX_SECONDS = 604_800
_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


@frozen
class AccessKey:
    """One identity of the store, with no more rights than its use needs (ADR-0011)."""

    key_id: str
    secret: str = field(repr=False)


@frozen
class Presigner:
    """Signs for one bucket, addressed by path below ``endpoint`` (``scheme://host[:port][/base]``).

    A key without a secret signs nothing: an empty secret would make URLs that anybody can forge.
    """

    endpoint: str
    region: str
    bucket: str
    key: AccessKey
    _host: str = field(init=False)
    _base: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        if not (self.key.key_id and self.key.secret):
            raise ValueError("an access key needs an id and a secret")
        parts = urlsplit(self.endpoint)
        object.__setattr__(self, "_host", parts.netloc)
        base = f"{parts.path.rstrip('/')}/{self.bucket}/"
        object.__setattr__(self, "_base", quote(base, safe="/" + _UNRESERVED))

    def sign(
        self,
        method: str,
        key: str,
        *,
        now: datetime,
        ttl: float,
        query: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Signed:
        """Sign a request good for ``ttl`` seconds from ``now``, at most seven days.

        Args:
            method: The HTTP method.
            key: The object's key.
            now: The time the signature bears, in UTC.
            ttl: Seconds until it expires.
            query: More query parameters, decoded.
            headers: Lower-case names; the client must send exactly these. ``host`` is implied.
        """
        sent = dict(headers or {})
        seconds = min(int(ttl), MAX_SECONDS)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        covered = sorted([*sent.items(), ("host", self._host)])
        names = ";".join(name for name, _ in covered)
        canonical_query = _encode_query(
            [
                ("X-Amz-Algorithm", _ALGORITHM),
                ("X-Amz-Credential", f"{self.key.key_id}/{scope}"),
                ("X-Amz-Date", stamp),
                ("X-Amz-Expires", str(seconds)),
                ("X-Amz-SignedHeaders", names),
                *query,
            ]
        )
        path = self._base + quote(key, safe="/" + _UNRESERVED)
        lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in covered)
        request = f"{method}\n{path}\n{canonical_query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        secret = _signing_key(self.key.secret, stamp[:8], self.region)
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        origin = self.endpoint.partition("://")[0] + "://" + self._host
        url = f"{origin}{path}?{canonical_query}&X-Amz-Signature={signature}"
        return Signed(method, url, sent, now + timedelta(seconds=seconds))


def _encode_query(pairs: list[tuple[str, str]]) -> str:
    encoded = [(quote(n, safe=_UNRESERVED), quote(v, safe=_UNRESERVED)) for n, v in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


@lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    """Derive the day's key; four HMACs saved for each signature."""
    derived = f"AWS4{secret}".encode()
    for part in (date, region, "s3", "aws4_request"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return derived
