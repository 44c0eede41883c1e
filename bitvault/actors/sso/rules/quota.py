"""What a claim says of how much somebody's home may hold."""

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bitvault.actors.sso.contract import ProviderTerms

_PLAIN = re.compile(r"\d{1,19}")
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMGTP]?)(?:i?B)?", re.IGNORECASE)
_POWERS = " KMGTP"
_MOST_SHOWN = 64


@frozen
class Home:
    """What a home may hold, in bytes; None is without limit, unless it ``follows`` the tenant."""

    quota: int | None = None
    follows: bool = False


@frozen
class Unclear:
    """Why a claim is passed over, for the tenant's admins."""

    reason: str


def home_of(claims: Mapping[str, Any], terms: ProviderTerms) -> Home | Unclear | None:
    """Return what the provider says; None: nothing, so nothing is changed.

    Sizes are powers of 1024, as everywhere here. How many bytes are too many is not judged here.
    """
    if terms.quota_claim is None or terms.quota_claim not in claims:
        return None
    given = claims[terms.quota_claim]
    found = _home(given.strip()) if isinstance(given, str) else None
    if isinstance(given, int) and not isinstance(given, bool):
        found = Home(given)
    shown = repr(given)[:_MOST_SHOWN]
    return found or Unclear(f"the claim {terms.quota_claim!r} is no size: {shown}")


def _home(text: str) -> Home | None:
    if text.lower() in {"none", "default"}:
        return Home(follows=text.lower() == "default")
    if _PLAIN.fullmatch(text):
        return Home(int(text))
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    return Home(round(float(match[1]) * (1 << 10 * _POWERS.index(match[2].upper() or " "))))
