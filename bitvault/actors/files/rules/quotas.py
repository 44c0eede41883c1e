"""Which quotas may be set."""

from bitvault.actors.files.contract import ChangeQuota, SpaceUsage, SyncQuota, TenantUsage
from bitvault.kernel.principal import admin_of, operator_of
from bitvault.kernel.refusal import Forbidden, Invalid, Refused

MAX_QUOTA = 1 << 62


def check_quota(quota: int | None, field: str = "quota") -> None:
    """Refuse what is no number of bytes."""
    if quota is not None and not 0 <= quota <= MAX_QUOTA:
        raise Refused(Invalid(field, f"must be from 0 to {MAX_QUOTA} bytes"))


def check_one_of(quota: int | None, *, unlimited: bool, follows: bool) -> None:
    """Refuse two answers to how much a space may hold."""
    check_quota(quota)
    if (quota is not None) + unlimited + follows > 1:
        field = "useDefault" if follows else "unlimited"
        raise Refused(Invalid(field, "give one of quota, unlimited and useDefault"))


def says_more(usage: SpaceUsage, told: SyncQuota) -> bool:
    """Say whether a source changes a quota: one that nobody set, or that it gave itself."""
    if not usage.follows and usage.source != told.source:
        return False
    return usage.follows != told.follows or not (told.follows or usage.quota == told.quota)


def check_keeper(wanted: ChangeQuota) -> None:
    """Refuse whoever keeps neither the tenant nor the tenant's spaces.

    Raises:
        Refused: ``Forbidden``.
    """
    if wanted.tenant_id is not None:
        operator_of(wanted.caller)
        return
    admin_of(wanted.caller, "set the quota")
    if wanted.quota is not None or wanted.unlimited:
        raise Refused(Forbidden("set the tenant's own quota, as its operator does,"))


def changed_quotas(usage: TenantUsage, wanted: ChangeQuota) -> tuple[int | None, int | None]:
    """Return the quotas as they are wanted: of the tenant, and of each space.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    quota = _wanted("unlimited", "quota", usage.quota, wanted.quota, wanted.unlimited)
    space = _wanted(
        "unlimitedSpaces", "spaceQuota", usage.space_quota, wanted.space_quota,
        wanted.unlimited_spaces,
    )  # fmt: skip
    if wanted.space_quota is not None and quota is not None and wanted.space_quota > quota:
        raise Refused(Invalid("spaceQuota", f"must be at most the tenant's quota of {quota} bytes"))
    return quota, space


def _wanted(
    switch: str,
    field: str,
    kept: int | None,
    given: int | None,
    unlimited: bool,  # noqa: FBT001 - what was asked for, not a switch of this function
) -> int | None:
    check_quota(given, field)
    if unlimited and given is not None:
        raise Refused(Invalid(switch, f"give either {field} or {switch}"))
    if unlimited:
        return None
    return kept if given is None else given
