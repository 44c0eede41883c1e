"""Sealing secrets at rest."""

import pytest

from bitvault.drivers.sealing.aesgcm import AesGcmSealing
from bitvault.drivers.sealing.port import Unsealable


def test_what_was_sealed_opens_in_its_place_alone() -> None:
    """With the same key, unchanged, and for the same place; and looks different every time."""
    sealing, secret = AesGcmSealing(b"k" * 32), "s3cret \u00e4"
    sealed = sealing.seal(secret, "a")
    assert sealing.open(sealed, "a") == secret
    assert sealing.seal(secret, "a") != sealed
    assert secret.encode() not in sealed
    bent = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for broken, place in ((sealed, "b"), (bent, "a"), (sealed[:10], "a"), (b"", "a")):
        with pytest.raises(Unsealable):
            sealing.open(broken, place)
    with pytest.raises(Unsealable):
        AesGcmSealing(b"l" * 32).open(sealed, "a")


def test_a_key_has_256_bits() -> None:
    """A shorter one is a mistake."""
    with pytest.raises(ValueError, match="32 bytes"):
        AesGcmSealing(b"short")
