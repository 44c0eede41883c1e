"""Forgets what was said on nodes, and to users and groups, that are gone for good."""

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import NodeCommitted, NodePurged, SpaceDeleted
from bitvault.actors.identity.contract import GroupDeleted, UserDeleted
from bitvault.actors.sharing.store import grants as store
from bitvault.actors.sharing.store.links import SQL as LINKS
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.events import Event, Recorded


@frozen
class GrantSweeper:
    """Of what lies below a purged folder the rows are left to the room, which goes through them."""

    name: str = "sharing"
    events: Collection[type[Event]] = (
        NodeCommitted,
        NodePurged,
        SpaceDeleted,
        UserDeleted,
        GroupDeleted,
    )

    async def apply_many(self, tx: Transaction, events: Sequence[Recorded]) -> None:
        """Take the effects of one after the other; what came in is counted for all at once."""
        await _count(tx, events)
        for told in events:
            await _apply(tx, told)


async def _count(tx: Transaction, events: Sequence[Recorded]) -> None:
    """Count what guests put in for the file requests that they came with."""
    files, size = Counter[UUID](), Counter[UUID]()
    for told in events:
        if isinstance(told.event, NodeCommitted) and told.user_id:
            files[told.user_id] += 1
            size[told.user_id] += told.event.size
    if files:
        ids = list(files)
        await tx.execute(
            LINKS["count_received"],
            tenant=events[0].tenant_id,
            link_ids=ids,
            files=[files[one] for one in ids],
            bytes=[size[one] for one in ids],
        )


async def _apply(tx: Transaction, told: Recorded) -> None:
    """Drop the grants on a purged node or a deleted space's root, and the links to it.

    What a deleted user or group was given goes as well, if it is much the service goes on.
    """
    match told.event:
        case UserDeleted(aggregate_id=gone_id) | GroupDeleted(aggregate_id=gone_id):
            await _forget_grantee(tx, told, gone_id)
        case NodePurged(holds_trash=True):
            pass  # it still says who may see what is below; the service forgets it later
        case NodePurged(aggregate_id=node_id) | SpaceDeleted(root_id=node_id):
            await store.forget(tx, told.tenant_id, node_id)
            await tx.execute(LINKS["forget_links"], tenant=told.tenant_id, node_id=node_id)


async def _forget_grantee(tx: Transaction, told: Recorded, grantee_id: UUID) -> None:
    which = {"tenant": told.tenant_id, "grantee_id": grantee_id}
    await tx.execute(store.SQL["note_departed"], **which, gone_at=told.recorded_at)
    await store.forget_grantee(tx, told.tenant_id, grantee_id)
