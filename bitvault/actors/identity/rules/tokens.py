"""Tokens as they are written: a prefix, random bytes, a checksum that secret scanners verify."""

import hashlib
from base64 import urlsafe_b64encode

PREFIX = "bv_"
PREFIX_SHOWN = 10
_SECRET_BYTES = 32
_CHECK_CHARACTERS = 6


def new_token(secret: bytes) -> str:
    """Render 32 random bytes as the token of a session or a program."""
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"a token needs {_SECRET_BYTES} random bytes")
    return written(PREFIX, secret)


def token_digest(token: str) -> bytes | None:
    """Return what is stored of a token; None when it cannot be one, without asking anybody."""
    return None if body_of(PREFIX, token) is None else hashlib.sha256(token.encode()).digest()


def written(prefix: str, raw: bytes) -> str:
    """Render bytes as a token of a kind."""
    body = urlsafe_b64encode(raw).decode().rstrip("=")
    return f"{prefix}{body}{_check(prefix, body)}"


def body_of(prefix: str, token: str) -> str | None:
    """Return what stands between the prefix and the checksum; None: it is no token of this kind."""
    body, check = token[len(prefix) : -_CHECK_CHARACTERS], token[-_CHECK_CHARACTERS:]
    is_one = token.startswith(prefix) and token.isascii() and check == _check(prefix, body)
    return body if is_one else None


def _check(prefix: str, body: str) -> str:
    return hashlib.sha256(f"{prefix}{body}".encode()).hexdigest()[:_CHECK_CHARACTERS]
