"""What a tenant asks of its links, passwords and sessions (ADR-0025)."""

from datetime import timedelta

from attrs import field, frozen

from bitvault.actors.identity.contract.refusals import StalePolicy, TenantNotFound
from bitvault.kernel.ids import TenantId
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request

MIN_PASSWORD = 8
"""Characters that every password has."""


@frozen
class Policy:
    """Terms; as they stand, no more is asked than everywhere on the platform."""

    sharing: SharingPolicy = field(factory=SharingPolicy)
    min_password: int = MIN_PASSWORD
    """Characters of a new password, at least."""
    longest_session: timedelta | None = None
    """Of sessions that are open already, too; None: as long as the platform lets them."""


@frozen
class TenantPolicy:
    """Both sides of a tenant's terms, and what comes of them."""

    own: Policy
    """As the tenant's admins have it."""
    bound: Policy
    """As the platform's operators have it: what is laxer than this does not hold."""
    effective: Policy
    revision: int
    """Of the side that the asker keeps; 0: as it came."""


@frozen
class PolicyChange:
    """What to change; None stays, and a time of 0 seconds removes the limit."""

    links_allowed: bool | None = None
    password_required: bool | None = None
    longest_life: int | None = None
    default_life: int | None = None
    min_password: int | None = None
    longest_session: int | None = None


@frozen
class DescribePolicy(Request[TenantPolicy, TenantNotFound | Forbidden]):
    """Tell the terms of the caller's tenant; of another one to operators."""

    caller: Caller
    tenant_id: TenantId | None = None


@frozen
class ChangePolicy(Request[TenantPolicy, TenantNotFound | StalePolicy | Invalid | Forbidden]):
    """Change the terms of the caller's tenant, for its admins; or bound a tenant's, for operators.

    It holds from the next request on, and within a second in other processes.
    """

    caller: Caller
    change: PolicyChange
    tenant_id: TenantId | None = None
    """Whose terms to bound; None: the caller's own are to be changed."""
    if_revision: int | None = None
