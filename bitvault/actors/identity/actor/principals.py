"""Principals that were looked up a moment ago, so that not every request asks the database."""

from collections import OrderedDict
from collections.abc import Callable

from attrs import define, field

from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Principal

CACHE_SECONDS = 1.0
_MOST = 10_000


@define(eq=False)
class Principals:
    """Keeps a principal for a second at most, by the digest of its token; bounded.

    Times are of ``trio.current_time``.
    """

    _known: OrderedDict[bytes, tuple[float, Principal]] = field(factory=OrderedDict, init=False)
    revocations: int = field(default=0, init=False)
    """What was read before one must not be kept after it."""

    def get(self, digest: bytes, now: float) -> Principal | None:
        """Return whose token it is, if that was known within the last second."""
        at, principal = self._known.get(digest, (0.0, None))
        return principal if now - at < CACHE_SECONDS else None

    def keep(self, digest: bytes, principal: Principal | None, at: float, revocations: int) -> None:
        """Keep what was read at ``at``, unless something was revoked since then."""
        if principal is None or revocations != self.revocations:
            self._known.pop(digest, None)
            return
        self._known[digest] = (at, principal)
        self._known.move_to_end(digest)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def forget(self, tenant_id: TenantId, user_id: UserId) -> None:
        """Drop a user, so that what was changed about them holds at once in this process."""
        self._drop(lambda one: (one.tenant_id, one.user_id) == (tenant_id, user_id))

    def forget_tenant(self, tenant_id: TenantId) -> None:
        """Drop a tenant's users."""
        self._drop(lambda one: one.tenant_id == tenant_id)

    def _drop(self, concerns: Callable[[Principal], bool]) -> None:
        self.revocations += 1
        for digest, (_, known) in list(self._known.items()):
            if concerns(known):
                del self._known[digest]
