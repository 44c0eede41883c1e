"""What is believed of tokens (OpenID Connect Core §3.1.3.7), and of an authorization response.

Keys come from the issuer's JWKS alone: what a token's header says of keys (jku, x5u, jwk, x5c) is
not looked at. Every function raises ``Untrusted`` with a reason for the tenant's admins.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from bitvault.text import is_printable

SKEW = 60
"""Seconds that clocks may differ."""
ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA",
    "PS512": "RSA", "ES256": "EC", "ES384": "EC", "ES512": "EC", "EdDSA": "OKP",
    "Ed25519": "OKP",
}  # fmt: skip
"""Signatures by a key of the issuer's alone, with the kind of key: never none, never a MAC."""
_DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_MOST_TOKEN, _MOST_SUBJECT, _LEAST_RSA = 32 << 10, 255, 2048
_FARTHEST = 1e12
"""Seconds since the epoch that are still a time."""
Key = RSAKey | ECKey | OKPKey


class Untrusted(Exception):  # noqa: N818 - says what it is about, as OSError's kin do
    """What came from a provider, or as if from it, is not believed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@frozen
class Header:
    """What of a token's header counts."""

    algorithm: str
    kid: str | None
    typ: str = ""
    """In small letters; empty: it does not say."""


@frozen
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    now: float
    """Seconds since the epoch."""


def header_of(token: str) -> Header:
    """Return a token's algorithm and key id, before anything is verified."""
    if len(token) > _MOST_TOKEN or not token.isascii():
        raise Untrusted("the token is too large, or none")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, RecursionError) as error:
        raise Untrusted("the token is not signed") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Untrusted("the token is not signed by an algorithm that is allowed (alg)")
    if "crit" in header or not isinstance(kid, str | None):
        raise Untrusted("the token's header is not understood")
    typ = header.get("typ", "")
    return Header(algorithm, kid, typ.lower() if isinstance(typ, str) else "?")


def keys_of(document: Any) -> tuple[Key, ...]:
    """Return the keys of a JWKS that signatures can be verified with; others are passed over."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise Untrusted("the provider's keys cannot be read")
    found: list[Key] = []
    for entry in entries[:100]:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        try:
            [key] = KeySet.import_key_set({"keys": [_public(entry)]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, ECKey | OKPKey) or (isinstance(key, RSAKey) and _is_long(key)):
            found.append(key)
    return tuple(found)


def _public(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is public of a key: also of one that was published by mistake."""
    names = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
    return {name: entry[name] for name in names if name in entry}


def _is_long(key: RSAKey) -> bool:
    return key.raw_value.key_size >= _LEAST_RSA


def key_for(header: Header, keys: Sequence[Key]) -> Key | None:
    """Return the issuer's key that a token names; without a name the only one that fits."""
    kind = ALGORITHMS[header.algorithm]
    fitting = [
        key
        for key in keys
        if key.key_type == kind and key.dict_value.get("alg", header.algorithm) == header.algorithm
    ]
    named = [key for key in fitting if header.kid is None or key.kid == header.kid]
    return named[0] if len(named) == 1 else None


def claims_of(token: str, header: Header, key: Key, expected: Expected) -> Mapping[str, Any]:
    """Return the claims of an ID token whose signature and claims hold."""
    claims = signed_claims(token, header, key)
    check_parties(claims, expected.issuer, expected.client_id)
    check_authorized(claims, expected.client_id)
    check_subject(claims)
    check_times(claims, expected.now)
    if not _same(claims.get("nonce"), expected.nonce):
        raise Untrusted("the ID token is of another sign-in (nonce)")
    _check_access_token(claims, header.algorithm, expected.access_token)
    return claims


def signed_claims(token: str, header: Header, key: Key) -> Mapping[str, Any]:
    """Return the claims of a token whose signature holds; nothing else of it is judged."""
    try:
        return jwt.decode(token, key, algorithms=[header.algorithm]).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Untrusted("the token's signature is wrong") from error


def check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    """Judge who issued a token, and for whom."""
    if claims.get("iss") != issuer:
        raise Untrusted("the token is another issuer's (iss)")
    if client_id not in _audience(claims):
        raise Untrusted("the token is for another client (aud)")


def check_authorized(claims: Mapping[str, Any], client_id: str) -> None:
    """Judge to which client an ID token was issued."""
    authorized = claims.get("azp", client_id if len(_audience(claims)) == 1 else None)
    if authorized != client_id:
        raise Untrusted("the ID token was issued to another client (azp)")


def _audience(claims: Mapping[str, Any]) -> Sequence[Any]:
    given = claims.get("aud")
    return given if isinstance(given, list) else [given]


def check_subject(claims: Mapping[str, Any]) -> str:
    """Return whom a token is about."""
    subject = claims.get("sub")
    # ASCII, by the specification: no two spellings of one subject.
    if not isinstance(subject, str) or not (subject.isascii() and subject.isprintable()):
        raise Untrusted("the token's subject is no text of visible ASCII (sub)")
    if not 1 <= len(subject) <= _MOST_SUBJECT:
        raise Untrusted("the token names no subject (sub)")
    return subject


def sid_of(claims: Mapping[str, Any]) -> str | None:
    """Return which session of the provider's a token is about, if it says so."""
    sid = claims.get("sid")
    fits = isinstance(sid, str) and 1 <= len(sid) <= _MOST_SUBJECT and is_printable(sid)
    return sid if fits else None


def check_times(claims: Mapping[str, Any], now: float) -> float:
    """Return when a token ends, in seconds since the epoch: it is good at this moment."""
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires is None or expires + SKEW <= now:
        raise Untrusted("the token has expired (exp)")
    if issued is None or issued - SKEW > now:
        raise Untrusted("the token is from the future (iat)")
    starts = _time(claims, "nbf")
    if "nbf" in claims and (starts is None or starts - SKEW > now):
        raise Untrusted("the token is not valid yet (nbf)")
    return expires


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a time; Python's JSON has NaN and Infinity, with which nothing would expire."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if abs(value) < _FARTHEST else None


def _check_access_token(claims: Mapping[str, Any], algorithm: str, token: str | None) -> None:
    """Compare the access token's hash, where there is one (§3.1.3.8)."""
    if "at_hash" not in claims:
        return
    digest = _DIGESTS.get(algorithm[-3:], hashlib.sha512)  # EdDSA with Ed25519 hashes by SHA-512
    half = digest((token or "").encode()).digest()
    wanted = urlsafe_b64encode(half[: len(half) // 2]).decode().rstrip("=")
    if token is None or not _same(claims["at_hash"], wanted):
        raise Untrusted("the access token is not the ID token's (at_hash)")


def _same(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(
        given.encode(errors="surrogatepass"), wanted.encode()
    )


def check_sender(parameters: Mapping[str, str], issuer: str, *, is_told: bool) -> None:
    """Judge who sends an authorization response (RFC 9207): no other provider (X6).

    ``is_told``: the provider says that it always names itself.
    """
    sender = parameters.get("iss")
    if sender != issuer and (is_told or sender is not None):
        raise Untrusted("the response is another issuer's (iss)")
