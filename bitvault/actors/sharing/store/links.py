"""Rows of links."""

from datetime import datetime
from typing import Any
from uuid import UUID

from bitvault.actors.sharing.contract.grants import Grantee, GranteeKind
from bitvault.actors.sharing.contract.links import Link, LinkTerms
from bitvault.actors.sharing.rules.links import is_good
from bitvault.actors.sharing.store.grants import SQL as GRANTS
from bitvault.actors.sharing.store.grants import put_grant
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId, TenantId, UserId

SQL = load_queries("bitvault.actors.sharing.store", "links.sql")


async def insert_link(
    tx: Transaction,
    spot: Spot,
    link_id: UUID,
    digest: bytes,
    terms: LinkTerms,
    password_hash: str | None,
) -> Row:
    """Write a new link, and what it grants."""
    row = await tx.fetchrow(
        SQL["insert_link"],
        **spot.stamp,
        link_id=link_id,
        token_digest=digest,
        password_hash=password_hash,
        **_columns(terms),
    )
    await grant(tx, spot, link_id, terms.role)
    return _there(row)


async def update_link(
    tx: Transaction,
    spot: Spot,
    link_id: UUID,
    terms: LinkTerms,
    password_hash: str | None,
    *,
    is_revoked: bool,
) -> Row:
    """Write a link's new terms; a revoked one grants nothing."""
    row = await tx.fetchrow(
        SQL["update_link"],
        tenant=spot.tenant,
        link_id=link_id,
        password_hash=password_hash,
        is_revoked=is_revoked,
        **_columns(terms),
    )
    if is_revoked:
        await ungrant(tx, spot, link_id)
    else:
        await grant(tx, spot, link_id, terms.role)
    return _there(row)


async def grant(tx: Transaction, spot: Spot, link_id: UUID, role: Role) -> None:
    """Give whoever comes with the link its role."""
    await put_grant(tx, spot, Grantee(GranteeKind.LINK, link_id), role, link_id)


async def ungrant(tx: Transaction, spot: Spot, link_id: UUID) -> None:
    """Take it back."""
    await tx.execute(GRANTS["drop_grant"], **spot.key, grantee_id=link_id)


async def page_of_node(
    tx: Transaction, tenant: TenantId, node_id: NodeId, after: UUID, limit: int
) -> list[Link]:
    """Return one page of a node's links by id."""
    rows = await tx.fetch(
        SQL["links_of_node"], tenant=tenant, node_id=node_id, after=after, limit=limit
    )
    return [link_of(row) for row in rows]


async def page_of_maker(
    tx: Transaction, tenant: TenantId, user_id: UserId, after: UUID, limit: int
) -> list[Link]:
    """Return one page of the links that somebody made, by id."""
    rows = await tx.fetch(
        SQL["links_of_maker"], tenant=tenant, user_id=user_id, after=after, limit=limit
    )
    return [link_of(row) for row in rows]


def leads_anywhere(row: Row, now: datetime) -> bool:
    """Say whether a link is still good."""
    columns = ("is_revoked", "expires_at", "max_downloads", "downloads")
    return is_good(**{column: row[column] for column in columns}, now=now)


def link_of(row: Row) -> Link:
    """Build the contract's link from a row."""
    same = ("link_id", "node_id", "label", "expires_at", "max_downloads", "downloads")
    more = ("is_revoked", "revision", "created_by", "created_at")
    return Link(
        role=Role(row["role"]),
        has_password=row["password_hash"] is not None,
        **{column: row[column] for column in (*same, *more)},
    )


def _columns(terms: LinkTerms) -> dict[str, Any]:
    return {
        "role": terms.role.value,
        "label": terms.label,
        "expires_at": terms.expires_at,
        "max_downloads": terms.max_downloads,
    }


def _there(row: Row | None) -> Row:
    if row is None:
        raise AssertionError("the row was just written, or is locked")
    return row
