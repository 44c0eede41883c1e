"""The shapes between the server, the router and the operations."""

from collections.abc import Callable

import attrs

from bitvault.objectd.body import Body
from bitvault.objectd.credentials import Key
from bitvault.objectd.request import Request
from bitvault.objectd.sigv4 import Claim
from bitvault.objectd.store import Opened, Store

MAX_PUT = 5 * 1024**3
MAX_PARTS = 10_000


@attrs.frozen
class Limits:
    """What a deployment may choose.

    Attributes:
        min_part: smallest part but the last, in bytes.
    """

    min_part: int = 5 * 1024**2


@attrs.frozen
class Call:
    """One authenticated request and what it may touch."""

    request: Request
    body: Body
    claim: Claim
    key: Key
    store: Store
    limits: Limits
    now: Callable[[], float]

    @property
    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.now() * 1000)


@attrs.frozen
class Content:
    """A pinned object's bytes to send; the server releases it."""

    opened: Opened
    span: range


@attrs.frozen
class Response:
    """An answer before it is written: small bytes, or an object's content."""

    status: int
    headers: dict[str, str] = attrs.Factory(dict)
    body: bytes | Content = b""


def xml_response(body: bytes, headers: dict[str, str] | None = None) -> Response:
    """A 200 with a document."""
    return Response(200, {"content-type": "application/xml"} | (headers or {}), body)
