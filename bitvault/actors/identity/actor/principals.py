"""Principals that were looked up a moment ago, so that not every request asks the database."""

from collections import OrderedDict
from collections.abc import Iterable

from attrs import define, field

from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Principal

CACHE_SECONDS = 1.0
_MOST = 10_000


@define(eq=False)
class Principals:
    """Keeps a principal for a second at most, by the digest of its token; bounded.

    Times are of ``trio.current_time``. To forget somebody costs what is known of them, and no more.
    """

    _known: OrderedDict[bytes, tuple[float, Principal]] = field(factory=OrderedDict, init=False)
    """The oldest first."""
    _digests: dict[TenantId, dict[UserId, set[bytes]]] = field(factory=dict, init=False)
    revocations: int = field(default=0, init=False)
    """What was read before one must not be kept after it."""

    def get(self, digest: bytes, now: float) -> Principal | None:
        """Return whose token it is, if that was known within the last second."""
        at, principal = self._known.get(digest, (0.0, None))
        return principal if now - at < CACHE_SECONDS else None

    def keep(self, digest: bytes, principal: Principal | None, at: float, revocations: int) -> None:
        """Keep what was read at ``at``, unless something was revoked since then."""
        self._discard(digest)
        if principal is None or revocations != self.revocations:
            return
        self._known[digest] = (at, principal)
        users = self._digests.setdefault(principal.tenant_id, {})
        users.setdefault(principal.user_id, set()).add(digest)
        self._trim(at)

    def forget(self, tenant_id: TenantId, *user_ids: UserId) -> None:
        """Drop users, so that what was changed about them holds at once in this process."""
        users = self._digests.get(tenant_id, {})
        self._drop(digest for user_id in user_ids for digest in users.get(user_id, ()))

    def forget_tenant(self, tenant_id: TenantId) -> None:
        """Drop a tenant's users."""
        users = self._digests.get(tenant_id, {})
        self._drop(digest for digests in users.values() for digest in digests)

    def _drop(self, digests: Iterable[bytes]) -> None:
        self.revocations += 1
        for digest in list(digests):
            self._discard(digest)

    def _trim(self, now: float) -> None:
        while self._known:
            digest, (at, _) = next(iter(self._known.items()))
            if len(self._known) <= _MOST and now - at < CACHE_SECONDS:
                return
            self._discard(digest)

    def _discard(self, digest: bytes) -> None:
        _, principal = self._known.pop(digest, (0.0, None))
        if principal is None:
            return
        users = self._digests[principal.tenant_id]
        digests = users[principal.user_id]
        digests.discard(digest)
        if not digests:
            del users[principal.user_id]
        if not users:
            del self._digests[principal.tenant_id]
