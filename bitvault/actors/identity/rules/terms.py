"""What a tenant asks of its links, passwords and sessions, and what holds of it."""

from datetime import timedelta

from bitvault.actors.identity.contract import Policy, PolicyChange
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.refusal import Invalid, Refused

MAX_POLICY_SECONDS = 10 * 365 * 86_400
_MOST_ASKED = 128


def strictest(own: Policy, bound: Policy) -> Policy:
    """Return what holds: of each term the stricter one."""
    one, other = own.sharing, bound.sharing
    longest = _shorter(one.longest_life, other.longest_life)
    default = _shorter(one.default_life, other.default_life)
    return Policy(
        SharingPolicy(
            links_allowed=one.links_allowed and other.links_allowed,
            password_required=one.password_required or other.password_required,
            longest_life=longest,
            default_life=None if default is None else _shorter(default, longest),
        ),
        max(own.min_password, bound.min_password),
        _shorter(own.longest_session, bound.longest_session),
    )


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return min((each for each in (one, other) if each is not None), default=None)


def changed_policy(policy: Policy, wanted: PolicyChange, bound: Policy) -> Policy:
    """Return the terms as they are wanted; none that is set may be laxer than its bound.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    sharing = policy.sharing
    allowed, required = wanted.links_allowed, wanted.password_required
    if allowed and not bound.sharing.links_allowed:
        raise Refused(Invalid("linksAllowed", "must be false: the platform's operator says so"))
    if required is False and bound.sharing.password_required:
        raise Refused(Invalid("passwordRequired", "must be true: the platform's operator says so"))
    longest = _life(
        "longestLife", sharing.longest_life, wanted.longest_life, bound.sharing.longest_life
    )
    default = _life("defaultLife", sharing.default_life, wanted.default_life, None)
    if default is not None and longest is not None and default > longest:
        field = "longestLife" if wanted.default_life is None else "defaultLife"
        raise Refused(Invalid(field, "defaultLife must not be more than longestLife"))
    least = policy.min_password if wanted.min_password is None else wanted.min_password
    floor = bound.min_password
    if wanted.min_password is not None and not floor <= least <= _MOST_ASKED:
        raise Refused(Invalid("minPassword", f"must be from {floor} to {_MOST_ASKED}"))
    return Policy(
        SharingPolicy(
            links_allowed=sharing.links_allowed if allowed is None else allowed,
            password_required=sharing.password_required if required is None else required,
            longest_life=longest,
            default_life=default,
        ),
        least,
        _life(
            "longestSession", policy.longest_session, wanted.longest_session, bound.longest_session
        ),
    )


def _life(
    field: str, kept: timedelta | None, seconds: int | None, bound: timedelta | None
) -> timedelta | None:
    if seconds is None:
        return kept
    most = MAX_POLICY_SECONDS if bound is None else int(bound.total_seconds())
    least = 0 if bound is None else 1
    if not least <= seconds <= most:
        raise Refused(Invalid(field, f"must be from {least} to {most} seconds"))
    return timedelta(seconds=seconds) if seconds else None
