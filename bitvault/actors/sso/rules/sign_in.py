"""Secrets of a sign-in, and what a provider's claims mean here."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from bitvault.actors.sso.contract import ProviderTerms
from bitvault.actors.sso.rules.tokens import Untrusted
from bitvault.kernel.mailbox import canonical_domain
from bitvault.text import is_printable

ATTEMPT_SECONDS = 600
TICKET_SECONDS = 60
_MOST_GROUPS, _MOST_DISPLAY = 500, 128


def encoded(raw: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def digest(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def verifier_of(browser_secret: str) -> str:
    """Return the PKCE verifier of a sign-in: kept nowhere, made from what the browser brings."""
    return _derived(browser_secret, "verifier")


def nonce_of(browser_secret: str) -> str:
    """Return the nonce of a sign-in."""
    return _derived(browser_secret, "nonce")


def _derived(secret: str, use: str) -> str:
    key = secret.encode(errors="surrogatepass")
    return encoded(hmac.digest(key, f"bitvault sso {use}".encode(), "sha256"))


def challenge_of(verifier: str) -> str:
    """Return the challenge of a verifier, by S256."""
    return encoded(digest(verifier))


def login_of(claims: Mapping[str, Any], terms: ProviderTerms) -> str:
    """Return the login for an account that is made."""
    login = claims.get(terms.login_claim)
    if not isinstance(login, str) or not login.strip():
        raise Untrusted(f"the provider says no {terms.login_claim!r} to name the user by")
    return login


def external_id_of(claims: Mapping[str, Any], terms: ProviderTerms) -> str | None:
    """Return what the directory calls the user; None: the provider says nothing of use."""
    found = claims.get(terms.external_id_claim) if terms.external_id_claim else None
    return found if isinstance(found, str) and is_printable(found) and found.strip() else None


def display_name_of(claims: Mapping[str, Any]) -> str:
    """Return the user's name; one that cannot be shown is left out."""
    name = claims.get("name")
    fits = isinstance(name, str) and is_printable(name) and len(name.encode()) <= _MOST_DISPLAY
    return name.strip() if isinstance(name, str) and fits else ""


def groups_of(claims: Mapping[str, Any], terms: ProviderTerms) -> tuple[str, ...] | None:
    """Return the names of the groups that the provider gives; None: it says nothing of groups."""
    if terms.groups_claim is None or terms.groups_claim not in claims:
        return None
    given = claims[terms.groups_claim]
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise Untrusted(f"the claim {terms.groups_claim!r} is no list of names")
    if terms.group_map:
        names = [terms.group_map[value] for value in values if value in terms.group_map]
    else:
        names = [terms.group_prefix + value for value in values if value]
    if len(names) > _MOST_GROUPS:
        raise Untrusted(f"the user has more than {_MOST_GROUPS} groups")
    return tuple(dict.fromkeys(names))


def check_domain(claims: Mapping[str, Any], terms: ProviderTerms) -> None:
    """Judge the address, where only some domains are let in: it must be verified."""
    if not terms.email_domains:
        return
    email = claims.get("email")
    domain = canonical_domain(email.rpartition("@")[2]) if isinstance(email, str) else None
    if claims.get("email_verified") is not True or domain not in terms.email_domains:
        raise Untrusted("the user has no verified address of a domain that is let in")


def wants_more(claims: Mapping[str, Any], terms: ProviderTerms) -> bool:
    """Say whether the ID token leaves out what is needed: then userinfo is asked."""
    needed = [terms.login_claim]
    needed += [terms.groups_claim] if terms.groups_claim else []
    needed += [one for one in (terms.quota_claim, terms.external_id_claim) if one]
    needed += ["email", "email_verified"] if terms.email_domains else []
    return any(name not in claims for name in needed)
