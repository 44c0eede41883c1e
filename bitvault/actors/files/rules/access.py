"""Who has which role in a space; what roles allow, and grants add, is in ``kernel/access.py``."""

from bitvault.actors.files.contract import Role


def role_in(kind: str, *, owns: bool, member_role: str | None) -> Role | None:
    """Return the caller's role, or None: then the space does not exist for them.

    A personal space has its owner only; a tenant's admin is no exception.
    """
    if kind == "personal":
        return Role.MANAGER if owns else None
    return Role(member_role) if member_role else None
