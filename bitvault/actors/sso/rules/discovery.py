"""What a provider says of itself (OpenID Connect Discovery §4)."""

from typing import Any

from attrs import frozen

from bitvault.actors.sso.rules.tokens import Untrusted

_MOST_URL = 2048


@frozen
class Metadata:
    """Where a provider is asked what."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    tells_issuer: bool
    """Names itself in every authorization response (RFC 9207)."""
    posts_secret: bool
    """Takes the client secret in the body alone, not as Basic authentication."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Return all that are asked."""
        given = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return given if self.userinfo_endpoint is None else (*given, self.userinfo_endpoint)


def location_of(issuer: str) -> str:
    """Return where an issuer's document is."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def metadata_of(document: Any, issuer: str) -> Metadata:
    """Return what counts of a discovery document.

    Raises:
        Untrusted: It is none, or that of another issuer (X4).
    """
    if not isinstance(document, dict):
        raise Untrusted("the discovery document cannot be read")
    if document.get("issuer") != issuer:
        raise Untrusted("the discovery document is another issuer's")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    challenges = document.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(challenges, list) or "S256" not in challenges:
        raise Untrusted("the provider does not do PKCE by S256")
    return Metadata(
        issuer,
        _url(document, "authorization_endpoint"),
        _url(document, "token_endpoint"),
        _url(document, "jwks_uri"),
        _url(document, "userinfo_endpoint") if "userinfo_endpoint" in document else None,
        document.get("authorization_response_iss_parameter_supported") is True,
        isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def _url(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _MOST_URL:
        raise Untrusted(f"the discovery document has no {name}")
    return value
