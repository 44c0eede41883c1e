"""How many bytes a tenant and its spaces may hold. They count every version, trash included."""

from typing import Never

from attrs import frozen

from bitvault.actors.files.contract.refusals import StaleRevision
from bitvault.kernel.ids import SpaceId, TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request


@frozen
class TenantUsage:
    """What a tenant has, in bytes."""

    quota: int | None
    """Of all its spaces together; None is without limit."""
    space_quota: int | None
    """Of each space that has no quota of its own; None is without limit."""
    used: int
    reserved: int
    revision: int


@frozen
class SpaceUsage:
    """What a user's personal space holds; ``space_id`` None: nothing yet, and no space."""

    space_id: SpaceId | None
    quota: int | None
    follows: bool
    """Whether that is the tenant's for every space."""
    used: int
    reserved: int
    revision: int
    source: str | None = None
    """The identity provider that gave a quota of its own; None: an admin did, or it follows."""


@frozen
class DescribeUsage(Request[TenantUsage, Forbidden]):
    """Tell what the caller's tenant has, to its admins; or a tenant, to operators."""

    caller: Caller
    tenant_id: TenantId | None = None


@frozen
class ChangeQuota(Request[TenantUsage, StaleRevision | Invalid | Forbidden]):
    """Change what holds from the next upload on; what is None stays, and what is there stays.

    A tenant's admin says what each space may hold, an operator also what the tenant may.
    """

    caller: Caller
    tenant_id: TenantId | None = None
    """Another tenant, for operators; that it is there is the edge's question to identity."""
    quota: int | None = None
    unlimited: bool = False
    """Remove the quota."""
    space_quota: int | None = None
    unlimited_spaces: bool = False
    if_revision: int | None = None


@frozen
class DescribeUserUsage(Request[SpaceUsage, Forbidden]):
    """Tell what a user's personal space holds; for the tenant's admins."""

    caller: Caller
    owner_id: UserId


@frozen
class ChangeUserQuota(Request[SpaceUsage, StaleRevision | Invalid | Forbidden]):
    """Say what a user's personal space may hold, which is made for it; for the tenant's admins.

    One of ``quota``, ``unlimited`` and ``follows`` is given.
    """

    caller: Caller
    owner_id: UserId
    login: str
    """The user's: the space is named after it."""
    quota: int | None = None
    unlimited: bool = False
    follows: bool = False
    if_revision: int | None = None


@frozen
class SyncQuota(Request[SpaceUsage, Invalid]):
    """Take over what an identity provider says of the caller's personal space. No route leads here.

    What an admin has set, or another ``source`` has given, stays. ``follows`` takes back what this
    source gave. A repeat changes nothing.
    """

    caller: Caller
    """Who has just signed in: the space is theirs, and made if it has to be."""
    source: str
    quota: int | None
    """None is without limit, unless it follows."""
    follows: bool = False


@frozen
class TakeBackQuotas(Request[int, Never]):
    """Let the next ``limit`` spaces follow the tenant that have a quota of this source.

    Returns how many those were, until there are none. No route leads here.
    """

    caller: Caller
    """Who has the provider removed."""
    source: str
    limit: int = 500
