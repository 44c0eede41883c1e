"""What every part of the room works with: the rooms below, and its stamp."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from attrs import define, field

from bitvault.actors.files.contract import Access, DescribeAccess, NodeNotFound, TraceNode, Way
from bitvault.actors.identity.contract import DescribeStandings, Standing
from bitvault.actors.room import Room, ask_below
from bitvault.actors.sharing.contract import LinkTerms
from bitvault.actors.sharing.rules import links as rules
from bitvault.actors.sharing.rules.grants import check_place
from bitvault.actors.sharing.store.deciding import Overtaken, hold_right
from bitvault.actors.sharing.store.spot import Spot
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.access import Right, rights_of
from bitvault.kernel.clock import Clock
from bitvault.kernel.events import Event
from bitvault.kernel.ids import Ids, NodeId, TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Invalid, Refusal, Refused, Unavailable
from bitvault.outbox import Outbox
from supervisors import Ref

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]

_TRIES = 8


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
    swept: dict[str, tuple[UUID, UUID]] = field(factory=dict, init=False)
    """How far each walk through the rows came; a room that restarts begins again."""

    async def _access(self, caller: Caller, node_id: NodeId) -> Access:
        answer = await ask_below(self.files, DescribeAccess(caller, node_id), "files")
        if isinstance(answer, Refusal):
            raise Refused(answer)
        return answer

    async def _sharable(self, caller: Caller, node_id: NodeId) -> Access:
        access = await self._access(caller, node_id)
        # What a confined token gave to others would outlast it.
        if Right.SHARE not in access.rights or caller.principal.confined_to:
            raise Refused(Forbidden("say who may do what"))
        return access

    async def _may_share(self, caller: Caller, node_id: NodeId) -> bool:
        try:
            access = await self._access(caller, node_id)
        except Refused as refused:
            if isinstance(refused.refusal, NodeNotFound):
                return False
            raise
        return Right.SHARE in access.rights

    def _linkable(
        self, caller: Caller, access: Access, terms: LinkTerms, *, has_password: bool
    ) -> LinkTerms:
        """Return a new link's terms with the end that the policy gives it, or refuse the link."""
        now, policy = self.clock.now(), caller.principal.policy
        terms = rules.with_default_end(rules.checked_terms(terms, now), policy, now)
        if access.is_root:
            raise Refused(Invalid("id", "the root of a space has members; link a folder in it"))
        check_place(terms.role, is_folder=access.is_folder)
        self._judge(caller, terms, has_password=has_password)
        if rights_of(terms.role) & ~access.rights:
            raise Refused(Forbidden("give more than you have"))
        return terms

    def _judge(self, caller: Caller, terms: LinkTerms, *, has_password: bool) -> None:
        now, policy = self.clock.now(), caller.principal.policy
        refusal = rules.judge(terms, policy, has_password=has_password, since=now, now=now)
        if refusal is not None:
            raise Refused(refusal)

    async def _sharing(
        self,
        caller: Caller,
        node_id: NodeId,
        work: Work[T],
        look: Callable[[], Awaitable[object]] | None = None,
    ) -> T:
        """Run ``work`` in a transaction to whose end the caller may share the node.

        Who lost that right since it was looked at is answered by looking again, with ``look``.
        """

        async def deciding(tx: Transaction) -> T:
            await hold_right(tx, caller, node_id)
            return await work(tx)

        for _ in range(_TRIES):
            try:
                return await self.database.transact(caller.tenant_id, deciding)
            except Overtaken:
                await (look() if look else self._sharable(caller, node_id))
        raise Refused(Unavailable("sharing"))

    async def _way(self, caller: Caller, node_id: NodeId, after: UUID, limit: int) -> Way:
        """Return the way to a node that the caller may share, with a page of members."""
        way = await ask_below(self.files, TraceNode(caller, node_id, after, limit), "files")
        if isinstance(way, Refusal):
            raise Refused(way)
        return way

    async def _standings(
        self, tenant_id: TenantId, user_ids: Iterable[UserId]
    ) -> Mapping[UserId, Standing]:
        """Return how things stand with users, by id."""
        users = tuple(dict.fromkeys(user_ids))
        about = DescribeStandings(tenant_id, users)
        found = await ask_below(self.identity, about, "identity") if users else ()
        if isinstance(found, Refusal):
            raise Refused(found)
        return dict(zip(users, found, strict=True))

    def _spot(self, caller: Caller, node_id: NodeId) -> Spot:
        return Spot(caller.tenant_id, node_id, caller.principal.user_id, self.clock.now())

    async def _tell(self, tx: Transaction, caller: Caller, event: Event) -> None:
        await self.outbox.append(tx, caller.tenant_id, [event], caller)
