"""How many bytes tenants and spaces may hold; figures count every version, trash included."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from bitvault.wire.fields import Quota, RequestShape, ResponseShape


class TenantQuota(ResponseShape, frozen=True, kw_only=True):
    """What a tenant has, in bytes; a quota that is null is without limit."""

    quota: Annotated[int | None, Meta(description="Of all spaces together; operators set it.")]
    space_quota: Annotated[int | None, Meta(description="Of each space without one of its own.")]
    used: int
    reserved: int
    etag: str


class SpaceQuota(ResponseShape, frozen=True, kw_only=True):
    """What a user's personal space holds, in bytes; ``spaceId`` null: there is none yet."""

    space_id: UUID | None
    quota: int | None
    is_default: Annotated[bool, Meta(description="Whether that is the tenant's spaceQuota.")]
    provider_id: Annotated[
        UUID | None,
        Meta(description="The identity provider that gave it; null: an admin, or the tenant."),
    ]
    used: int
    reserved: int
    etag: str


class ChangeSpaceDefault(RequestShape, frozen=True, kw_only=True):
    """Say what each space may hold that has no quota of its own; what is null stays."""

    space_quota: Quota | None = None
    unlimited_spaces: Annotated[bool, Meta(description="Remove that quota.")] = False


class ChangeTenantQuota(RequestShape, frozen=True, kw_only=True):
    """Say what a tenant, and each of its spaces, may hold; what is null stays."""

    quota: Quota | None = None
    unlimited: Annotated[bool, Meta(description="Remove the tenant's quota.")] = False
    space_quota: Quota | None = None
    unlimited_spaces: Annotated[bool, Meta(description="Remove the spaces' quota.")] = False


class ChangeSpaceQuota(RequestShape, frozen=True, kw_only=True):
    """Say what a user's personal space may hold: one of these; without any, it stays."""

    quota: Quota | None = None
    unlimited: Annotated[bool, Meta(description="Without limit but the tenant's.")] = False
    use_default: Annotated[bool, Meta(description="As the tenant's spaceQuota says.")] = False
