"""Rows of links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import evolve

from bitvault.actors.sharing.contract.grants import Grantee, GranteeKind
from bitvault.actors.sharing.contract.links import Link, LinkState, LinkTerms, RequestTerms
from bitvault.actors.sharing.rules.links import (
    KEY_LIFETIME,
    bounded,
    ids_under_key,
    is_repeat,
    judge,
)
from bitvault.actors.sharing.store.grants import SQL as GRANTS
from bitvault.actors.sharing.store.grants import put_grant
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId, TenantId, UserId
from bitvault.kernel.policy import SharingPolicy
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import IdempotencyConflict, Refused

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


async def made_before(
    tx: Transaction, spot: Spot, caller: Caller, link_id: UUID, digest: bytes
) -> Link | None:
    """Return what a request made before under its key, with a token that can be shown now.

    Raises:
        Refused: ``IdempotencyConflict``; another request came under the same key.
    """
    if caller.idempotency is None:
        return None
    first, last = ids_under_key(link_id)
    since = spot.now - KEY_LIFETIME
    within = {"first": first, "last": last, "since": since}
    row = await tx.fetchrow(SQL["link_under_key"], tenant=spot.tenant, **within)
    if row is None:
        return None
    if not is_repeat(row["link_id"], link_id):
        raise Refused(IdempotencyConflict())
    renewed = {"link_id": row["link_id"], "token_digest": digest, "user_id": spot.user_id}
    return link_of(_there(await tx.fetchrow(SQL["renew_token"], tenant=spot.tenant, **renewed)))


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
        now=spot.now,
        **_columns(terms),
    )
    if is_revoked:
        await ungrant(tx, spot, link_id)
    else:
        await grant(tx, spot, link_id, terms.role)
    return _there(row)


async def answer_for(tx: Transaction, spot: Spot, link_id: UUID) -> None:
    """Have whoever changes a link answer for it from now on."""
    await tx.execute(SQL["answer_for"], tenant=spot.tenant, link_id=link_id, user_id=spot.user_id)


def sponsor_of(row: Row) -> UserId:
    """Return who answers for a link."""
    return UserId(row["sponsor_id"] or row["created_by"])


async def find(tx: Transaction, tenant: TenantId, link_id: UUID) -> Row | None:
    """Return a link's row."""
    return await tx.fetchrow(SQL["link"], tenant=tenant, link_id=link_id)


async def links_among(
    tx: Transaction, tenant: TenantId, link_ids: Sequence[UUID]
) -> dict[UUID, Row]:
    """Return the rows of some links by id."""
    rows = await tx.fetch(SQL["links_among"], tenant=tenant, link_ids=list(link_ids))
    return {row["link_id"]: row for row in rows}


async def grant(tx: Transaction, spot: Spot, link_id: UUID, role: Role) -> None:
    """Give whoever comes with the link its role."""
    await put_grant(tx, spot, Grantee(GranteeKind.LINK, link_id), role, link_id)


async def ungrant(tx: Transaction, spot: Spot, link_id: UUID) -> None:
    """Take it back."""
    await tx.execute(GRANTS["drop_grant"], **spot.key, grantee_id=link_id)


async def page_of_node(
    tx: Transaction, tenant: TenantId, node_id: NodeId, after: UUID, limit: int
) -> list[Row]:
    """Return one page of a node's links by id."""
    return await tx.fetch(
        SQL["links_of_node"], tenant=tenant, node_id=node_id, after=after, limit=limit
    )


async def page_of_maker(
    tx: Transaction, tenant: TenantId, user_id: UserId, after: UUID, limit: int
) -> list[Row]:
    """Return one page of the links that somebody made, by id."""
    return await tx.fetch(
        SQL["links_of_maker"], tenant=tenant, user_id=user_id, after=after, limit=limit
    )


def leads_anywhere(row: Row, policy: SharingPolicy, now: datetime) -> bool:
    """Say whether a link is still good."""
    return state_of(row, policy, now) is LinkState.VALID


def state_of(row: Row, policy: SharingPolicy, now: datetime) -> LinkState:
    """Say what stands in a link's way, if anything does."""
    most, has_password = row["max_downloads"], row["password_hash"] is not None
    if row["is_revoked"]:
        return LinkState.REVOKED
    if most is not None and row["downloads"] >= most:
        return LinkState.USED_UP
    terms, since = terms_of(row, policy), row["set_at"]
    refusal = judge(terms, policy, has_password=has_password, since=since, now=now)
    if refusal is None:
        return LinkState.VALID
    is_over = terms.expires_at is not None and terms.expires_at <= now
    return LinkState.EXPIRED if is_over else LinkState.AGAINST_POLICY


def viewed(row: Row, policy: SharingPolicy, now: datetime, *, is_answered: bool) -> Link:
    """Build the contract's link from a row, with how it stands now.

    ``is_answered`` is whether whoever answers for it is there, and not disabled.
    """
    link, state = link_of(row), state_of(row, policy, now)
    most = link.request.max_files if link.request else None
    if state is LinkState.VALID and most is not None and link.files >= most:
        # Its page opens, and says so.
        state = LinkState.USED_UP
    if state is LinkState.VALID and not is_answered:
        state = LinkState.UNANSWERED
    return evolve(link, state=state)


def terms_of(row: Row, policy: SharingPolicy) -> LinkTerms:
    """Return a link's terms without its password, with the end that the policy gives it."""
    link = link_of(row)
    end = bounded(link.expires_at, policy, row["set_at"])
    return LinkTerms(link.role, link.label, None, end, link.max_downloads, link.request)


def link_of(row: Row) -> Link:
    """Build the contract's link from a row."""
    same = ("link_id", "node_id", "label", "expires_at", "max_downloads", "downloads")
    more = ("is_revoked", "revision", "created_by", "created_at", "files", "bytes")
    role, limits = Role(row["role"]), (row["max_files"], row["max_size"])
    asked = RequestTerms(row["message"], *limits, tuple(row["extensions"]))
    return Link(
        role=role,
        request=asked if role is Role.UPLOADER else None,
        has_password=row["password_hash"] is not None,
        **{column: row[column] for column in (*same, *more)},
    )


def _columns(terms: LinkTerms) -> dict[str, Any]:
    asked = terms.request or RequestTerms()
    return {
        "message": asked.message,
        "max_files": asked.max_files,
        "max_size": asked.max_size,
        "extensions": list(asked.extensions),
        "role": terms.role.value,
        "label": terms.label,
        "expires_at": terms.expires_at,
        "max_downloads": terms.max_downloads,
    }


def _there(row: Row | None) -> Row:
    if row is None:
        raise AssertionError("the row was just written, or is locked")
    return row
