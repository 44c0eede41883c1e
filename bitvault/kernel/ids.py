"""Identifiers, and the port they come from.

Ids are UUIDv7 (RFC 9562 §5.7): unique without coordination, and ordered by creation, which keeps
B-tree inserts at the right edge of an index.
"""

import os
import threading
import time
from typing import NewType, Protocol
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)
GroupId = NewType("GroupId", UUID)
SpaceId = NewType("SpaceId", UUID)
NodeId = NewType("NodeId", UUID)
UploadId = NewType("UploadId", UUID)

_COUNTER_BITS = 12


class Ids(Protocol):
    """Where fresh identifiers and secrets come from; the simulator owns its own."""

    def uuid7(self) -> UUID:
        """Return a new UUIDv7, later than every one this port returned before."""
        ...

    def secret(self, size: int) -> bytes:
        """Return ``size`` bytes nobody can guess (128 bits or more for a token)."""
        ...


class SystemIds:
    """Ids from the system clock and the kernel's CSPRNG.

    Within one millisecond the 12 bits of ``rand_a`` count up (RFC 9562 §6.2, method 1), so ids of
    one process are strictly increasing; when they run out, or the clock steps back, the last
    millisecond is carried on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def uuid7(self) -> UUID:
        """Return the next id; safe to call from any thread."""
        stamp = (time.time_ns() // 1_000_000) << _COUNTER_BITS
        with self._lock:
            self._last = max(stamp, self._last + 1)
            tick = self._last
        return uuid7_from(tick, os.urandom(8))

    def secret(self, size: int) -> bytes:
        """Return ``size`` bytes from the operating system's CSPRNG."""
        return os.urandom(size)


def uuid7_from(tick: int, tail: bytes) -> UUID:
    """Lay out a UUIDv7: 48 bits of milliseconds and 12 of counter, then 62 bits of ``tail``."""
    milliseconds, counter = tick >> _COUNTER_BITS, tick & 0xFFF
    random = int.from_bytes(tail, "big") & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | random)
