"""What every part of the room works with: the rooms below, and its stamp."""

from typing import TypeVar

from attrs import define

from bitvault.actors.files.contract import Access, DescribeAccess
from bitvault.actors.room import Room
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.access import Right
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import Ids, NodeId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refusal, Refused, Unavailable
from bitvault.kernel.request import Request
from bitvault.outbox import Outbox
from supervisors import ActorDied, AskTimeout, MailboxFull, Ref

R = TypeVar("R")


@define(eq=False)
class Desk(Room):
    """The room's tools; the messages are handled in the classes built on it."""

    database: Database
    outbox: Outbox
    files: Ref
    identity: Ref
    clock: Clock
    ids: Ids
    passwords: Passwords
    limits: Limits

    async def _access(self, caller: Caller, node_id: NodeId) -> Access:
        answer = await self._ask(self.files, DescribeAccess(caller, node_id), "files")
        if isinstance(answer, Refusal):
            raise Refused(answer)
        return answer

    async def _sharable(self, caller: Caller, node_id: NodeId) -> Access:
        access = await self._access(caller, node_id)
        if Right.SHARE not in access.rights:
            raise Refused(Forbidden("say who may do what"))
        return access

    async def _ask(self, room: Ref, request: Request[R], name: str) -> R | Unavailable:
        try:
            return await room.ask(request)
        except (ActorDied, AskTimeout, MailboxFull):
            return Unavailable(name)

    def _spot(self, caller: Caller, node_id: NodeId) -> Spot:
        return Spot(caller.tenant_id, node_id, caller.principal.user_id, self.clock.now())

    async def _tell(self, tx: Transaction, caller: Caller, event: Event) -> None:
        await self.outbox.append(tx, caller.tenant_id, [event], caller)
