"""What no honest provider sends: tokens and keys that must be refused, and crash nothing."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from bitvault.actors.sso.rules.tokens import (
    Expected,
    Untrusted,
    claims_of,
    header_of,
    key_for,
    keys_of,
)

KEY = RSAKey.generate_key(2048, {"kid": "k"})
JWKS = {"keys": [KEY.as_dict(private=False)]}
EXPECTED = Expected("i", "c", "n", "at", 1000.0)
GOOD = {"iss": "i", "aud": "c", "sub": "x", "exp": 2000, "iat": 1000, "nonce": "n"}


def signed(payload: bytes, header: dict[str, Any] | None = None) -> str:
    """Sign any bytes as the issuer would."""
    return jws.serialize_compact({"alg": "RS256", "kid": "k", **(header or {})}, payload, KEY)


def raw(header: bytes) -> str:
    """Make a token with any header, and no good signature."""
    parts = (header, b"{}", b"s" * 64)
    return ".".join(urlsafe_b64encode(one).decode().rstrip("=") for one in parts)


def verify(token: str, document: Any) -> Any:
    """Do with a token what a sign-in does."""
    header = header_of(token)
    key = key_for(header, keys_of(document))
    if key is None:
        raise Untrusted("no key")
    return claims_of(token, header, key, EXPECTED)


def good(**changes: str) -> bytes:
    """Return good claims but for some, which are JSON as it stands."""
    members = {name: json.dumps(value) for name, value in GOOD.items()} | changes
    return ("{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}").encode()


def test_what_is_good_is_taken() -> None:
    """Otherwise the rest would prove nothing."""
    assert verify(signed(good()), JWKS) == GOOD


@pytest.mark.requirement("X2")
@pytest.mark.parametrize(
    "payload",
    [
        b"[1]", b"5", b"xx", b"", b'{"a":"\xff"}', b"[" * 5000 + b"]" * 5000,
        good(exp="NaN"), good(exp="Infinity"), good(exp="1e999"), good(exp="true"),
        good(iat="-Infinity"), good(nbf="NaN"), good(exp="9" * 5000),
        good(exp="9" * 400), good(sub=r'"\ud800"'),
        good(sub='"\\u0000"'), good(sub='"\\u00e9"'), good(nonce=r'"\ud800"'),
        good(aud='[{"a":1},"c"]'), good(aud='{"c":1}'), good(at_hash="5"), good(iss="[]"),
    ],
)  # fmt: skip
def test_x2_claims_that_are_rubbish_are_refused(payload: bytes) -> None:
    """Also where the signature is right: numbers that are none, text that is none."""
    with pytest.raises(Untrusted):
        verify(signed(payload), JWKS)


@pytest.mark.requirement("X2")
@pytest.mark.parametrize(
    "header",
    [
        b"[]", b"1", b"\xff", b"[" * 9000, b'{"a":' * 5000, b'{"alg":5}', b'{"alg":["RS256"]}',
        b'{"alg":{}}', b'{"alg":"none"}', b'{"alg":"HS256","kid":"k"}', b'{"alg":"RS256","kid":5}',
        b'{"alg":"RS256","kid":"k","b64":false,"crit":["b64"]}', b'{"alg":"RS256","kid":"k"}',
    ],
)  # fmt: skip
def test_x2_headers_that_are_rubbish_are_refused(header: bytes) -> None:
    """And what is not signed by the key."""
    with pytest.raises(Untrusted):
        verify(raw(header), JWKS)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.requirement("X2")
@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519", "ES256", "ES512", "PS256"])
@pytest.mark.parametrize(
    "key",
    [OKPKey.generate_key(curve, {"kid": "k"}) for curve in ("X25519", "X448", "Ed448", "Ed25519")]
    + [ECKey.generate_key(curve, {"kid": "k"}) for curve in ("P-384", "secp256k1", "P-256")]
    + [KEY],
    ids=lambda key: str(key.as_dict().get("crv", "RSA")),
)
def test_x2_keys_of_another_kind_verify_nothing(algorithm: str, key: Any) -> None:
    """Whatever kind the header claims."""
    token = raw(json.dumps({"alg": algorithm, "kid": "k"}).encode())
    with pytest.raises(Untrusted):
        verify(token, {"keys": [key.as_dict(private=False)]})


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_keys_that_cannot_be_read_are_passed_over() -> None:
    """Among others that can, and never a secret one or a short one."""
    public = KEY.as_dict(private=False)
    rubbish: list[Any] = [
        5, None, [], {"kty": 5}, {"kty": "RSA"}, {"kty": "RSA", "n": 5, "e": 6}, {"kty": ["RSA"]},
        {"kty": "EC", "crv": "x", "x": "y", "y": "z"}, {"kty": "oct", "k": "x"},
        {"kty": "RSA", "n": "!!", "e": "AQAB"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {**public, "use": "enc"}, RSAKey.generate_key(1024).as_dict(private=False),
    ]  # fmt: skip
    assert [key.kid for key in keys_of({"keys": [*rubbish, public]})] == ["k"]
    for document in (None, [], {"keys": 5}, {}):
        with pytest.raises(Untrusted):
            keys_of(document)
