"""What a provider may be, and where a browser may be sent in the end."""

import re
from urllib.parse import urlsplit

from attrs import evolve

from bitvault.actors.sso.contract import ProviderTerms
from bitvault.kernel.mailbox import canonical_domain
from bitvault.kernel.refusal import Invalid, Refused
from bitvault.text import folded, is_printable, normal

MOST_PROVIDERS = 20
_MOST_NAME, _MOST_URL, _MOST_SECRET, _MOST_MAP = 128, 512, 1024, 500
_MOST_RETURN, _MOST_STATE = 512, 128
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}")
_DOMAIN = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOPBACK = ("127.0.0.1", "::1")


def checked(terms: ProviderTerms) -> ProviderTerms:
    """Return a provider's terms as they are kept.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    if "openid" not in terms.scopes or not all(map(_SCOPE.fullmatch, terms.scopes)):
        raise Refused(Invalid("scopes", "must be words without spaces, openid among them"))
    if len(terms.group_map) > _MOST_MAP:
        raise Refused(Invalid("groupMap", f"must have at most {_MOST_MAP} members"))
    for claim, group in terms.group_map.items():
        text("groupMap", claim)
        text("groupMap", group)
    domains = tuple(canonical_domain(domain) or "" for domain in terms.email_domains)
    if not all(map(_DOMAIN.fullmatch, domains)):
        raise Refused(Invalid("emailDomains", "must be names of domains such as example.org"))
    if terms.groups_claim is not None:
        text("groupsClaim", terms.groups_claim)
    if terms.external_id_claim is not None:
        text("externalIdClaim", terms.external_id_claim)
    if terms.quota_claim is not None:
        text("quotaClaim", terms.quota_claim)
    if terms.group_prefix:
        text("groupPrefix", terms.group_prefix.rstrip() or " ")
    return evolve(
        terms,
        name=text("name", terms.name),
        issuer=_issuer(terms.issuer),
        client_id=text("clientId", terms.client_id),
        login_claim=text("loginClaim", terms.login_claim),
        email_domains=domains,
    )


def text(field: str, value: str) -> str:
    """Return text for people, in NFC.

    Raises:
        Refused: ``Invalid`` naming the field and the rule.
    """
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise Refused(Invalid(field, "must not contain lone surrogates"))
    named = normal(value)
    if not named.strip() or named != named.strip() or not is_printable(named):
        rule = "must be printable, not empty, and not begin or end with white space"
        raise Refused(Invalid(field, rule))
    if len(named.encode()) > _MOST_NAME:
        raise Refused(Invalid(field, f"must be at most {_MOST_NAME} bytes long"))
    return named


def name_key(name: str) -> str:
    """Return the key under which two names are the same."""
    return folded(name)


def checked_secret(secret: str | None) -> str | None:
    """Return a client secret: visible ASCII, as providers make them."""
    if secret is None:
        return None
    if not 1 <= len(secret) <= _MOST_SECRET or not secret.isascii() or not secret.isprintable():
        rule = f"must be 1 to {_MOST_SECRET} visible ASCII characters"
        raise Refused(Invalid("clientSecret", rule))
    return secret


def checked_return(return_to: str) -> str:
    """Return where a browser goes after the sign-in: never to another site (X16).

    Raises:
        Refused: ``Invalid`` naming the rule.
    """
    rule = "must be a path of this server, or http://127.0.0.1:PORT/… of the browser's machine"
    fits = len(return_to) <= _MOST_RETURN and return_to.isascii() and return_to.isprintable()
    if not fits or any(c in return_to for c in '\\ "<>#') or not _is_ours(return_to):
        raise Refused(Invalid("returnTo", rule))
    return return_to


def checked_challenge(challenge: str) -> str:
    """Return a PKCE challenge of the method S256, the only one there is."""
    if not _CHALLENGE.fullmatch(challenge):
        rule = "must be the base64url of a SHA-256, 43 characters"
        raise Refused(Invalid("challenge", rule))
    return challenge


def checked_state(state: str) -> str:
    """Return what the client wants back."""
    if len(state) > _MOST_STATE or not state.isascii() or not state.isprintable():
        raise Refused(Invalid("state", f"must be at most {_MOST_STATE} visible characters"))
    return state


def _is_ours(return_to: str) -> bool:
    if return_to.startswith("/"):
        return not return_to.startswith("//")
    try:
        parts = urlsplit(return_to)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return parts.scheme == "http" and host in _LOOPBACK and bool(port) and parts.netloc == netloc


def _issuer(issuer: str) -> str:
    """Return an issuer as it is; whether it may be asked, the driver judges."""
    try:
        parts = urlsplit(issuer)
    except ValueError:
        parts = urlsplit("")
    fits = len(issuer) <= _MOST_URL and issuer.isascii() and issuer.isprintable()
    if not fits or parts.scheme not in {"https", "http"} or parts.query or parts.fragment:
        raise Refused(Invalid("issuer", "must be an https URL without query or fragment"))
    return issuer
