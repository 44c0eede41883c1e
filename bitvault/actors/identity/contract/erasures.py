"""Tenants that leave for good: first a time in which it can be revoked, then nothing is left."""

from datetime import datetime
from typing import ClassVar, Never

from attrs import frozen

from bitvault.actors.identity.contract.refusals import TenantNotFound
from bitvault.kernel.ids import TenantId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Category, Forbidden, Invalid, Refusal
from bitvault.kernel.request import Request

ERASE_AFTER = 7 * 86_400
"""Seconds in which it can be revoked, unless somebody says otherwise."""


@frozen
class ErasureNotFound(Refusal):
    """Nobody has had this tenant erased."""

    code: ClassVar[str] = "erasure_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    tenant: str

    @property
    def detail(self) -> str:
        """Name the tenant."""
        return f"Nobody has had the tenant {self.tenant!r} erased, or it was revoked."


@frozen
class ErasureBegun(Refusal):
    """The tenant is being erased, or is gone: nothing brings it back."""

    code: ClassVar[str] = "erasure_begun"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say so."""
        return "The tenant's data is being erased, or is gone; that cannot be revoked."


@frozen
class TenantLeaving(Refusal):
    """The tenant is to be erased; that has to be revoked first."""

    code: ClassVar[str] = "tenant_leaving"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say what to do first."""
        return "The tenant is to be erased; revoke that first."


@frozen
class TenantNotSuspended(Refusal):
    """What is told of a tenant page by page must not change meanwhile."""

    code: ClassVar[str] = "tenant_not_suspended"
    category: ClassVar[Category] = Category.CONFLICT

    @property
    def detail(self) -> str:
        """Say what to do first."""
        return "Suspend the tenant first, so that nothing changes while it is exported."


@frozen
class Erasure:
    """A tenant that leaves, or has left."""

    tenant_id: TenantId
    name: str
    state: str
    """``scheduled`` (can be revoked), ``erasing`` or ``erased``."""
    asked_at: datetime
    erase_at: datetime
    erased_at: datetime | None = None


@frozen
class ScheduleErasure(Request[Erasure, TenantNotFound | ErasureBegun | Invalid | Forbidden]):
    """Suspend a tenant now, and erase it ``after`` seconds; for operators. Again: another time."""

    caller: Caller
    tenant_id: TenantId
    name: str
    """The tenant's, so that nobody erases another one by a slip."""
    after: int = ERASE_AFTER


@frozen
class RevokeErasure(Request[None, ErasureNotFound | ErasureBegun | Forbidden]):
    """Let a tenant stay; it remains suspended until somebody resumes it. For operators."""

    caller: Caller
    tenant_id: TenantId


@frozen
class ListErasures(Request[tuple[Erasure, ...], Forbidden]):
    """List tenants that leave or have left, the latest first, at most 1000; for operators."""

    caller: Caller
    tenant_id: TenantId | None = None
    """This one alone."""


@frozen
class DueErasures(Request[tuple[TenantId, ...], Never]):
    """Close the tenants whose time has come, and name all that are being erased.

    Asked by the finalizer.
    """


@frozen
class FinishErasure(Request[None, Never]):
    """Record that nothing is left of a tenant. Asked by the finalizer."""

    tenant_id: TenantId


@frozen
class BeginExport(Request[None, TenantNotFound | TenantNotSuspended | Forbidden]):
    """Say whether a tenant may be exported, and note in its trail that it is; for operators.

    Asked before each page: what is told may not depend on where a caller says to have come. The
    trail has it once an hour.
    """

    caller: Caller
    tenant_id: TenantId
