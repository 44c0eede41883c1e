"""Signing in: asked by browsers and clients who are nobody yet."""

from collections.abc import Mapping
from typing import Never
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.sso.contract.refusals import LogoutRefused, ProviderNotFound, SignInRefused
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Origin
from bitvault.kernel.refusal import Invalid
from bitvault.kernel.request import Request


@frozen
class Way:
    """A provider as those see it who may sign in with it."""

    provider_id: UUID
    name: str


@frozen
class ListWays(Request[tuple[Way, ...], Never]):
    """List how users of a tenant may sign in; none of an unknown one."""

    tenant: str


@frozen
class SignInBegun:
    """Where the browser goes, and what it must bring back in a cookie."""

    location: str = field(repr=False)
    browser_secret: str = field(repr=False)
    is_https: bool
    """Whether the server is reached by HTTPS, as far as it knows."""


@frozen
class BeginSignIn(Request[SignInBegun, ProviderNotFound | Invalid]):
    """Send a browser to a provider."""

    provider_id: UUID
    return_to: str
    """Where the browser goes in the end: a path of this server, or a port of its own machine."""
    challenge: str
    """Of the client that waits there: base64url of the SHA-256 of its verifier (PKCE)."""
    client_state: str
    """Goes back to the client as it is."""


@frozen
class SignInFinished:
    """Where the browser goes: with a code that its client redeems, or with an error."""

    location: str = field(repr=False)


@frozen
class FinishSignIn(Request[SignInFinished, SignInRefused]):
    """Take up what a browser brings from a provider."""

    provider_id: UUID
    parameters: Mapping[str, str] = field(repr=False)
    """Of the authorization response."""
    browser_secret: str = field(repr=False)
    origin: Origin
    is_host_bound: bool = True
    """The secret came in a cookie that no other host can set; it has to, where HTTPS is spoken."""


@frozen
class SignInRedeemed:
    """Whose session may be opened now."""

    tenant_id: TenantId
    user_id: UserId
    provider_id: UUID
    sid: str | None
    """Which session of the provider's it came of, if the provider said so."""


@frozen
class RedeemSignIn(Request[SignInRedeemed, SignInRefused]):
    """Prove to be the client that began a sign-in; once."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)


@frozen
class LogOut(Request[None, LogoutRefused]):
    """End what came in by a provider, on its word (OpenID Connect Back-Channel Logout 1.0)."""

    provider_id: UUID
    token: str = field(repr=False)
    origin: Origin
