"""What there is to say of tenants, from contract values to wire shapes."""

from datetime import timedelta
from uuid import UUID

from bitvault.actors.files import contract as files
from bitvault.actors.identity import contract as identity
from bitvault.http.preconditions import tagged
from bitvault.kernel.policy import SharingPolicy
from bitvault.wire import admin, policies, quotas


def tenant(value: identity.Tenant) -> admin.Tenant:
    """Show a tenant."""
    return admin.Tenant(
        id=value.tenant_id,
        name=value.name,
        is_suspended=value.is_suspended,
        max_users=value.max_users,
        rate=value.rate,
        burst=value.burst,
        created_at=value.created_at,
    )


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
    return admin.Erasure(
        tenant_id=value.tenant_id,
        name=value.name,
        state=value.state,  # type: ignore[arg-type]  # the contract documents the three words
        asked_at=value.asked_at,
        erase_at=value.erase_at,
        erased_at=value.erased_at,
    )


def tenant_quota(value: files.TenantUsage) -> quotas.TenantQuota:
    """Show what a tenant has."""
    shown = quotas.TenantQuota(
        quota=value.quota,
        space_quota=value.space_quota,
        used=value.used,
        reserved=value.reserved,
        etag="",
    )
    return tagged(value.revision, shown)


def space_quota(value: files.SpaceUsage) -> quotas.SpaceQuota:
    """Show what a user's personal space holds."""
    shown = quotas.SpaceQuota(
        space_id=value.space_id,
        quota=value.quota,
        is_default=value.follows,
        provider_id=None if value.source is None else UUID(value.source),
        used=value.used,
        reserved=value.reserved,
        etag="",
    )
    return tagged(value.revision, shown)


def _terms(value: identity.Policy) -> policies.Policy:
    sharing: SharingPolicy = value.sharing
    return policies.Policy(
        links_allowed=sharing.links_allowed,
        password_required=sharing.password_required,
        longest_life=_seconds(sharing.longest_life),
        default_life=_seconds(sharing.default_life),
        min_password=value.min_password,
        longest_session=_seconds(value.longest_session),
    )


def _seconds(life: timedelta | None) -> int | None:
    return None if life is None else int(life.total_seconds())
