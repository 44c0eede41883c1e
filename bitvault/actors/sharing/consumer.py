"""Forgets what was said on nodes, and to users and groups, that are gone for good."""

from collections.abc import Collection
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

    async def apply(self, tx: Transaction, event: Recorded) -> None:
        """Drop the grants on a purged node or a deleted space's root, and the links to it.

        What a deleted user or group was given goes as well, if it is much the room goes on.

        What a guest put in is counted for the file request they came with.
        """
        if event.kind == "node.committed":
            await tx.execute(
                LINKS["count_received"],
                tenant=event.tenant_id,
                link_id=event.user_id,
                size=event.payload["size"],
            )
            return
        if event.kind in ("user.deleted", "group.deleted"):
            await _forget_grantee(tx, event)
            return
        if event.kind == "node.purged":
            if event.payload.get("holds_trash"):
                return  # it still says who may see what is below; the room forgets it later
            node_id = event.aggregate_id
        elif event.kind == "space.deleted":
            node_id = UUID(event.payload["root_id"])
        else:
            return
        await store.forget(tx, event.tenant_id, node_id)
        await tx.execute(LINKS["forget_links"], tenant=event.tenant_id, node_id=node_id)


async def _forget_grantee(tx: Transaction, event: Recorded) -> None:
    which = {"tenant": event.tenant_id, "grantee_id": event.aggregate_id}
    await tx.execute(store.SQL["note_departed"], **which, gone_at=event.recorded_at)
    await store.forget_grantee(tx, event.tenant_id, event.aggregate_id)
