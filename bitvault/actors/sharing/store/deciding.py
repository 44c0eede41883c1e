"""Whether the caller may share a node, for as long as a transaction lasts."""

from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import grantees_of
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller

SQL = load_queries("bitvault.actors.sharing.store", "deciding.sql")


class Overtaken(Exception):  # noqa: N818 - not an error: who asked is told what holds now
    """The caller lost the right to share between the look and the write."""


async def hold_right(tx: Transaction, caller: Caller, node_id: NodeId) -> None:
    """Keep the caller's right to share a live node until the end.

    Raises:
        Overtaken: there is none.
    """
    await tx.fetch(SQL["hold_tree"], tenant=caller.tenant_id)
    way = await tx.fetchrow(SQL["way_up"], tenant=caller.tenant_id, node_id=node_id)
    if way is None or way["space_id"] is None or way["is_trashed"]:
        raise Overtaken
    if not (await _has_space(tx, caller, way) or await _was_given(tx, caller, way)):
        raise Overtaken


async def _has_space(tx: Transaction, caller: Caller, way: Row) -> bool:
    at = {
        "tenant": caller.tenant_id,
        "space_id": way["space_id"],
        "user_id": caller.principal.user_id,
    }
    return bool(
        await tx.fetchrow(SQL["hold_owner"], **at) or await tx.fetchrow(SQL["hold_manager"], **at)
    )


async def _was_given(tx: Transaction, caller: Caller, way: Row) -> bool:
    grantees = grantees_of(caller.principal)
    held = await tx.fetch(
        SQL["hold_grants"], tenant=caller.tenant_id, ids=way["ids"], grantees=grantees
    )
    return bool(held)
