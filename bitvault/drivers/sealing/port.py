"""The port of sealing: authenticated encryption of small secrets."""

from typing import Protocol


class Unsealable(Exception):  # noqa: N818 - says what the bytes are, as OSError's kin do
    """The bytes were sealed with another key, for another place, or are damaged."""


class Sealing(Protocol):
    """Seals for one ``place``: what is carried to another row does not open there."""

    def seal(self, secret: str, place: str) -> bytes:
        """Return the secret as nobody can read it without the key."""
        ...

    def open(self, sealed: bytes, place: str) -> str:
        """Return the secret.

        Raises:
            Unsealable: It was not sealed like this.
        """
        ...
