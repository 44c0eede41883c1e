"""What there is to say of tenants, from contract values to wire shapes."""

from datetime import timedelta

from msgspec.structs import replace

from bitvault.actors.identity import contract as identity
from bitvault.http.preconditions import etag
from bitvault.kernel.policy import SharingPolicy
from bitvault.wire import admin, policies


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
    return replace(shown, etag=etag(value.revision, shown))


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
