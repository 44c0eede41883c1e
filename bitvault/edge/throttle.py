"""Rate limits at the edge: who has to wait (ADR-0016)."""

from collections.abc import Iterable, Sequence

from attrs import evolve, frozen

from bitvault.drivers.limits.port import Limits
from bitvault.edge.rejections import Rejected
from bitvault.kernel.addresses import subscriber
from bitvault.kernel.limits import Charge, Limit, Verdict
from bitvault.kernel.principal import Principal


@frozen
class Rates:
    """What each may spend, in units; None: as much as it likes."""

    address: Limit | None = None
    """By requests, before anything else is known of them."""
    user: Limit | None = None
    tenant: Limit | None = None
    link: Limit | None = None
    """All guests of one link."""


@frozen
class Throttle:
    """Charges requests to who sends them."""

    limits: Limits
    rates: Rates

    async def address(self, address: str, cost: float) -> Sequence[Verdict]:
        """Charge where a request comes from."""
        return await self._take([(f"address {subscriber(address)}", self.rates.address)], cost)

    async def principal(self, principal: Principal, cost: float) -> Sequence[Verdict]:
        """Charge a user and the tenant, both or neither; a tenant may have a limit of its own.

        Guests are charged to their link, and to what all guests of the tenant may spend: as much
        as its users, and nothing of theirs.
        """
        tenant, of_tenant = principal.tenant_id, principal.limit or self.rates.tenant
        if principal.is_guest:
            wanted = [
                (f"link guests {tenant} {principal.user_id}", self.rates.link),
                (f"guests {tenant}", of_tenant and evolve(of_tenant, name="guests")),
            ]
        else:
            wanted = [
                (f"user {tenant} {principal.user_id}", self.rates.user),
                (f"tenant {tenant}", of_tenant),
            ]
        return await self._take(wanted, cost)

    async def _take(
        self, wanted: Iterable[tuple[str, Limit | None]], cost: float
    ) -> Sequence[Verdict]:
        charges = [Charge(key, limit, cost) for key, limit in wanted if limit is not None]
        return await self.limits.take(charges) if charges else ()


def check_limits(verdicts: Sequence[Verdict]) -> None:
    """Refuse a request that has to wait.

    Raises:
        Rejected: ``rate_limited``, with the seconds until all its limits allow it.
    """
    late = [verdict for verdict in verdicts if not verdict.is_allowed]
    if not late:
        return
    longest = max(late, key=lambda verdict: verdict.wait)
    seconds = longest.retry_after
    detail = (
        f"Too many requests for the limit of this {longest.limit.name}; "
        f"try again in {seconds} second{'s' if seconds > 1 else ''}."
    )
    raise Rejected("rate_limited", detail, retryAfter=seconds, limit=longest.limit.name)
