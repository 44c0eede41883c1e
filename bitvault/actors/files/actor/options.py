"""What is set for the service."""

from datetime import datetime, timedelta

from attrs import frozen

from bitvault.actors.files.rules.drops import lives_until
from bitvault.kernel.principal import Principal


@frozen
class FilesOptions:
    """Limits of the service; quotas in bytes, None is without limit."""

    upload_ttl: timedelta = timedelta(days=7)
    guest_ttl: timedelta = timedelta(hours=2)
    """How long a guest's upload lives on after they were last seen to go on with it; longer than a
    presigned request."""
    default_space_quota: int | None = None
    tenant_quota: int | None = None
    grace: timedelta = timedelta(days=1)
    """How long content outlives its last reference; longer than any presigned request."""
    keep_results: timedelta = timedelta(days=7)
    """How long the answer of an upload outlives the upload's lifetime; a day or more."""
    purge_at_once: int = 1000
    """Nodes, and versions, that one request removes itself."""

    @property
    def quotas(self) -> tuple[int | None, int | None]:
        """Return what a tenant, and each of its spaces, may hold to begin with."""
        return self.tenant_quota, self.default_space_quota

    def lives_until(self, principal: Principal, begun_at: datetime, now: datetime) -> datetime:
        """Return when an upload ends that its caller goes on with now."""
        return lives_until(principal, begun_at, now, self.upload_ttl, self.guest_ttl)
