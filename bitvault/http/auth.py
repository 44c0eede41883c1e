"""Who asks: the bearer token (RFC 6750 §2.1, the header only) and the idempotency key."""

import hashlib
import re
from base64 import b64decode

import msgspec
from werkzeug.datastructures import Headers

from bitvault.actors.identity.contract import Authenticate, Unauthenticated
from bitvault.actors.sharing.contract import OpenLink
from bitvault.edge.authentication import LINK_PREFIX, open_link
from bitvault.edge.capacity import Gate
from bitvault.edge.rejections import invalid
from bitvault.edge.services import Services
from bitvault.kernel.principal import Idempotency, Origin, Principal
from bitvault.kernel.refusal import Refused
from bitvault.kernel.tracing import Cause

_BASIC = re.compile(r"Basic +([A-Za-z0-9+/=]{1,8192})", re.IGNORECASE)
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]{1,512})", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_USER_AGENT_LIMIT = 256


async def authenticate(
    headers: Headers, origin: Origin, services: Services, hashing: Gate
) -> Principal:
    """Ask whose token the request carries: a user's, or a link's.

    Raises:
        Refused: ``Unauthenticated``, or what is said of a link.
        Rejected: ``overloaded``; a link's password would have to be hashed, and there is no room.
    """
    given = headers.get("Authorization", "")
    if (link := _link_of(given, origin)) is not None:
        return await open_link(link, services, hashing)
    match = _BEARER.fullmatch(given)
    if match is None:
        raise Refused(Unauthenticated())
    return await services.ask(Authenticate(token=match[1], origin=origin))


def _link_of(given: str, origin: Origin) -> OpenLink | None:
    """Read a link's token, alone as a bearer token or with its password (RFC 7617)."""
    match = _BEARER.fullmatch(given)
    if match is not None:
        return OpenLink(match[1], None, origin) if match[1].startswith(LINK_PREFIX) else None
    match = _BASIC.fullmatch(given)
    if match is None:
        return None
    try:
        token, colon, password = b64decode(match[1], validate=True).decode().partition(":")
    except ValueError:
        return None
    if not (colon and token.startswith(LINK_PREFIX)):
        return None
    return OpenLink(token, password or None, origin)


def origin_of(headers: Headers, address: str, fresh_id: str) -> Origin:
    """Say where a request comes from; a foreign request id is taken over if it is harmless."""
    given = headers.get("X-Request-Id", "")
    agent = headers.get("User-Agent", "")[:_USER_AGENT_LIMIT]
    printable = "".join(character if " " <= character <= "~" else "?" for character in agent)
    return Origin(given if _REQUEST_ID.fullmatch(given) else fresh_id, address, printable)


def cause_of(headers: Headers, origin: Origin) -> Cause:
    """Say what is done for this request, and of which trace it is (W3C Trace Context)."""
    given = headers.get("Traceparent", "")
    return Cause(origin.request_id, given if _TRACEPARENT.fullmatch(given) else "")


def idempotency_of(
    headers: Headers, method: str, path: str, body: msgspec.Struct, who: Principal
) -> Idempotency | None:
    """Read Idempotency-Key; the fingerprint ignores how the JSON was written.

    A confined token's requests are others than its user's: a repeat would be answered alike.

    Raises:
        Rejected: The key is not 1 to 255 visible ASCII characters.
    """
    key = headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
    digest = hashlib.sha256(f"{method} {path}\n".encode())
    digest.update(msgspec.json.encode(body, order="deterministic"))
    if who.confined_to:
        digest.update(who.confined_to.bytes)
    return Idempotency(key, digest.digest())
