"""Identity providers, as a tenant's admins keep them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from attrs import field, frozen

from bitvault.actors.sso.contract.refusals import (
    ProviderNotFound,
    ProviderTaken,
    StaleProvider,
    TooManyProviders,
)
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid
from bitvault.kernel.request import Request


@frozen
class ProviderTerms:
    """An OpenID provider, and what its claims mean here."""

    name: str
    issuer: str
    """An https URL, exactly as the provider writes it."""
    client_id: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    login_claim: str = "preferred_username"
    """Names an account that is made; it never leads to one that exists."""
    groups_claim: str | None = None
    """None: groups are not the provider's business."""
    group_prefix: str = "sso:"
    """Begins the name of each group that the provider gives, where ``group_map`` is empty."""
    group_map: Mapping[str, str] = field(factory=dict)
    """Values of the claim to names of groups; values that are not in it are passed over."""
    external_id_claim: str | None = None
    """Has the externalId of the account that a directory made by SCIM; None: no claim has."""
    quota_claim: str | None = None
    """Says how much a user's home may hold: bytes, "10 GB", "none" or "default"."""
    makes_users: bool = True
    """Whether a first sign-in makes an account."""
    email_domains: tuple[str, ...] = ()
    """Whose verified addresses are let in; none: everybody the provider vouches for."""


@frozen
class Provider:
    """A provider that is configured; the client secret is never shown."""

    provider_id: UUID
    terms: ProviderTerms
    has_secret: bool
    revision: int
    created_at: datetime
    is_leaving: bool = False
    """Its removal has begun, and is to be asked for again: nobody signs in with it."""


@frozen
class AddProvider(Request[Provider, ProviderTaken | TooManyProviders | Invalid | Forbidden]):
    """Configure a provider, after reading its discovery document; for the tenant's admins."""

    caller: Caller
    terms: ProviderTerms
    client_secret: str | None = field(default=None, repr=False)
    """None: a public client, which has PKCE alone."""


@frozen
class ListProviders(Request[tuple[Provider, ...], Forbidden]):
    """List the tenant's providers by name; for its admins."""

    caller: Caller


@frozen
class GetProvider(Request[Provider, ProviderNotFound | Forbidden]):
    """Describe a provider of the tenant; for its admins."""

    caller: Caller
    provider_id: UUID


@frozen
class ChangeProvider(
    Request[Provider, ProviderNotFound | ProviderTaken | StaleProvider | Invalid | Forbidden],
):
    """Replace a provider's terms, but for the issuer; for the tenant's admins."""

    caller: Caller
    provider_id: UUID
    terms: ProviderTerms
    client_secret: str | None = field(default=None, repr=False)
    keeps_secret: bool = True
    if_revision: int | None = None


@frozen
class RemoveProvider(Request[None, ProviderNotFound | Forbidden]):
    """Remove a provider, with the memberships and quotas that it gave; for the tenant's admins.

    Users, their sessions and the groups stay. One that was interrupted is finished by a repeat.
    """

    caller: Caller
    provider_id: UUID
