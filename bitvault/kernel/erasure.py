"""What every room is asked when a tenant leaves for good (ADR-0025)."""

from enum import IntEnum
from typing import Never

from attrs import frozen

from bitvault.kernel.ids import TenantId
from bitvault.kernel.request import Request


class Phase(IntEnum):
    """When a service deletes its rows: nothing may refer to what is gone."""

    WRITERS = 1
    """They append events."""
    READERS = 2
    """They keep events, and what was made of them."""
    TENANT = 3
    """It knows the tenant itself."""


@frozen
class Erased:
    """What became of one slice."""

    rows: int
    """Deleted just now."""
    is_done: bool
    """Whether nothing of the tenant is left in the room."""


@frozen
class EraseTenant(Request[Erased, Never]):
    """Delete up to ``limit`` rows of a tenant that nobody can enter any more.

    To be repeated until it is done, and safe to repeat then. Asked by the finalizer alone.
    """

    tenant_id: TenantId
    limit: int
