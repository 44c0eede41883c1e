"""Tenants' terms: one function per query."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import field, frozen
from msgspec import json

from bitvault.actors.identity.contract import Policy
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.ids import TenantId
from bitvault.kernel.policy import SharingPolicy

QUERIES = load_queries("bitvault.actors.identity.store", "policies.sql")


@frozen
class Terms:
    """Both sides of a tenant's terms, with the revision of each; 0: as it came."""

    own: Policy = field(factory=Policy)
    bound: Policy = field(factory=Policy)
    revisions: Mapping[str, int] = field(factory=dict)


async def terms(tx: Transaction, tenant_id: TenantId) -> Terms:
    """Return a tenant's terms."""
    row = await tx.fetchrow(QUERIES["policies"], tenant_id=tenant_id)
    return terms_of(row["policies"] if row else None)


def terms_of(found: str | None) -> Terms:
    """Build them from a list of rows as JSON; None: nobody has set any."""
    rows = {row["side"]: row for row in json.decode(found)} if found else {}
    sides = {side: _policy(row) for side, row in rows.items()}
    return Terms(**sides, revisions={side: row["revision"] for side, row in rows.items()})


async def put_policy(
    tx: Transaction, tenant_id: TenantId, side: str, policy: Policy, revision: int
) -> None:
    """Write one side of a tenant's terms."""
    await tx.execute(
        QUERIES["put_policy"], tenant_id=tenant_id, side=side, revision=revision, **columns(policy)
    )


def columns(policy: Policy) -> dict[str, Any]:
    """Return terms as plain values, times in seconds."""
    sharing = policy.sharing
    return {
        "links_allowed": sharing.links_allowed,
        "password_required": sharing.password_required,
        "longest_life": _seconds(sharing.longest_life),
        "default_life": _seconds(sharing.default_life),
        "min_password": policy.min_password,
        "longest_session": _seconds(policy.longest_session),
    }


def _seconds(life: timedelta | None) -> int | None:
    return None if life is None else int(life.total_seconds())


def _policy(row: Mapping[str, Any]) -> Policy:
    sharing = SharingPolicy(
        row["links_allowed"],
        row["password_required"],
        _life(row["longest_life"]),
        _life(row["default_life"]),
    )
    return Policy(sharing, row["min_password"], _life(row["longest_session"]))


def _life(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
