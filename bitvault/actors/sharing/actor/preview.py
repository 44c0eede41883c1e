"""Says what a change would expose, and changes nothing."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from attrs import define, evolve, frozen

from bitvault.actors.files.contract import (
    GetNode,
    KindMismatch,
    MeasureTree,
    Target,
    TreeRuleBroken,
)
from bitvault.actors.room import ask_below
from bitvault.actors.sharing.actor.access import NodeAccess
from bitvault.actors.sharing.actor.entries import AccessEntries
from bitvault.actors.sharing.contract import Grantee, GranteeKind, Holder, LinkTerms
from bitvault.actors.sharing.contract.preview import (
    Granting,
    Linking,
    Moving,
    Preview,
    PreviewAccess,
    Restricting,
    Shift,
)
from bitvault.actors.sharing.rules import preview as rules
from bitvault.actors.sharing.rules.grants import (
    AtRoot,
    check_place,
    check_role,
    holders,
    managers_at_root,
    roles_at_root,
    unanswered,
    without,
)
from bitvault.actors.sharing.rules.links import new_terms
from bitvault.kernel.access import EVERYONE, Role
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import NodeId, UserId
from bitvault.kernel.paging import FIRST_ID, MAX_LIMIT
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Invalid, Refusal, Refused
from supervisors import Ref, handles

_MOST_SHIFTS: Final = 100
_MOST_MEMBERS: Final = 10_000
_NEW_LINK: Final = Grantee(GranteeKind.LINK, EVERYONE)
Sponsors = Mapping[UUID, Collection[UUID]]


@frozen
class _Standing:
    """Where a node stands: the way to it, and who has roles in its space."""

    steps: Sequence[tuple[NodeId, str | None]]
    at_root: AtRoot
    managers: Collection[UserId]
    """All of them."""
    last: UUID | None
    """The last member that is known, if there are more."""

    def knows(self, grantee: Grantee) -> bool:
        """Say whether all is known that somebody may do."""
        who = grantee.grantee_id
        is_known = self.last is None or who <= self.last or who in self.managers
        return is_known or grantee.kind is not GranteeKind.USER

    def holders(self, said: rules.SaidOn, sponsors: Sponsors) -> tuple[Holder, ...]:
        """Return who has access there, by what is said, and by who answers for links."""
        lost = unanswered(self.steps, self.managers, said, sponsors)
        return holders(self.steps, self.at_root, without(said, lost))


@define(eq=False)
class Previews:
    """They are decided as explanations are, on what would be said."""

    files: Ref
    clock: Clock
    access: NodeAccess
    entries: AccessEntries

    @handles(PreviewAccess)
    async def preview(self, message: PreviewAccess) -> Preview:
        """Say who would gain or lose access to a node."""
        caller, node_id, change = message.caller, message.node_id, message.change
        here = await self._standing(caller, node_id)
        there = await self._moved(caller, here, change) if isinstance(change, Moving) else here
        ids = list(dict.fromkeys(one for one, _ in (*here.steps, *there.steps)))
        said, answering = await self.entries.on_nodes(caller, ids)
        # Whoever makes a link answers for it.
        sponsors = {
            **answering,
            _NEW_LINK.grantee_id: (caller.principal.user_id, *caller.principal.groups),
        }
        then = await self._changed(message, said)
        found = rules.shifts(here.holders(said, sponsors), there.holders(then, sponsors))
        shifts = [one for one in found if here.knows(one.grantee) and there.knows(one.grantee)]
        told = await self._told(message, shifts)
        return evolve(told, is_partial=here.last is not None or there.last is not None)

    async def _standing(self, caller: Caller, node_id: NodeId) -> _Standing:
        """Return where a node stands, with as many members as are looked at, and all managers."""
        way = await self.access.way(caller, node_id, FIRST_ID, MAX_LIMIT)
        members, page = list(way.members), way
        while page.is_more and len(members) < _MOST_MEMBERS:
            page = await self.access.way(caller, node_id, members[-1][0], MAX_LIMIT)
            members += page.members
        last = members[-1][0] if page.is_more else None
        beyond = [one for one in way.managers if last is not None and one > last]
        at_root = roles_at_root(way.owner_id, [*members, *((o, Role.MANAGER) for o in beyond)])
        managers = frozenset(managers_at_root(way.owner_id, way.managers))
        steps = [(step.node_id, step.path) for step in way.steps]
        return _Standing(steps, at_root, managers, last)

    async def _moved(self, caller: Caller, here: _Standing, change: Moving) -> _Standing:
        """Return where a node would stand in another folder, which the caller may share too."""
        moved = here.steps[-1][0]
        if len(here.steps) == 1:
            raise Refused(TreeRuleBroken("id", "the root of a space stays where it is"))
        parent_id = await self._id(caller, change)
        access = await self.access.sharable(caller, parent_id)
        if not access.is_folder:
            raise Refused(KindMismatch(change.parent_path or str(parent_id), "folder"))
        parent = await self._standing(caller, parent_id)
        if moved in [node_id for node_id, _ in parent.steps]:
            raise Refused(TreeRuleBroken("parentId", "must not be inside the node itself"))
        return evolve(parent, steps=[*parent.steps, (moved, None)])

    async def _id(self, caller: Caller, change: Moving) -> NodeId:
        if change.parent_id:
            return change.parent_id
        target = Target(path=change.parent_path)
        found = await ask_below(self.files, GetNode(caller, target), "files")
        if isinstance(found, Refusal):
            raise Refused(found)
        return found.node_id

    async def _changed(self, message: PreviewAccess, said: rules.SaidOn) -> rules.SaidOn:
        """Return what would be said; refuse what would be refused."""
        caller, node_id, change = message.caller, message.node_id, message.change
        if isinstance(change, Moving):
            return said
        access = await self.access.sharable(caller, node_id)
        if isinstance(change, Linking):
            # Its password and its end are not asked about: it can be given some that are good.
            terms, policy = LinkTerms(change.role), caller.principal.policy
            new_terms(terms, access, policy, self.clock.now(), has_password=True)
            return rules.with_role(said, node_id, _NEW_LINK, change.role)
        if access.is_root:
            raise Refused(Invalid("id", "the root of a space has members; share a folder in it"))
        match change:
            case Granting(grantee_id, role):
                grantee = await self.access.grantee(caller, grantee_id)
                if role:
                    check_role(grantee, role)
                    check_place(role, is_folder=access.is_folder)
                return rules.with_role(said, node_id, grantee, role)
            case Restricting(is_restricted):
                if not access.is_folder:
                    rule = "only a folder below a space's root can be restricted"
                    raise Refused(Invalid("id", rule))
                return rules.with_restriction(said, node_id, is_stop=is_restricted)

    async def _told(self, message: PreviewAccess, shifts: Sequence[Shift]) -> Preview:
        extent = await ask_below(self.files, MeasureTree(message.caller, message.node_id), "files")
        if isinstance(extent, Refusal):
            raise Refused(extent)
        return Preview(
            shifts=tuple(shifts[:_MOST_SHIFTS]),
            gains=sum(bool(one.gains) for one in shifts),
            losses=sum(bool(one.losses) for one in shifts),
            nodes=extent.nodes,
            size=extent.size,
            is_more=extent.is_more,
        )
