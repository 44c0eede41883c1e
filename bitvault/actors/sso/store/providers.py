"""Identity providers: one function per query."""

from typing import Any
from uuid import UUID

from attrs import field, frozen
from msgspec import json

from bitvault.actors.sso.contract import Provider, ProviderTerms
from bitvault.actors.sso.rules.terms import name_key
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import TenantId

QUERIES = load_queries("bitvault.actors.sso.store", "providers.sql")


@frozen
class Kept:
    """A provider with its tenant and its secret, as they are kept."""

    tenant_id: TenantId
    provider: Provider
    sealed_secret: bytes | None = field(repr=False)


async def hold_providers(tx: Transaction, tenant_id: TenantId) -> None:
    """Keep others who add or rename providers of the tenant out until the end."""
    await tx.fetchrow(QUERIES["hold_name"], tenant_id=tenant_id)


async def insert_provider(tx: Transaction, kept: Kept) -> None:
    """Add a provider."""
    await tx.execute(
        QUERIES["insert_provider"],
        **_columns(kept),
        issuer=kept.provider.terms.issuer,
        now=kept.provider.created_at,
    )


async def update_provider(tx: Transaction, kept: Kept) -> None:
    """Write what may change of a provider, as its next revision."""
    await tx.execute(QUERIES["update_provider"], **_columns(kept))


async def begin_leaving(tx: Transaction, tenant_id: TenantId, provider_id: UUID) -> bool:
    """Let nobody in any more; False when there is no such provider."""
    row = await tx.fetchrow(QUERIES["begin_leaving"], tenant_id=tenant_id, provider_id=provider_id)
    return row is not None


async def delete_provider(
    tx: Transaction, tenant_id: TenantId, provider_id: UUID
) -> tuple[str, str] | None:
    """Remove a provider and return its name and issuer; None when there is none such."""
    row = await tx.fetchrow(
        QUERIES["delete_provider"], tenant_id=tenant_id, provider_id=provider_id
    )
    return (row["name"], row["issuer"]) if row else None


async def providers(tx: Transaction, tenant_id: TenantId) -> tuple[Kept, ...]:
    """List a tenant's providers by name."""
    rows = await tx.fetch(QUERIES["providers"], tenant_id=tenant_id)
    return tuple(map(_kept, rows))


async def provider(tx: Transaction, tenant_id: TenantId, provider_id: UUID) -> Kept | None:
    """Find a provider of a tenant."""
    row = await tx.fetchrow(QUERIES["provider"], tenant_id=tenant_id, provider_id=provider_id)
    return _kept(row) if row else None


async def tenant_of_provider(tx: Transaction, provider_id: UUID) -> TenantId | None:
    """Find whose provider it is, across tenants."""
    row = await tx.fetchrow(QUERIES["tenant_of_provider"], provider_id=provider_id)
    return TenantId(row["tenant_id"]) if row else None


def _columns(kept: Kept) -> dict[str, Any]:
    terms = kept.provider.terms
    return {
        "tenant_id": kept.tenant_id,
        "provider_id": kept.provider.provider_id,
        "name": terms.name,
        "name_key": name_key(terms.name),
        "client_id": terms.client_id,
        "sealed_secret": kept.sealed_secret,
        "scopes": list(terms.scopes),
        "login_claim": terms.login_claim,
        "groups_claim": terms.groups_claim,
        "group_prefix": terms.group_prefix,
        "group_map": json.encode(dict(terms.group_map)).decode(),
        "external_id_claim": terms.external_id_claim,
        "quota_claim": terms.quota_claim,
        "makes_users": terms.makes_users,
        "email_domains": list(terms.email_domains),
    }


def _kept(row: Row) -> Kept:
    terms = ProviderTerms(
        name=row["name"],
        issuer=row["issuer"],
        client_id=row["client_id"],
        scopes=tuple(row["scopes"]),
        login_claim=row["login_claim"],
        groups_claim=row["groups_claim"],
        group_prefix=row["group_prefix"],
        group_map=json.decode(row["group_map"]),
        external_id_claim=row["external_id_claim"],
        quota_claim=row["quota_claim"],
        makes_users=row["makes_users"],
        email_domains=tuple(row["email_domains"]),
    )
    sealed = row["sealed_secret"]
    provider = Provider(
        provider_id=row["provider_id"],
        terms=terms,
        has_secret=sealed is not None,
        revision=row["revision"],
        created_at=row["created_at"],
        is_leaving=row["is_leaving"],
    )
    return Kept(TenantId(row["tenant_id"]), provider, sealed)
