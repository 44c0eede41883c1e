"""Who may do what in a space. One function, which the sharing room will take over."""

from bitvault.actors.files.contract import Role

_RANK = {Role.VIEWER: 1, Role.EDITOR: 2, Role.MANAGER: 3}


def role_in(kind: str, *, owns: bool, member_role: str | None) -> Role | None:
    """Return the caller's role, or None: then the space does not exist for them.

    A personal space has its owner only; a tenant's admin is no exception.
    """
    if kind == "personal":
        return Role.MANAGER if owns else None
    return Role(member_role) if member_role else None


def allows(role: Role | None, needed: Role) -> bool:
    """Return whether ``role`` is at least ``needed``."""
    return role is not None and _RANK[role] >= _RANK[needed]
