"""What is restricted below a folder that somebody is about to put in the trash (ADR-0032)."""

from collections.abc import Sequence
from uuid import UUID

from bitvault.actors.files.contract import TreeRuleBroken
from bitvault.actors.files.store.locate import walk_up
from bitvault.actors.files.store.places import Place, rights_at
from bitvault.drivers.postgres.port import Transaction, load_queries
from bitvault.kernel.access import Right
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refused

SQL = load_queries("bitvault.actors.files.store", "holding.sql")
_FEW = 1000
"""Restricted folders of a tenant: up to so many are looked at one by one, wherever they are; where
there are more, the folders below are walked through."""
HIDDEN = Forbidden("trash a folder that holds something restricted which is not yours to change")


def may_hide(place: Place) -> bool:
    """Say whether something may be below that the caller does not see.

    Whoever may share a folder is not held by a restriction below it.
    """
    return place.node["kind"] == "folder" and Right.SHARE not in place.rights[-1]


async def check_holds_nothing_hidden(tx: Transaction, caller: Caller, place: Place) -> None:
    """Refuse to trash a folder with a restricted one in it that the caller may not change.

    What is in the trash by itself stays there, whatever becomes of the folder.

    Raises:
        Refused: ``Forbidden``; it names nothing.
    """
    rows = await tx.fetch(SQL["restricted"], tenant=caller.tenant_id, limit=_FEW + 1)
    if len(rows) > _FEW:
        at = {"tenant": caller.tenant_id, "node_id": place.node_id}
        rows = await tx.fetch(SQL["restricted_below"], **at)
    chains = await walk_up(tx, caller, [row["node_id"] for row in rows]) if rows else []
    for chain in chains:
        is_below = place.node_id in chain["ids"][:-1] and not chain["trashed"]
        if is_below and Right.CHANGE not in rights_at(chain, place.space, caller)[-1]:
            raise Refused(HIDDEN)


async def check_opens_nothing(tx: Transaction, tenant: UUID, above: Sequence[UUID]) -> None:
    """Refuse to make the folders anew that something was in, where one of them is restricted.

    The new ones would not be, and nobody has said so.

    Raises:
        Refused: ``TreeRuleBroken``.
    """
    if await tx.fetchrow(SQL["restricted_among"], tenant=tenant, node_ids=list(above)):
        rule = "must be said: the folder it was in was restricted, and is not there"
        raise Refused(TreeRuleBroken("parentId", rule))
