"""Whether the caller may enter a space, or govern it."""

from bitvault.actors.files.contract import SpaceNotFound
from bitvault.actors.files.store.locate import spaces_of
from bitvault.actors.files.store.spaces import SQL, role_of
from bitvault.drivers.postgres.port import Row, Transaction
from bitvault.kernel.access import Right, rights_of
from bitvault.kernel.ids import SpaceId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refused


async def locked(tx: Transaction, caller: Caller, space_id: SpaceId) -> Row:
    """Lock a space, with the caller's role in it."""
    row = await tx.fetchrow(
        SQL["lock_space"],
        tenant=caller.tenant_id,
        user_id=caller.principal.user_id,
        space_id=space_id,
    )
    if row is None:
        raise Refused(SpaceNotFound(str(space_id)))
    return row


async def governed(tx: Transaction, caller: Caller, space_id: SpaceId) -> Row:
    """Lock a team space that the caller manages, or administers as the tenant's admin."""
    row = await locked(tx, caller, space_id)
    role, admin = role_of(row, caller), caller.principal.is_admin
    if row["kind"] == "personal":
        raise Refused(Forbidden("change a personal space") if role else _hidden(space_id))
    if role is None and not admin:
        raise Refused(_hidden(space_id))
    if not admin and Right.SHARE not in rights_of(role):
        raise Refused(Forbidden("manage the space"))
    return row


async def check_entered(tx: Transaction, caller: Caller, space_id: SpaceId) -> None:
    """Refuse a space that the caller may neither enter nor, as an admin, govern."""
    rows = await spaces_of(tx, caller, [space_id])
    row = next((one for one in rows if one["space_id"] == space_id), None)
    admin = row is not None and row["kind"] == "team" and caller.principal.is_admin
    if row is None or (role_of(row, caller) is None and not admin):
        raise Refused(_hidden(space_id))


def _hidden(space_id: SpaceId) -> SpaceNotFound:
    return SpaceNotFound(str(space_id))
