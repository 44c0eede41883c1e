"""All that is said on nodes: grants, restrictions, and the links that lead somewhere."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from attrs import define

from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.contract import GranteeKind
from bitvault.actors.sharing.rules.grants import Said
from bitvault.actors.sharing.store import grants, links
from bitvault.drivers.postgres.port import Database, Row, Transaction
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller


@define(eq=False)
class AccessEntries:
    """Reads them, for who explains what holds or looks at what would."""

    database: Database
    clock: Clock
    access: NodeAccess

    async def on_nodes(
        self, caller: Caller, node_ids: Sequence[NodeId]
    ) -> tuple[dict[UUID, list[Said]], dict[UUID, tuple[UUID, ...]]]:
        """Return all that is said on some nodes, and who answers for the links among these."""

        async def work(tx: Transaction) -> tuple[dict[UUID, list[Said]], dict[UUID, Row]]:
            said = await grants.said_on(tx, caller.tenant_id, node_ids)
            given = [one.grantee for found in said.values() for one in found]
            ids = [one.grantee_id for one in given if one.kind is GranteeKind.LINK]
            return said, await links.links_among(tx, caller.tenant_id, ids) if ids else {}

        said, rows = await self.database.read(caller.tenant_id, work)
        return said, await self._sponsors(caller, rows)

    async def _sponsors(
        self, caller: Caller, rows: Mapping[UUID, Row]
    ) -> dict[UUID, tuple[UUID, ...]]:
        """Return, of links that are good, the ids that who answers for them goes by."""
        policy, now = caller.principal.policy, self.clock.now()
        found = {
            link_id: links.sponsor_of(row)
            for link_id, row in rows.items()
            if links.leads_anywhere(row, policy, now)
        }
        standings = await self.access.standings(caller.tenant_id, found.values())
        by_id = {one: (one, *how.groups) for one, how in standings.items() if how.is_active}
        return {link_id: by_id[user_id] for link_id, user_id in found.items() if user_id in by_id}
