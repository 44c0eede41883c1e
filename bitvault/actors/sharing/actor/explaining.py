"""What holds on a node: what the caller may do there, and who else has access by what."""

from attrs import define

from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.actor.entries import AccessEntries
from bitvault.actors.sharing.contract import Allowed, CheckAccess, ExplainAccess, Holder
from bitvault.actors.sharing.rules import paging
from bitvault.actors.sharing.rules.grants import (
    holders,
    managers_at_root,
    roles_at_root,
    unanswered,
    without,
)
from bitvault.kernel.paging import Page, page_size
from bitvault.kernel.refusal import Forbidden, Refused
from supervisors import handles


@define(eq=False)
class Explanations:
    """What grants come to on a node, files says where it finds the node."""

    access: NodeAccess
    entries: AccessEntries

    @handles(CheckAccess)
    async def check_access(self, message: CheckAccess) -> Allowed:
        """Say what the caller may do to a node, or refuse."""
        access = await self.access.access(message.caller, message.node_id)
        if message.needed not in access.rights:
            raise Refused(Forbidden("do this"))
        return Allowed(access.rights)

    @handles(ExplainAccess)
    async def explain(self, message: ExplainAccess) -> Page[Holder]:
        """Say who has access to a node, and by what."""
        caller, limit = message.caller, page_size(message.limit)
        name = ["access", str(message.node_id)]
        after = paging.after_holder(message.cursor, name)
        way = await self.access.way(caller, message.node_id, paging.first_user(after), limit)
        steps = [(step.node_id, step.path) for step in way.steps]
        said, sponsors = await self.entries.on_nodes(caller, [node_id for node_id, _ in steps])
        lost = unanswered(steps, managers_at_root(way.owner_id, way.managers), said, sponsors)
        at_root = roles_at_root(way.owner_id, way.members)
        found = holders(steps, at_root, without(said, lost))
        last = way.members[-1][0] if way.is_more else None
        return paging.page_of_holders(found, after, last, limit, name)
