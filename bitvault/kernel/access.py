"""Who may do what to a node: rights, the roles that bundle them, and how they add up (ADR-0018)."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntFlag, StrEnum
from typing import Final
from uuid import UUID

from bitvault.kernel.principal import Principal


class Right(IntFlag):
    """What a grant allows on a node and on everything below it."""

    READ = 1
    """See it, its versions and its content."""
    CHANGE = 2
    """Write, rename, move, trash and restore what is there."""
    SHARE = 4
    """Say who else may do what."""
    ADD = 8
    """Put something in; alone, it shows nothing of what is there (ADR-0026)."""


class Role(StrEnum):
    """A bundle of rights, weakest first; an uploader has nothing of what a viewer has."""

    UPLOADER = "uploader"
    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"


RIGHTS: Final[Mapping[Role, Right]] = {
    Role.UPLOADER: Right.ADD,
    Role.VIEWER: Right.READ,
    Role.EDITOR: Right.READ | Right.ADD | Right.CHANGE,
    Role.MANAGER: Right.READ | Right.ADD | Right.CHANGE | Right.SHARE,
}
NONE: Final = Right(0)
STOP: Final = 1 << 14
"""Beside the rights on a node: what was granted above ends here, but for those who may share."""
EVERYONE: Final = UUID(int=0)
"""Stands for all users of a tenant where somebody is granted something."""


def rights_of(role: Role | None) -> Right:
    """Return what a role allows; None allows nothing."""
    return RIGHTS[role] if role else NONE


def role_of(rights: Right) -> Role | None:
    """Return the strongest role that these rights contain."""
    held = [role for role, needed in RIGHTS.items() if needed in rights]
    return held[-1] if held else None


def grantees_of(principal: Principal) -> list[UUID]:
    """Return everybody whose grants are the principal's too."""
    if principal.is_guest:
        return [principal.user_id]
    return [principal.user_id, *principal.groups, EVERYONE]


def past_restriction(rights: Right) -> Right:
    """Return what of the rights from above gets past a restricted folder (``STOP``).

    All or nothing: whoever may undo a restriction is not held by it.
    """
    return rights if Right.SHARE in rights else NONE


def rights_along(start: Right, granted: Iterable[int]) -> list[Right]:
    """Return the rights at each node of a chain that begins below ``start``.

    ``granted`` is what was granted on each node itself, from the root down. Grants add up on the
    way down; a restricted folder ends what came from above (``past_restriction``).
    """
    rights, found = start, []
    for bits in granted:
        if bits & STOP:
            rights = past_restriction(rights)
        rights |= Right(bits & ~STOP)
        found.append(rights)
    return found


def confined(to: UUID | None, ids: Sequence[UUID], rights: Sequence[Right]) -> Sequence[Right]:
    """Return what of the rights along a chain is left to who is confined to a node and below.

    Args:
        to: The node; None: nobody is confined.
        ids: Of the chain, from the root down.
        rights: At each of them, as ``rights_along`` gives them.
    """
    if to is None:
        return rights
    above = ids.index(to) if to in ids else len(ids)
    return [NONE] * above + list(rights[above:])


def top_of(rights: Sequence[Right]) -> int:
    """Return the index of the highest node of a chain from where all down to its end is readable.

    What is above it is not the reader's to know: neither names nor ids.
    """
    top = len(rights)
    while top and Right.READ in rights[top - 1]:
        top -= 1
    return top
