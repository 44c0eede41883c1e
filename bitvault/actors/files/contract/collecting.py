"""What the finalizer asks of this room on a timer (ADR-0013), and the sharing room of guests.

Everything here can be repeated.
"""

from datetime import datetime
from enum import StrEnum
from typing import Never
from uuid import UUID

from attrs import frozen

from bitvault.kernel.ids import TenantId, UploadId
from bitvault.kernel.request import Request


@frozen
class ExpireUploads(Request[int, Never]):
    """End uploads past their lifetime, at most ``limit``; answers how many."""

    limit: int = 100


@frozen
class EndUploads(Request[int, Never]):
    """End the open uploads of a guest whose link leads nowhere any more; answers how many.

    One that is being committed is left to its commit.
    """

    tenant_id: TenantId
    guest_id: UUID


@frozen
class ContinuePurges(Request[int, Never]):
    """Remove nodes and versions below what was purged; answers how many, about ``limit`` at most.

    The quota is freed and references are given back as they go.
    """

    limit: int


@frozen
class CollectBlobs(Request[int, Never]):
    """Condemn content that nothing refers to, and have storage discard its objects.

    Answers how many objects were handed over, at most ``limit``.
    """

    limit: int


@frozen
class ForgetFinished(Request[int, Never]):
    """Drop kept answers that nobody may ask for any more; answers how many, at most 2·``limit``."""

    limit: int


@frozen
class ObjectInDoubt:
    """An object that storage has for an upload; ``key`` and ``hash`` once it is sealed."""

    upload_id: UploadId
    key: str | None
    hash: str | None


class Verdict(StrEnum):
    """What an object is to this room."""

    WAITED_FOR = "waited_for"
    """Its upload is open."""
    NAMED = "named"
    """A blob names its key; this room will discard it by that key."""
    UNNEEDED = "unneeded"
    """No blob names it, and none ever will."""


@frozen
class JudgeObjects(Request[tuple[Verdict, ...], Never]):
    """Say of each object, in order, whether this room needs it."""

    tenant_id: TenantId
    objects: tuple[ObjectInDoubt, ...]


@frozen
class Garbage:
    """Since when the oldest of each kind has waited to be collected; None without any."""

    unused_since: datetime | None
    """Content without references; it is collected once its grace is over."""
    condemned_since: datetime | None
    purged_since: datetime | None


@frozen
class InspectGarbage(Request[Garbage, Never]):
    """Say how old this room's garbage is."""
