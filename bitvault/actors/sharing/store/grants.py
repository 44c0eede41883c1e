"""Rows of grants."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from attrs import frozen

from bitvault.actors.sharing.contract import (
    Grant,
    Grantee,
    GranteeKind,
    SharedNode,
    ShareRestricted,
    Shares,
)
from bitvault.actors.sharing.rules.grants import Said, Saying, said
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import EVERYONE, STOP, Right, Role, role_of
from bitvault.kernel.ids import Ids, NodeId, TenantId, UserId
from bitvault.kernel.principal import Caller

SQL = load_queries("bitvault.actors.sharing.store", "grants.sql")
A_SLICE = 1000
"""Grants of somebody who is gone that go in one transaction."""


async def hold(tx: Transaction, spot: Spot) -> dict[UUID, Row]:
    """Keep others from sharing the node until the commit; return its rows by grantee."""
    await tx.fetch(SQL["hold_node"], **spot.key)
    return await rows_on(tx, spot.tenant, spot.node_id)


async def rows_on(tx: Transaction, tenant: TenantId, node_id: NodeId) -> dict[UUID, Row]:
    """Return a node's rows by grantee."""
    rows = await tx.fetch(SQL["grants_on"], tenant=tenant, node_id=node_id)
    return {row["grantee_id"]: row for row in rows}


async def said_on(
    tx: Transaction, tenant: TenantId, node_ids: Sequence[NodeId]
) -> dict[UUID, list[Said]]:
    """Return all that is said on some nodes."""
    rows = await tx.fetch(SQL["said_on"], tenant=tenant, node_ids=list(node_ids))
    found: dict[UUID, list[Said]] = defaultdict(list)
    for row in rows:
        found[row["node_id"]].append(Said(_grantee(row), saying_of(row)))
    return found


async def put_grant(
    tx: Transaction, spot: Spot, grantee: Grantee, role: Role, grant_id: UUID
) -> Grant:
    """Give a role, or another one than before."""
    row = await tx.fetchrow(
        SQL["put_grant"],
        **spot.stamp,
        grantee_id=grantee.grantee_id,
        kind=grantee.kind.value,
        grant_id=grant_id,
        role=role.value,
        rights=Saying(role, is_stop=False).rights,
        stop=STOP,
    )
    return grant_of(_there(row))


async def drop(tx: Transaction, spot: Spot, row: Row, left: Saying) -> None:
    """Take away what a row says but for what is left."""
    key = {**spot.key, "grantee_id": row["grantee_id"]}
    if left.is_nothing:
        await tx.execute(SQL["drop_grant"], **key)
    else:
        role = left.role and left.role.value
        await tx.execute(SQL["keep_only"], **key, role=role, rights=left.rights)


async def put_restriction(tx: Transaction, spot: Spot, grant_id: UUID) -> Row:
    """Have what is granted above end here."""
    row = await tx.fetchrow(
        SQL["put_restriction"], **spot.stamp, everyone=EVERYONE, grant_id=grant_id, stop=STOP
    )
    return _there(row)


@frozen
class NewRestrictions:
    """Restricts the copies of restricted folders, in the transaction that makes them."""

    ids: Ids

    async def __call__(
        self, tx: Transaction, caller: Caller, now: datetime, node_ids: Sequence[UUID]
    ) -> Sequence[ShareRestricted]:
        """Restrict folders that the transaction makes; return what is to be told of it."""
        await tx.execute(
            SQL["restrict_new"],
            tenant=caller.tenant_id,
            user_id=caller.principal.user_id,
            now=now,
            everyone=EVERYONE,
            stop=STOP,
            node_ids=list(node_ids),
            grant_ids=[self.ids.uuid7() for _ in node_ids],
        )
        return [ShareRestricted(node_id, 1) for node_id in node_ids]


async def shared_with(
    tx: Transaction, tenant: TenantId, grantees: Sequence[UUID], after: UUID, limit: int
) -> list[SharedNode]:
    """Return one page of what these grantees were given, by node id."""
    rows = await tx.fetch(
        SQL["shared_with"], tenant=tenant, grantees=list(grantees), after=after, limit=limit
    )
    return [_shared(row) for row in rows]


async def forget(tx: Transaction, tenant: TenantId, node_id: UUID) -> None:
    """Drop whatever is said on a node that is gone."""
    await tx.execute(SQL["forget_node"], tenant=tenant, node_id=node_id)


async def forget_grantee(
    tx: Transaction, tenant: TenantId, grantee_id: UUID, limit: int = A_SLICE
) -> int:
    """Drop up to ``limit`` of somebody's grants who is gone; return how many went."""
    which = {"tenant": tenant, "grantee_id": grantee_id, "limit": limit}
    return await tx.execute(SQL["forget_grantee"], **which)


def shares_of(rows: Mapping[UUID, Row]) -> Shares:
    """Show what is said on a node."""
    grants = tuple(grant_of(row) for row in rows.values() if row["role"])
    return Shares(grants, any(row["rights"] & STOP for row in rows.values()))


def grant_of(row: Row) -> Grant:
    """Build the contract's grant from a row."""
    return Grant(
        grant_id=row["grant_id"],
        node_id=NodeId(row["node_id"]),
        grantee=_grantee(row),
        role=Role(row["role"]),
        revision=row["revision"],
        granted_by=UserId(row["granted_by"]),
        granted_at=row["granted_at"],
    )


def _grantee(row: Row) -> Grantee:
    return Grantee(GranteeKind(row["grantee_kind"]), row["grantee_id"])


def saying_of(row: Row) -> Saying:
    """Read what a row says."""
    return said(row["role"], row["rights"])


def _shared(row: Row) -> SharedNode:
    role = role_of(Right(row["rights"] & ~STOP))
    if role is None:
        raise AssertionError("a row with a role has its rights")
    return SharedNode(NodeId(row["node_id"]), role, UserId(row["granted_by"]))


def _there(row: Row | None) -> Row:
    if row is None:
        raise AssertionError("an upsert returns its row")
    return row
