"""What there is to say of tenants, from contract values to wire shapes."""

from datetime import timedelta
from uuid import UUID

from bitvault.actors.files import contract as files
from bitvault.actors.identity import contract as identity
from bitvault.http.preconditions import tagged
from bitvault.http.shapes import show
from bitvault.wire import admin, policies, quotas


def tenant(value: identity.Tenant) -> admin.Tenant:
    """Show a tenant."""
    return show(admin.Tenant, value, id=value.tenant_id)


def policy(value: identity.TenantPolicy) -> policies.TenantPolicy:
    """Show both sides of a tenant's terms."""
    shown = policies.TenantPolicy(
        own=_terms(value.own),
        bound=_terms(value.bound),
        effective=_terms(value.effective),
        etag="",
    )
    return tagged(value.revision, shown)


def erasure(value: identity.Erasure) -> admin.Erasure:
    """Show a tenant that leaves, or has left."""
    return show(admin.Erasure, value)


def tenant_quota(value: files.TenantUsage) -> quotas.TenantQuota:
    """Show what a tenant has."""
    return tagged(value.revision, show(quotas.TenantQuota, value, etag=""))


def space_quota(value: files.SpaceUsage) -> quotas.SpaceQuota:
    """Show what a user's personal space holds."""
    source = None if value.source is None else UUID(value.source)
    shown = show(quotas.SpaceQuota, value, is_default=value.follows, provider_id=source, etag="")
    return tagged(value.revision, shown)


def _terms(value: identity.Policy) -> policies.Policy:
    return show(
        policies.Policy,
        value.sharing,
        longest_life=_seconds(value.sharing.longest_life),
        default_life=_seconds(value.sharing.default_life),
        min_password=value.min_password,
        longest_session=_seconds(value.longest_session),
    )


def _seconds(life: timedelta | None) -> int | None:
    return None if life is None else int(life.total_seconds())
