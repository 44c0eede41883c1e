"""Sealing by AES-256-GCM with a random nonce; some billions of secrets before one may repeat."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bitvault.drivers.sealing.port import Unsealable

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12


class AesGcmSealing:
    """Holds one key. Sealed: a version byte, the nonce, the ciphertext with its tag."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    def seal(self, secret: str, place: str) -> bytes:
        """Encrypt, bound to the place."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Decrypt what was sealed for this place."""
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION or len(nonce) != _NONCE_BYTES:
            raise Unsealable
        try:
            return self._cipher.decrypt(nonce, rest, place.encode()).decode()
        except (InvalidTag, UnicodeDecodeError) as error:
            raise Unsealable from error
