"""What the services below say: who may do what to a node, and who somebody is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Never
from uuid import UUID

from attrs import define

from bitvault.actors.files.contract import Access, DescribeAccess, NodeNotFound, TraceNode, Way
from bitvault.actors.identity.contract import DescribeStandings, FindGroups, FindUsers, Standing
from bitvault.actors.room import ask_below
from bitvault.actors.sharing.contract import Grantee, GranteeKind, GranteeNotFound
from bitvault.kernel.access import EVERYONE, Right
from bitvault.kernel.ids import NodeId, TenantId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refusal, Refused
from bitvault.kernel.request import Request
from supervisors import Ref


@define(eq=False)
class NodeAccess:
    """Asks files about nodes and identity about people; writes nothing."""

    files: Ref
    identity: Ref

    async def access(self, caller: Caller, node_id: NodeId) -> Access:
        """Return what the caller may do to a node."""
        answer = await ask_below(self.files, DescribeAccess(caller, node_id), "files")
        if isinstance(answer, Refusal):
            raise Refused(answer)
        return answer

    async def sharable(self, caller: Caller, node_id: NodeId) -> Access:
        """Return what the caller may do to a node, if sharing it is among that."""
        access = await self.access(caller, node_id)
        # What a confined token gave to others would outlast it.
        if Right.SHARE not in access.rights or caller.principal.confined_to:
            raise Refused(Forbidden("say who may do what"))
        return access

    async def may_share(self, caller: Caller, node_id: NodeId) -> bool:
        """Say whether the caller may share a node; one that they cannot find they may not."""
        try:
            access = await self.access(caller, node_id)
        except Refused as refused:
            if isinstance(refused.refusal, NodeNotFound):
                return False
            raise
        return Right.SHARE in access.rights

    async def way(self, caller: Caller, node_id: NodeId, after: UUID, limit: int) -> Way:
        """Return the way to a node that the caller may share, with a page of members."""
        way = await ask_below(self.files, TraceNode(caller, node_id, after, limit), "files")
        if isinstance(way, Refusal):
            raise Refused(way)
        return way

    async def standings(
        self, tenant_id: TenantId, user_ids: Iterable[UserId]
    ) -> Mapping[UserId, Standing]:
        """Return how things stand with users, by id."""
        users = tuple(dict.fromkeys(user_ids))
        about = DescribeStandings(tenant_id, users)
        found = await ask_below(self.identity, about, "identity") if users else ()
        if isinstance(found, Refusal):
            raise Refused(found)
        return dict(zip(users, found, strict=True))

    async def grantee(self, caller: Caller, grantee_id: UUID) -> Grantee:
        """Return whom an id stands for: everyone, a user or a group."""
        if grantee_id == EVERYONE:
            return Grantee(GranteeKind.EVERYONE, grantee_id)
        kinds: dict[GranteeKind, Request[Sequence[object], Never]] = {
            GranteeKind.USER: FindUsers(caller, (grantee_id,)),
            GranteeKind.GROUP: FindGroups(caller, (grantee_id,)),
        }
        for kind, request in kinds.items():
            found = await ask_below(self.identity, request, "identity")
            if isinstance(found, Refusal):
                raise Refused(found)
            if found:
                return Grantee(kind, grantee_id)
        raise Refused(GranteeNotFound())
