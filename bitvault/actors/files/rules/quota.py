"""Quota arithmetic: bytes used and reserved, per space and per tenant."""

from uuid import UUID

from attrs import define, field

from bitvault.actors.files.contract import QuotaExceeded
from bitvault.kernel.refusal import Refused


@define
class Balance:
    """What one holder has; ``quota`` None is without limit."""

    used: int
    reserved: int
    quota: int | None
    is_told: bool = True
    """Whether the caller may know what is left of it."""

    @property
    def available(self) -> int | None:
        """Return the bytes that are left, or None without a limit."""
        return None if self.quota is None else max(0, self.quota - self.used - self.reserved)


@define
class Ledger:
    """The holders a batch touches, and what it changes of each.

    ``balances`` holds the locked rows; what needs no check needs no lock.
    """

    tenant: UUID
    balances: dict[UUID, Balance]
    changes: dict[UUID, list[int]] = field(factory=dict)
    is_hopeful: bool = False
    """Nothing is locked nor checked until the whole sum is written, if it fits."""

    def check(self, space_id: UUID, size: int, *, new: bool = True) -> None:
        """Refuse when ``size`` more bytes do not fit in the space or the tenant.

        Bytes that only change spaces are not ``new`` to the tenant.
        """
        if self.is_hopeful:
            return
        holders = (space_id, self.tenant) if new else (space_id,)
        left = [
            balance.available
            for balance in (self.balances[holder] for holder in holders)
            if balance.available is not None and size > balance.available
        ]
        if left:
            is_told = self.balances[space_id].is_told
            raise Refused(QuotaExceeded(size, min(left) if is_told else None))

    def add(self, space_id: UUID, *, used: int = 0, reserved: int = 0) -> None:
        """Count bytes for the space and for the tenant; negative ones are given back."""
        for holder in (space_id, self.tenant):
            if balance := self.balances.get(holder):
                balance.used += used
                balance.reserved += reserved
            change = self.changes.setdefault(holder, [0, 0])
            change[0] += used
            change[1] += reserved
