"""Decisions of the device flow (RFC 8628): its two codes, and how fast either may be tried."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Final
from uuid import UUID

from bitvault.actors.identity.rules import IdentityOptions, checked_name
from bitvault.kernel.addresses import site, subscriber
from bitvault.kernel.ids import TenantId
from bitvault.kernel.limits import Charge, Limit
from bitvault.kernel.principal import Caller

SECRET_BYTES: Final = 32
DRAWN_BYTES: Final = 16
"""For a code that people type; so many that each is as likely."""
LIFETIME: Final = 600
"""Seconds until both codes are worth nothing."""
INTERVAL: Final = 5
"""Seconds between two polls."""
MOST_WAITING: Final = 10_000
"""Of all tenants: whose they are is known only once somebody approves."""
MADE_ROOM: Final = 100
"""How many give way when so many wait: those of the networks that have most, the oldest first."""
NO_TENANT: Final = TenantId(UUID(int=0))
"""Where codes wait: behind a wall of their own, as whose they will be is not known."""
_PREFIX = "bvd_"
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words, and no digits that look like letters (RFC 8628 §6.1)."""
_LETTERS = 8
_HALF = _LETTERS // 2


def device_code(secret: bytes) -> str:
    """Render what the device proves itself with, once."""
    return _PREFIX + urlsafe_b64encode(secret).decode().rstrip("=")


def user_code(drawn: bytes) -> str:
    """Render what somebody types: ``WDJB-MJHT``, one of 20^8."""
    number, letters = int.from_bytes(drawn), ""
    for _ in range(_LETTERS):
        number, letter = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[letter]
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def digest_of(code: str) -> bytes:
    """Return what is stored of a device's code."""
    return hashlib.sha256(code.encode(errors="replace")).digest()


def typed_digest(code: str) -> bytes | None:
    """Return what is stored of a code that somebody typed; None for what can be none."""
    letters = "".join(one for one in code.upper() if one not in "- ")
    if len(letters) != _LETTERS or not set(letters) <= set(_ALPHABET):
        return None
    return digest_of(f"{letters[:_HALF]}-{letters[_HALF:]}")


def unclaimed(device_hash: bytes) -> bytes:
    """Return what stands for the secret of a session until its device takes it.

    It is the digest of no token, so nobody comes in with it.
    """
    return hashlib.sha256(b"unclaimed" + device_hash).digest()


def checked_client(name: str) -> str:
    """Return the name that a program gives itself, which somebody is shown."""
    return checked_name("clientName", name)


def begun(address: str) -> tuple[Charge, ...]:
    """Return what asking for codes is charged to.

    In the ten minutes that codes live, a /24 or /48 has 400 at most of the 10,000 that may wait.
    """
    return (
        Charge(f"device network {subscriber(address)}", Limit("devices", 1 / 6, 20)),
        Charge(f"device site {site(address)}", Limit("sites", 1 / 3, 200)),
    )


def polled(device_hash: bytes) -> tuple[Charge, ...]:
    """Return what a poll is charged to; one may come early, as clocks differ."""
    return (Charge(f"device poll {device_hash.hex()}", Limit("polls", 1 / INTERVAL, 2)),)


def typed(options: IdentityOptions, caller: Caller) -> tuple[Charge, ...]:
    """Return what typing a code is charged to, until it is found to be right."""
    slow, network = 1 / options.guess_seconds, subscriber(caller.origin.address)
    user = f"code user {caller.tenant_id} {caller.principal.user_id}"
    return (
        Charge(user, Limit("codes", slow, options.guesses)),
        Charge(f"code network {network}", Limit("network", 5 * slow, 5 * options.guesses)),
    )
