"""What may be granted, and what is left of a row when a part of it is taken away."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.sharing.contract import Grantee, GranteeKind, Holder, Reason, Source
from bitvault.kernel.access import NONE, STOP, Right, Role, past_restriction, rights_of, role_of
from bitvault.kernel.ids import NodeId, UserId
from bitvault.kernel.refusal import Invalid, Refused

MOST_GRANTS = 1000
"""On one node; more are a group's business."""


@frozen
class Saying:
    """What one row says: a role, or a restriction, or both (of everyone)."""

    role: Role | None
    is_stop: bool

    @property
    def rights(self) -> int:
        """Return it in bits."""
        return int(rights_of(self.role)) | (STOP if self.is_stop else 0)

    @property
    def is_nothing(self) -> bool:
        """Say whether the row can go."""
        return self.role is None and not self.is_stop


def said(role: str | None, rights: int) -> Saying:
    """Read a row's columns."""
    return Saying(Role(role) if role else None, bool(rights & STOP))


def check_role(grantee: Grantee, role: Role) -> None:
    """Refuse what nobody can mean: that everyone in the tenant decides who may do what."""
    if grantee.kind is GranteeKind.EVERYONE and Right.SHARE in rights_of(role):
        raise Refused(Invalid("role", "everyone in the tenant may be uploader, viewer or editor"))


def check_place(role: Role, *, is_folder: bool) -> None:
    """Refuse uploaders of a file: nothing can be put into it."""
    if not is_folder and Right.READ not in rights_of(role):
        raise Refused(Invalid("role", "only a folder can have uploaders"))


@define
class _Held:
    """What somebody has on the way down."""

    rights: Right = NONE
    reasons: list[Reason] = field(factory=list)

    def stop(self) -> None:
        """Pass a restricted folder."""
        self.rights = past_restriction(self.rights)
        if not self.rights:
            self.reasons = []

    def add(self, reason: Reason) -> None:
        """Take what comes on top."""
        self.rights |= rights_of(reason.role)
        self.reasons.append(reason)


@frozen
class Said:
    """A grant, or a restriction (then the role is None), on one node of a way."""

    grantee: Grantee
    saying: Saying


def unanswered(
    steps: Sequence[tuple[NodeId, str | None]],
    managers: Collection[UserId],
    said_on: Mapping[UUID, Sequence[Said]],
    sponsors: Mapping[UUID, Collection[UUID]],
) -> set[UUID]:
    """Return the links on a way that lead nowhere: who answers for them may not share there.

    ``managers`` are all who may share the whole space. ``sponsors`` has the ids that a link's
    sponsor goes by; a link that is not in it has none.
    """
    sharers: set[UUID] = set(managers)
    lost = set()
    for node_id, _ in steps:
        found = said_on.get(node_id, ())
        who = {one.grantee.grantee_id: rights_of(one.saying.role) for one in found}
        sharers |= {one for one, rights in who.items() if Right.SHARE in rights}
        links = {o.grantee.grantee_id for o in found if o.grantee.kind is GranteeKind.LINK}
        lost |= {link for link in links if sharers.isdisjoint(sponsors.get(link, ()))}
    return lost


def without(
    said_on: Mapping[UUID, Sequence[Said]], lost: Collection[UUID]
) -> dict[UUID, list[Said]]:
    """Leave out what is said to some."""
    return {
        node_id: [one for one in found if one.grantee.grantee_id not in lost]
        for node_id, found in said_on.items()
    }


AtRoot = Sequence[tuple[UserId, Source, Role]]
"""Who has which role in a space itself."""


def roles_at_root(owner_id: UserId | None, members: Sequence[tuple[UserId, Role]]) -> AtRoot:
    """Return who has roles in a personal space, which has an owner only, or in a team's."""
    if owner_id:
        return [(owner_id, Source.OWNER, Role.MANAGER)]
    return [(user_id, Source.MEMBER, role) for user_id, role in members]


def managers_at_root(owner_id: UserId | None, managers: Collection[UserId]) -> Collection[UserId]:
    """Return who may share a whole space, personal or a team's."""
    return (owner_id,) if owner_id else managers


def holders(
    steps: Sequence[tuple[NodeId, str | None]],
    at_root: AtRoot,
    said_on: Mapping[UUID, Sequence[Said]],
) -> tuple[Holder, ...]:
    """Return who has access at the end of a way, as ``rights_along`` decides it for each."""
    held: dict[Grantee, _Held] = defaultdict(_Held)
    for user_id, source, given in at_root:
        held[Grantee(GranteeKind.USER, user_id)].add(_reason(source, given, *steps[0]))
    for node_id, path in steps:
        found = said_on.get(node_id, ())
        if any(one.saying.is_stop for one in found):
            for passing in held.values():
                passing.stop()
        for one in found:
            if one.saying.role:
                held[one.grantee].add(_reason(Source.GRANT, one.saying.role, node_id, path))
    return tuple(
        Holder(grantee, role, one.rights, tuple(one.reasons))
        for grantee, one in held.items()
        if (role := role_of(one.rights))
    )


def _reason(source: Source, role: Role, node_id: NodeId, path: str | None) -> Reason:
    return Reason(source, role, None if path is None else node_id, path)
