"""What is said on a node after a change, and for whom that makes a difference."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from bitvault.actors.sharing.contract import Grantee, GranteeKind, Holder, Shift
from bitvault.actors.sharing.rules.grants import Said, Saying
from bitvault.kernel.access import EVERYONE, NONE, Right, Role

_EVERYONE = Grantee(GranteeKind.EVERYONE, EVERYONE)
_OF_ALL = frozenset({GranteeKind.USER, GranteeKind.GROUP})
"""Kinds of grantees that have what everyone has."""

SaidOn = Mapping[UUID, Sequence[Said]]


def with_role(said: SaidOn, node_id: UUID, grantee: Grantee, role: Role | None) -> SaidOn:
    """Return what is said when somebody has this role on a node, and no other one."""
    stop = any(one.saying.is_stop for one in said.get(node_id, ()) if one.grantee == grantee)
    return _with(said, node_id, Said(grantee, Saying(role, stop)))


def with_restriction(said: SaidOn, node_id: UUID, *, is_stop: bool) -> SaidOn:
    """Return what is said when a folder is restricted, or is not."""
    roles = [one.saying.role for one in said.get(node_id, ()) if one.grantee == _EVERYONE]
    role = roles[0] if roles else None
    return _with(said, node_id, Said(_EVERYONE, Saying(role, is_stop)))


def _with(said: SaidOn, node_id: UUID, new: Said) -> SaidOn:
    others = [one for one in said.get(node_id, ()) if one.grantee != new.grantee]
    return {**said, node_id: [*others, new]}


def shifts(before: Iterable[Holder], after: Iterable[Holder]) -> tuple[Shift, ...]:
    """Return whose rights differ, those who gain some first."""
    old, new = _rights(before), _rights(after)
    found = [
        Shift(one, was, will)
        for one in sorted({**old, **new}, key=lambda one: (one.kind.value, one.grantee_id))
        if (was := _all_of(one, old)) != (will := _all_of(one, new))
    ]
    return tuple(sorted(found, key=lambda one: not one.gains))


def _rights(holders: Iterable[Holder]) -> Mapping[Grantee, Right]:
    return {one.grantee: one.rights for one in holders}


def _all_of(grantee: Grantee, rights: Mapping[Grantee, Right]) -> Right:
    own = rights.get(grantee, NONE)
    return own | rights.get(_EVERYONE, NONE) if grantee.kind in _OF_ALL else own
