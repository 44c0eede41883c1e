"""Mistakes in who may do what: what was taken back holds on, or what was given is not there."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.store import credentials
from bitvault.actors.sharing.actor import grants as room
from bitvault.actors.sharing.actor import transactions
from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.rules import grants as rules
from bitvault.actors.sharing.store import grants, links
from bitvault.kernel import access
from bitvault.kernel.access import Right, grantees_of
from bitvault.kernel.principal import Principal
from tests.simulation.draws import commons, quarrel
from tests.simulation.making import Mutant, replaced, rewritten


def _revoke_unwritten(stack: ExitStack) -> None:
    old, new = "WHERE tenant_id", "WHERE false AND tenant_id"
    stack.enter_context(rewritten(grants.SQL, "drop_grant", old, new))


def _passes(rights: Right) -> Right:
    return rights


def _restriction_ignored(stack: ExitStack) -> None:
    stack.enter_context(replaced(access, "past_restriction", _passes))


def _restriction_unexplained(stack: ExitStack) -> None:
    stack.enter_context(replaced(rules, "past_restriction", _passes))


def _principal_kept(stack: ExitStack) -> None:
    def forget(_: Principals, _tenant: UUID, _user: UUID) -> None: ...

    stack.enter_context(replaced(Principals, "forget", forget))


def _link_revived_without_row(stack: ExitStack) -> None:
    right = links.update_link

    async def update(tx: Any, spot: Any, link_id: UUID, *rest: Any, **named: Any) -> Any:
        row = await right(tx, spot, link_id, *rest, **named)
        await links.ungrant(tx, spot, link_id)
        return row

    stack.enter_context(replaced(links, "update_link", update))


def _revoked_link_opens(stack: ExitStack) -> None:
    stack.enter_context(replaced(links, "leads_anywhere", lambda *_: True))


def _groups_not_listed(stack: ExitStack) -> None:
    def own(principal: Principal) -> list[UUID]:
        return grantees_of(principal)[:1]

    stack.enter_context(replaced(room, "grantees_of", own))


def _anybody_shares(stack: ExitStack) -> None:
    async def sharable(self: NodeAccess, caller: Any, node_id: Any) -> Any:
        return await self.access(caller, node_id)

    async def unheld(*_: Any) -> None: ...

    stack.enter_context(replaced(NodeAccess, "sharable", sharable))
    stack.enter_context(replaced(transactions, "hold_right", unheld))


def _right_not_held(stack: ExitStack) -> None:
    async def unheld(*_: Any) -> None: ...

    stack.enter_context(replaced(transactions, "hold_right", unheld))


def _sessions_kept(stack: ExitStack) -> None:
    async def none(*_: Any) -> None: ...

    stack.enter_context(replaced(credentials, "delete_credentials", none))


ACCESS: Sequence[Mutant] = (
    Mutant("revoke not written", "A1", _revoke_unwritten, draw=commons),
    Mutant("restriction ignored", "A1", _restriction_ignored, draw=commons),
    Mutant("restriction not explained", "A2", _restriction_unexplained, draw=commons, first=10),
    Mutant(
        "principal kept after a change of groups", "A1", _principal_kept, draw=commons, first=70
    ),
    Mutant("sessions of the disabled kept", "A1", _sessions_kept, draw=commons, first=13),
    Mutant("link revived without its row", "A1", _link_revived_without_row, draw=commons),
    Mutant("revoked link opens", "A1", _revoked_link_opens, draw=commons),
    Mutant("groups left out of what is shared", "A3", _groups_not_listed, draw=commons),
    Mutant("anybody who sees may share", "A5", _anybody_shares, draw=commons),
    Mutant("right not held", "A5", _right_not_held, draw=quarrel, first=24),
)
