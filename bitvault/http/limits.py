"""What every answer says of its limits.

Two fields of draft-ietf-httpapi-ratelimit-headers: ``RateLimit-Policy`` (``q`` units in ``w``
seconds) and ``RateLimit`` (``r`` units remain, all are back in ``t`` seconds).
"""

from collections.abc import Sequence
from math import ceil, floor

from bitvault.kernel.limits import Verdict


def headers(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return the fields that tell a client where it stands; none where nothing is limited."""
    if not verdicts:
        return {}
    policies = (
        f'"{limit.name}";q={int(limit.burst)};w={ceil(limit.window)}'
        for limit in (verdict.limit for verdict in verdicts)
    )
    states = (
        f'"{verdict.limit.name}";r={_whole(verdict.remaining)};t={ceil(verdict.reset)}'
        for verdict in verdicts
    )
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


def _whole(units: float) -> int:
    """Return whole units, not more; what rounding took from the last one is given back."""
    return floor(round(units, 3))
